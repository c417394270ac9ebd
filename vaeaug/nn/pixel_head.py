"""The last layer of a decoder of many raw channels: a linear map per pixel from a few channels to all of them."""

from __future__ import annotations

from torch import nn

MAX_DIRECT_CHANNELS = 12
"""Raw channels that a decoder gives directly."""


def direct_channels(channels: int) -> int:
    """Return how many channels a decoder is to give for `pixel_head` to make R = `channels` of them."""
    return min(channels, MAX_DIRECT_CHANNELS)


def pixel_head(channels: int) -> nn.Module:
    """Return the map from `direct_channels(R)` to R channels, R = `channels`: none where these are as many."""
    return nn.Conv2d(MAX_DIRECT_CHANNELS, channels, 1) if channels > MAX_DIRECT_CHANNELS else nn.Identity()

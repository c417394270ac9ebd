"""Encoders and decoders between images and a grid of feature vectors, one a patch, fast on one CPU thread.

A layer mixes either the features of a patch or one feature over all patches (Tolstikhin et al., MLP-Mixer, 2021): two
small matrix products, several times as fast as a 3x3 convolution of the same width at the sizes there are here.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, pixel_shuffle, pixel_unshuffle, silu

from vaeaug.nn.patches import lowest_frequencies
from vaeaug.nn.pixel_head import direct_channels, pixel_head

MAX_FREQUENCIES = 64
"""Frequencies of a patch that the networks start from."""


def grid_patch(height: int, width: int, max_patches: int) -> int:
    """Return the side of the smallest patch, in pixels, of 2 or more, of which at most `max_patches` cover an image."""
    size = 2
    while math.prod(grid_shape(height, width, size)) > max_patches:
        size += 1
    return size


def grid_shape(height: int, width: int, size: int) -> tuple[int, int]:
    """Return the rows and columns of patches of `size` pixels that cover an image."""
    return math.ceil(height / size), math.ceil(width / size)


class GridMixer(nn.Module):
    """Residual layers on a grid of T patches of F features:  h <- h + silu(U h) over patches;  h <- h + silu(h W)."""

    def __init__(self, patches: int, features: int, depth: int) -> None:
        super().__init__()
        self.across = nn.ModuleList(nn.Linear(patches, patches) for _ in range(depth))
        self.within = nn.ModuleList(nn.Linear(features, features) for _ in range(depth))

    def forward(self, h_BTF: Tensor) -> Tensor:
        """Return the features, (B, T, F)."""
        for across, within in zip(self.across, self.within, strict=True):
            h_BTF = h_BTF + silu(across(h_BTF.transpose(1, 2))).transpose(1, 2)
            h_BTF = h_BTF + silu(within(h_BTF))
        return h_BTF


class GridEncoder(nn.Module):
    """Images (B, C, H, W) in [0, 1] to features of their patches, (B, h, w, F); the last patches may be padded."""

    def __init__(
        self, *, channels: int, height: int, width: int, patch: int, features: int, hidden: int, depth: int
    ) -> None:
        super().__init__()
        self.patch, self.grid = patch, grid_shape(height, width, patch)
        self.padding = (0, -width % patch, 0, -height % patch)
        self.inputs = nn.Linear(channels * patch**2, hidden)
        self.body = GridMixer(math.prod(self.grid), hidden, depth)
        self.outputs = nn.Linear(hidden, features)
        frequencies_KP = _frequencies(channels, patch)
        with torch.no_grad():
            gain = 2 / patch  # the coefficients of a white image are then of order one
            self.inputs.weight.copy_(gain * nn.Linear(len(frequencies_KP), hidden).weight @ frequencies_KP)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the features."""
        padded_BCHW = pad(2 * x_BCHW - 1, self.padding, mode="replicate")
        pixels_BTP = pixel_unshuffle(padded_BCHW, self.patch).flatten(2).transpose(1, 2)
        features_BTF: Tensor = self.outputs(self.body(self.inputs(pixels_BTP)))
        return features_BTF.view(len(x_BCHW), *self.grid, -1)


class GridDecoder(nn.Module):
    """Features of patches (B, h, w, F) and labels (B,) to raw output (B, R, H, W), without a final activation."""

    def __init__(
        self,
        *,
        features: int,
        channels: int,
        height: int,
        width: int,
        patch: int,
        hidden: int,
        depth: int,
        num_classes: int = 0,
    ) -> None:
        super().__init__()
        self.patch, self.grid, self.height, self.width = patch, grid_shape(height, width, patch), height, width
        direct = direct_channels(channels)
        self.inputs = nn.Linear(features, hidden)
        self.classes = nn.Embedding(num_classes, hidden) if num_classes else None
        self.body = GridMixer(math.prod(self.grid), hidden, depth)
        self.outputs = nn.Linear(hidden, direct * patch**2)
        self.pixels = pixel_head(channels)
        frequencies_KP = _frequencies(direct, patch)
        with torch.no_grad():
            self.outputs.weight.copy_(frequencies_KP.T @ nn.Linear(hidden, len(frequencies_KP)).weight)
            self.outputs.bias.zero_()
            if self.classes is not None:
                self.classes.weight.zero_()  # classes start alike and part where the data asks for it

    def forward(self, features_BhwF: Tensor, y_B: Tensor) -> Tensor:
        """Return the raw output."""
        h_BTF = self.inputs(features_BhwF.flatten(1, 2))
        if self.classes is not None:
            h_BTF = h_BTF + self.classes(y_B)[:, None]
        pixels_BTP = self.outputs(self.body(h_BTF))
        direct_BRHW = pixel_shuffle(pixels_BTP.transpose(1, 2).unflatten(2, self.grid), self.patch)
        raw_BRHW: Tensor = self.pixels(direct_BRHW[:, :, : self.height, : self.width])
        return raw_BRHW


def _frequencies(channels: int, patch: int) -> Tensor:
    """Return the lowest frequencies of a patch, orthonormal, (at most 64, channels * patch * patch)."""
    return lowest_frequencies(channels, patch, min(channels * patch**2, MAX_FREQUENCIES)).flatten(1)

"""Encoders and decoders for any image from 8x8 to 256x256 pixels, fast on one CPU thread.

Both are a patch layer and a residual MLP over all patches. On a CPU a good network is one that takes many steps a
second: for the same time, convolutions at the grid's resolution, mixers, deeper and wider networks and layer norms all
ended at a worse ELBO, on gray and on colour images (`docs/benchmarks.md`).
"""

from __future__ import annotations

from torch import Tensor, nn

from vaeaug.nn.mlp import ResidualMLP
from vaeaug.nn.patches import FromPatches, ToPatches
from vaeaug.nn.pixel_head import direct_channels, pixel_head

HIDDEN = 256
"""Default number of hidden units: 0.6 to 0.9 million parameters up to 64x64 pixels, 2.4 million above."""


class Encoder(nn.Module):
    """Images (B, C, H, W) in [0, 1] and labels (B,) to features (B, F). Labels are ignored if `num_classes` is 0."""

    def __init__(
        self,
        *,
        channels: int,
        height: int,
        width: int,
        features: int,
        num_classes: int = 0,
        hidden: int | None = None,
        depth: int = 2,
    ) -> None:
        super().__init__()
        self.patches = ToPatches(channels, height, width)
        self.body = ResidualMLP(
            self.patches.codes, features, hidden=hidden or HIDDEN, depth=depth, num_classes=num_classes
        )

    def forward(self, x_BCHW: Tensor, y_B: Tensor) -> Tensor:
        """Return the features."""
        features_BF: Tensor = self.body(self.patches(2 * x_BCHW - 1), y_B)  # centred inputs train faster
        return features_BF


class Decoder(nn.Module):
    """Features (B, F) and labels (B,) to raw output (B, R, H, W), without a final activation."""

    def __init__(
        self,
        *,
        features: int,
        channels: int,
        height: int,
        width: int,
        num_classes: int = 0,
        hidden: int | None = None,
        depth: int = 2,
    ) -> None:
        super().__init__()
        self.patches = FromPatches(direct_channels(channels), height, width)
        self.pixels = pixel_head(channels)
        self.body = ResidualMLP(
            features, self.patches.codes, hidden=hidden or HIDDEN, depth=depth, num_classes=num_classes
        )

    def forward(self, z_BF: Tensor, y_B: Tensor) -> Tensor:
        """Return the raw output."""
        raw_BRHW: Tensor = self.pixels(self.patches(self.body(z_BF, y_B)))
        return raw_BRHW

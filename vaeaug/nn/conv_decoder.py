"""A convolutional decoder, for realistic images rather than fast training.

A residual MLP makes a small grid of features; convolutions make the image from it. The layers mirror those of
`Discriminator`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from vaeaug.nn.discriminator import block_size
from vaeaug.nn.mlp import ResidualMLP
from vaeaug.nn.networks import HIDDEN
from vaeaug.nn.pixel_head import direct_channels, pixel_head

LARGEST_GRID = 8  # rows and columns of the MLP's grid at most


class ConvDecoder(nn.Module):
    """Features (B, F) and labels (B,) to raw output (B, R, H, W), without a final activation.

    Labels are ignored if `num_classes` is 0. `maps` channels enter the last convolution; each earlier layer has twice
    as many, up to four times.
    """

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
        maps: int = 16,
    ) -> None:
        super().__init__()
        self.height, self.width = height, width
        block = block_size(height, width)
        rows, columns = math.ceil(height / block), math.ceil(width / block)
        direct = direct_channels(channels)
        layers: list[nn.Module] = [nn.SiLU(), nn.Conv2d(maps, direct * block**2, 3, padding=1), nn.PixelShuffle(block)]
        inputs = maps
        while inputs == maps or max(rows, columns) > LARGEST_GRID:
            rows, columns = math.ceil(rows / 2), math.ceil(columns / 2)
            inputs, outputs = min(2 * inputs, 4 * maps), inputs
            layers = [nn.SiLU(), nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1), *layers]
        layers.append(pixel_head(channels))
        self.grid = (inputs, rows, columns)
        self.body = ResidualMLP(
            features, math.prod(self.grid), hidden=hidden or HIDDEN, depth=depth, num_classes=num_classes
        )
        self.layers = nn.Sequential(*layers)

    def forward(self, z_BF: Tensor, y_B: Tensor) -> Tensor:
        """Return the raw output, without what the last blocks have past the image's edges."""
        grid_BLHW = self.body(z_BF, y_B).view(-1, *self.grid).contiguous(memory_format=torch.channels_last)
        raw_BRHW: Tensor = self.layers(grid_BLHW)  # channels last are faster on a CPU
        return raw_BRHW[:, :, : self.height, : self.width].contiguous()

"""Space to depth: an image as a small grid of patches, each with a few coefficients.

A patch layer is a convolution whose stride is its kernel, so all further work is done at the grid's resolution. It
starts as the lowest frequencies of the discrete cosine transform over channel, row and column, which is what JPEG
keeps of natural images; training then moves it. Started so, 64x64 colour images are learned several times as fast as
from random weights (`docs/benchmarks.md`).
"""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import Tensor, nn

CODES = 16
"""Coefficients a patch of up to three channels. Twice as many cost time and were no better."""

Convolution = TypeVar("Convolution", nn.Conv2d, nn.ConvTranspose2d)


def patch_size(channels: int, height: int, width: int) -> int:
    """Return the side of a patch in pixels: 1 for up to 1,024 values (28x28 gray), else 4 to 16, for 5 to 16 a side."""
    if channels * height * width <= 1024:
        return 1
    side = math.sqrt(height * width)
    return 4 if side <= 48 else 8 if side <= 128 else 16


def grid(channels: int, height: int, width: int, size: int | None = None) -> tuple[int, int, int]:
    """Return the shape of an image's coefficients: (a patch's, rows of patches, columns of patches)."""
    size = size or patch_size(channels, height, width)
    codes = min(CODES * math.ceil(channels / 3), channels * size**2)
    return codes, math.ceil(height / size), math.ceil(width / size)


def cosine_transform(size: int) -> Tensor:
    """Return the orthonormal DCT-II matrix, (frequency, position), both of length `size` (Ahmed et al. 1974)."""
    frequency, position = torch.arange(size)[:, None], torch.arange(size)[None] + 0.5
    scale = torch.full((size, 1), math.sqrt(2 / size))
    scale[0] = math.sqrt(1 / size)
    return scale * torch.cos(math.pi / size * frequency * position)


def lowest_frequencies(channels: int, size: int, count: int) -> Tensor:
    """Return orthonormal patches of the lowest frequencies, (count, channels, size, size).

    Over three channels the transform gives brightness, red against blue, and green against both.
    """
    across, along = cosine_transform(channels), cosine_transform(size)
    frequencies = torch.cartesian_prod(torch.arange(channels), torch.arange(size), torch.arange(size))
    lowest = frequencies[frequencies.sum(dim=1).argsort(stable=True)[:count]]
    c, u, v = lowest.unbind(dim=1)
    return torch.einsum("kc,ky,kx->kcyx", across[c], along[u], along[v])


class ToPatches(nn.Module):
    """Images (B, C, H, W) to the coefficients of their patches (of `size` pixels per side), (B, codes)."""

    def __init__(self, channels: int, height: int, width: int, size: int | None = None) -> None:
        super().__init__()
        size = size or patch_size(channels, height, width)
        self.grid = grid(channels, height, width, size)
        self.codes = math.prod(self.grid)
        self.project: nn.Module = nn.Identity()  # patches of one pixel are coefficients already
        if size > 1:
            gain = size**-0.5  # keeps the coefficients of a white image, and with them the first KL, small
            convolution = started_at_cosines(nn.Conv2d(channels, self.grid[0], size, stride=size), gain)
            self.project = nn.Sequential(nn.ReplicationPad2d((0, -width % size, 0, -height % size)), convolution)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the coefficients."""
        codes_BK: Tensor = self.project(x_BCHW).flatten(1)
        return codes_BK


class FromPatches(nn.Module):
    """Coefficients of patches (B, codes) to images (B, C, H, W): the transpose of `ToPatches`."""

    def __init__(self, channels: int, height: int, width: int, size: int | None = None) -> None:
        super().__init__()
        size = size or patch_size(channels, height, width)
        self.height, self.width = height, width
        self.grid = grid(channels, height, width, size)
        self.codes = math.prod(self.grid)
        self.project: nn.Module = nn.Identity()
        if size > 1:
            self.project = started_at_cosines(nn.ConvTranspose2d(self.grid[0], channels, size, stride=size))

    def forward(self, codes_BK: Tensor) -> Tensor:
        """Return the images, with the padding of the last patches cut off."""
        out_BCHW: Tensor = self.project(codes_BK.view(-1, *self.grid))
        return out_BCHW[:, :, : self.height, : self.width]


def started_at_cosines(layer: Convolution, gain: float = 1.0) -> Convolution:
    """Set a convolution from pixels to codes, or a transposed one back, to `gain` cosine transforms, and return it."""
    with torch.no_grad():
        codes, channels, size, _ = layer.weight.shape
        layer.weight.copy_(gain * lowest_frequencies(channels, size, codes))
        if layer.bias is not None:
            layer.bias.zero_()
    return layer

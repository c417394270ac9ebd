"""The deterministic paths of a ladder of latent grids, fast on one CPU thread: up from an image, and down to one.

The finest grid is that of an image's patches, the coarsest one cell, and each step refines by a constant factor. Layers
see all cells of a grid at once, like those of `ResidualMLP`.
"""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import silu

from vaeaug.nn.patches import FromPatches, ToPatches
from vaeaug.nn.pixel_head import direct_channels, pixel_head

Shape = tuple[int, int, int]
"""Channels, rows and columns of a grid."""


def ladder_patch(height: int, width: int) -> int:
    """Return the side of a patch in pixels: for about 4 to 16 patches a side."""
    side = math.sqrt(height * width)
    return 2 if side < 16 else 4 if side <= 48 else 8 if side <= 128 else 16


def ladder_grids(height: int, width: int, groups: int) -> list[tuple[int, int]]:
    """Return (rows, columns) per group (at least 2), coarsest first: 1x1, 3x3, 7x7 for three at 28x28 pixels."""
    patch = ladder_patch(height, width)
    finest = math.ceil(height / patch), math.ceil(width / patch)
    powers = [step / (groups - 1) for step in range(groups)]
    return [(round(finest[0] ** power), round(finest[1] ** power)) for power in powers]


def ladder_shapes(channels: int, height: int, width: int, groups: int, hidden: int) -> list[Shape]:
    """Return the feature shape of each group, coarsest first: about `hidden` units each, the finest the patches."""
    grids = ladder_grids(height, width, groups)
    shapes = [(max(1, round(hidden / (rows * columns))), rows, columns) for rows, columns in grids[:-1]]
    return [*shapes, ToPatches(channels, height, width, ladder_patch(height, width)).grid]


class PerCell(nn.Linear):
    """The same linear map at each cell, (B, K, h, w) to (B, O, h, w): faster than a 1x1 convolution on a CPU."""

    def forward(self, h_BKhw: Tensor) -> Tensor:
        """Return the mapped features."""
        out_BNO = super().forward(h_BKhw.flatten(2).transpose(1, 2))
        return out_BNO.transpose(1, 2).reshape(len(h_BKhw), -1, *h_BKhw.shape[2:])


class GridLinear(nn.Module):
    """A linear map from all of one grid to all of another: (B, *source) to (B, *target)."""

    def __init__(self, source: Shape, target: Shape) -> None:
        super().__init__()
        self.target = target
        self.linear = nn.Linear(math.prod(source), math.prod(target))

    def forward(self, h_BKhw: Tensor) -> Tensor:
        """Return the features on the other grid."""
        out_BN: Tensor = self.linear(h_BKhw.flatten(1))
        return out_BN.view(-1, *self.target)


class GridBlock(nn.Module):
    """A residual layer on a grid:  h <- h + B silu(A h), where A and B see all cells and `hidden` units lie between."""

    def __init__(self, shape: Shape, hidden: int) -> None:
        super().__init__()
        self.inward, self.outward = GridLinear(shape, (hidden, 1, 1)), GridLinear((hidden, 1, 1), shape)

    def forward(self, h_BKhw: Tensor) -> Tensor:
        """Return the features, shaped as they came."""
        out_BKhw: Tensor = h_BKhw + self.outward(silu(self.inward(h_BKhw)))
        return out_BKhw


class LadderEncoder(nn.Module):
    """Images (B, C, H, W) in [0, 1] and labels (B,) to the features of each group, coarsest first."""

    def __init__(self, *, channels: int, height: int, width: int, groups: int, num_classes: int, hidden: int) -> None:
        super().__init__()
        self.shapes = ladder_shapes(channels, height, width, groups, hidden)
        self.patches = ToPatches(channels, height, width, ladder_patch(height, width))
        upward = self.shapes[::-1]
        self.steps = nn.ModuleList(GridLinear(finer, coarser) for finer, coarser in pairwise(upward))
        self.blocks = nn.ModuleList(GridBlock(shape, hidden // 2) for shape in upward[1:])
        self.classes = nn.Embedding(num_classes, math.prod(self.shapes[-2]))
        nn.init.zeros_(self.classes.weight)  # classes start alike and part where the data asks for it

    def forward(self, x_BCHW: Tensor, y_B: Tensor) -> list[Tensor]:
        """Return the features of each group, (B, K, h, w)."""
        h_BKhw = self.patches(2 * x_BCHW - 1).view(-1, *self.shapes[-1])
        features = [h_BKhw]
        for number, (step, block) in enumerate(zip(self.steps, self.blocks, strict=True)):
            h_BKhw = step(h_BKhw)
            if number == 0:
                h_BKhw = h_BKhw + self.classes(y_B).view_as(h_BKhw)
            h_BKhw = block(h_BKhw)
            features.append(h_BKhw)
        return features[::-1]


class LadderDecoder(nn.Module):
    """The way down: a state on each group's grid, and raw output (B, R, H, W) from the last one.

    Call `start`; for each group add its latents to the state and call `refine`; call `image` at the end.
    """

    def __init__(self, *, channels: int, height: int, width: int, groups: int, num_classes: int, hidden: int) -> None:
        super().__init__()
        direct = direct_channels(channels)
        self.shapes = ladder_shapes(direct, height, width, groups, hidden)
        self.classes = nn.Embedding(num_classes, math.prod(self.shapes[0]))
        nn.init.zeros_(self.classes.weight)
        self.blocks = nn.ModuleList(GridBlock(shape, hidden // 2) for shape in self.shapes)
        self.steps = nn.ModuleList(GridLinear(coarser, finer) for coarser, finer in pairwise(self.shapes))
        self.patches = FromPatches(direct, height, width, ladder_patch(height, width))
        self.pixels = pixel_head(channels)

    def start(self, y_B: Tensor) -> Tensor:
        """Return the state before any latent, (B, K, 1, 1)."""
        h_BK: Tensor = self.classes(y_B)
        return h_BK.view(-1, *self.shapes[0])

    def refine(self, group: int, h_BKhw: Tensor) -> Tensor:
        """Return the state of the next group, given that of `group` with its latents; of the last, its own."""
        h_BKhw = self.blocks[group](h_BKhw)
        return self.steps[group](h_BKhw) if group < len(self.steps) else h_BKhw

    def image(self, h_BKhw: Tensor) -> Tensor:
        """Return the raw output of the last state."""
        raw_BRHW: Tensor = self.pixels(self.patches(h_BKhw.flatten(1)))
        return raw_BRHW

"""Smooth deformations of images, as the flow of a velocity field on a coarse grid.

The displacement is the flow of a stationary velocity field at time 1, by scaling and squaring (Arsigny et al. 2006).
The flow of -v undoes it, and it folds nothing over as long as the field is smooth on its grid.

    V. Arsigny, O. Commowick, X. Pennec, N. Ayache. A Log-Euclidean Framework for Statistics on Diffeomorphisms.
    MICCAI 2006.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample, interpolate

from vaeaug.nn.mlp import ResidualMLP

SQUARINGS = 4
"""The flow is followed in 2 to this power steps."""

SMALL_OUTPUTS = 0.01
"""Factor of the initial weights of the last layer: training begins near the identity."""

VELOCITY_SCALE = 0.2
"""Velocity of an output of 1, in fractions of the sides."""


def integrated(velocity_B2HW: Tensor, squarings: int = SQUARINGS) -> Tensor:
    """Return the displacement of the flow of a velocity field at time 1, (B, 2, H, W).

    Args:
        velocity_B2HW: to the right and down, as fractions of the width and the height per unit of time.
    """
    displacement_B2HW: Tensor = velocity_B2HW / 2**squarings
    for _ in range(squarings):
        displacement_B2HW = displacement_B2HW + deformed(displacement_B2HW, displacement_B2HW)
    return displacement_B2HW


def deformed(x_BCHW: Tensor, displacement_B2HW: Tensor) -> Tensor:
    """Return images whose value at p is that of x at p plus the displacement; the border continues outside (bilinear).

    Args:
        displacement_B2HW: to the right and down, as fractions of the width and the height.
    """
    _, _, height, width = x_BCHW.shape
    return grid_sample(
        x_BCHW,
        _places(height, width, x_BCHW) + 2 * displacement_B2HW.permute(0, 2, 3, 1),
        padding_mode="border",
        align_corners=False,
    )


def resized_field(field_BCHW: Tensor, height: int, width: int) -> Tensor:
    """Return a smooth field at another size (bicubic)."""
    rows_HK, columns_WK = (
        _interpolation(old, new).to(field_BCHW) for old, new in zip(field_BCHW.shape[2:], (height, width), strict=True)
    )
    return rows_HK @ field_BCHW @ columns_WK.T


@functools.cache
def _interpolation(old: int, new: int) -> Tensor:
    """Return the weights of bicubic interpolation along one axis, (new, old).

    As products with small matrices, it is several times as fast on a CPU as `interpolate` and its gradient.
    """
    identity_1KK1 = torch.eye(old)[None, :, :, None]  # one channel per place
    return interpolate(identity_1KK1, (new, 1), mode="bicubic", align_corners=False)[0, :, :, 0].T.contiguous()


def _places(height: int, width: int, like: Tensor) -> Tensor:
    """Return the centres of the pixels as `grid_sample` counts them, (1, H, W, 2): right and down, from -1 to 1."""
    down_H, right_W = (
        (2 * torch.arange(side, device=like.device, dtype=like.dtype) + 1) / side - 1 for side in (height, width)
    )
    down_HW, right_HW = torch.meshgrid(down_H, right_W, indexing="ij")
    return torch.stack([right_HW, down_HW], dim=-1)[None]


class VelocityDecoder(nn.Module):
    """Features (B, F) and labels (B,) to a velocity (B, 2, K, K) and a log gain (B, K, K) at K x K control points."""

    def __init__(self, *, features: int, points: int, num_classes: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.points = points
        self.body = ResidualMLP(features, 3 * points**2, hidden=hidden, depth=depth, num_classes=num_classes)
        with torch.no_grad():
            self.body.outputs.weight.mul_(SMALL_OUTPUTS)
            self.body.outputs.bias.zero_()

    def forward(self, z_BF: Tensor, y_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return the velocity, in fractions of the sides, and the log gain."""
        out_B3KK = self.body(z_BF, y_B).unflatten(1, (3, self.points, self.points))
        return VELOCITY_SCALE * out_B3KK[:, :2], out_B3KK[:, 2]

"""Differentiable augmentation of the input of a discriminator (Zhao et al. 2020, DiffAugment).

The discriminator sees only augmented images, so that it does not memorize a few hundred of them; gradients pass through
the augmentation to the generator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample


@dataclass(frozen=True, slots=True)
class Augmentation:
    """One augmentation per image: parameters drawn by `draw`, and a function of images.

    Attributes:
        shift_B2: whole pixels down and right; black comes in.
        hole_B2: row and column at which the hole begins; it may be partly outside.
        brightness_B: added to every value.
        contrast_B: factor of the distance from the image's mean.
    """

    shift_B2: Tensor
    hole_B2: Tensor
    hole_size: tuple[int, int]
    brightness_B: Tensor
    contrast_B: Tensor

    @staticmethod
    def draw(
        shape: torch.Size,
        generator: torch.Generator,
        *,
        translation: float = 0.125,
        cutout: float = 0.5,
        brightness: float = 0.5,
        contrast: float = 0.5,
    ) -> Augmentation:
        """Draw one per image, uniformly. The defaults are the paper's (appendix A).

        Args:
            translation: largest shift, as a fraction of the side.
            cutout: side of the hole, as a fraction of the side.
            brightness: width of the range around 0.
            contrast: largest distance of the factor from 1.
        """
        count, _, height, width = shape
        sides_2 = torch.tensor([height, width], device=generator.device)
        unit_B6 = torch.rand((count, 6), generator=generator, device=generator.device)
        reach_2 = (translation * sides_2).round()
        hole_size = (math.ceil(cutout * height), math.ceil(cutout * width))
        half_2 = torch.tensor(hole_size, device=generator.device) // 2
        return Augmentation(
            shift_B2=(unit_B6[:, :2] * (2 * reach_2 + 1)).floor() - reach_2,
            hole_B2=(unit_B6[:, 2:4] * sides_2).floor() - half_2,
            hole_size=hole_size,
            brightness_B=brightness * (unit_B6[:, 4] - 0.5),
            contrast_B=1 + contrast * (2 * unit_B6[:, 5] - 1),
        )

    def __call__(self, x_BCHW: Tensor) -> Tensor:
        """Return the augmented images. Brightness and contrast may take them out of [0, 1]."""
        mean_B111 = x_BCHW.mean(dim=(1, 2, 3), keepdim=True)
        contrast_B111, brightness_B111 = self.contrast_B[:, None, None, None], self.brightness_B[:, None, None, None]
        x_BCHW = (x_BCHW - mean_B111) * contrast_B111 + (mean_B111 + brightness_B111)
        return self._cut(self._shift(x_BCHW))

    def _shift(self, x_BCHW: Tensor) -> Tensor:
        height, width = x_BCHW.shape[2:]
        row_BH, column_BW = (
            (2 * (torch.arange(side, device=x_BCHW.device) - self.shift_B2[:, axis, None]) + 1) / side - 1
            for axis, side in enumerate((height, width))
        )  # where each pixel comes from, as grid_sample counts: -1 and 1 are the image's edges
        grid_BHW2 = torch.stack(
            [column_BW[:, None].expand(-1, height, -1), row_BH[:, :, None].expand(-1, -1, width)], dim=3
        )
        return grid_sample(x_BCHW, grid_BHW2.to(x_BCHW), mode="nearest", padding_mode="zeros", align_corners=False)

    def _cut(self, x_BCHW: Tensor) -> Tensor:
        row_BH, column_BW = (
            (position >= self.hole_B2[:, axis, None]) & (position < self.hole_B2[:, axis, None] + self.hole_size[axis])
            for axis, position in enumerate(torch.arange(side, device=x_BCHW.device) for side in x_BCHW.shape[2:])
        )
        return x_BCHW.masked_fill((row_BH[:, :, None] & column_BW[:, None])[:, None], 0.0)

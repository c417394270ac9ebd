"""Two plain losses that variants are checked with where none is named."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vaeaug.contracts import ReconstructionLoss

if TYPE_CHECKING:
    from torch import Tensor


class SquaredDistance(ReconstructionLoss):
    """Sum of squared errors: as many raw channels as the image has."""

    name = "squared-distance"

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the squared error of each image, shape (B,)."""
        return (raw_BRHW - x_BCHW).square().sum(dim=(1, 2, 3))

    def image(self, raw_BRHW: Tensor) -> Tensor:
        """Return the mean, cut to [0, 1]."""
        return raw_BRHW.clamp(0, 1)


class PixelwiseGaussian(ReconstructionLoss):
    """A Gaussian likelihood with a mean and a log-variance a value: twice as many raw channels as the image has."""

    name = "pixelwise-gaussian"

    def raw_channels(self, channels: int) -> int:
        """Return 2 C."""
        return 2 * channels

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the negative log-likelihood of each image in nats, shape (B,)."""
        mean, logvar = raw_BRHW.chunk(2, dim=1)
        logvar = logvar.clamp(-6, 6)
        nll = 0.5 * (math.log(2 * math.pi) + logvar + (x_BCHW - mean).square() * (-logvar).exp())
        return nll.sum(dim=(1, 2, 3))

    def image(self, raw_BRHW: Tensor) -> Tensor:
        """Return the mean, cut to [0, 1]."""
        return raw_BRHW.chunk(2, dim=1)[0].clamp(0, 1)

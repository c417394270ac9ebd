"""A Gaussian likelihood with one variance for all pixels, at its optimum (sigma-VAE, Rybkin et al. 2021).

Loss, per image of P values:  P/2 log(2 pi v) + sum (x - m)^2 / (2 v),  m = sigmoid(raw),  v* = mean (x - m)^2.

The variance balances reconstruction against KL, so no weight needs tuning. In training, v is the optimum for the batch,
but at least the mean squared error on held-out images, because a few hundred training images are soon reconstructed far
better than others. In eval mode v is the running mean, so that an image's likelihood does not depend on its batch.
"""

import math
from collections.abc import Iterable
from typing import Any

from torch import Tensor

from vaeaug import ImageSpec, ReconstructionLoss, hookimpl
from vaeaug.nn import RunningError

INITIAL_VARIANCE = 0.1  # about the variance of natural images around their mean
MIN_VARIANCE = (1 / 255) ** 2 / 12  # that of rounding to 8 bits: no image is known better


class Gaussian(ReconstructionLoss):
    """The negative log-likelihood of a Gaussian with one shared variance, in nats."""

    name = "gaussian"
    default = True
    reference = "Rybkin, Daniilidis & Levine, Simple and Effective VAE Training with Calibrated Decoders, ICML 2021"

    def __init__(self, spec: ImageSpec, config: Any) -> None:
        super().__init__(spec, config)
        self.variance = RunningError(INITIAL_VARIANCE, MIN_VARIANCE)

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the negative log-likelihood of each image, shape (B,)."""
        error_B = self.error(raw_BRHW, x_BCHW)
        variance = self.variance(error_B)
        return 0.5 * x_BCHW[0].numel() * (math.log(2 * math.pi) + variance.log() + error_B / variance)

    def image(self, raw_BRHW: Tensor) -> Tensor:
        """Return the mean m."""
        return raw_BRHW.sigmoid()

    def calibrate(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> None:
        """Take the mean squared error on held-out images as the least variance."""
        self.variance.calibrate(self.error(raw_BRHW, x_BCHW))

    def error(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the mean squared error of each image, shape (B,)."""
        return (self.image(raw_BRHW) - x_BCHW).square().mean(dim=(1, 2, 3))


@hookimpl
def vaeaug_losses() -> Iterable[type[ReconstructionLoss]]:
    """Bring the Gaussian loss."""
    return [Gaussian]

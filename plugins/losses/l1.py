"""A Laplace likelihood with one scale for all pixels, at its optimum: the absolute error as a likelihood.

Loss, per image of P values:  P log(2 b) + sum |x - m| / b,  m = sigmoid(raw),  b* = mean |x - m|.

The scale is handled like the variance of `gaussian`. The plain sum of absolute errors (b = 1) would be so wide for
images in [0, 1] that latents collapse.
"""

import math
from collections.abc import Iterable
from typing import Any

from torch import Tensor

from vaeaug import ImageSpec, ReconstructionLoss, hookimpl
from vaeaug.nn import RunningError

INITIAL_SCALE = 0.2  # about the mean absolute error of natural images around their median
MIN_SCALE = 1 / 255 / 4  # that of rounding to 8 bits: no image is known better


class L1(ReconstructionLoss):
    """The negative log-likelihood of a Laplace distribution with one shared scale, in nats."""

    name = "l1"
    reference = (
        "Laplace 1774; the scale at its optimum as for a Gaussian in Rybkin, Daniilidis & Levine, Simple and Effective "
        "VAE Training with Calibrated Decoders, ICML 2021"
    )

    def __init__(self, spec: ImageSpec, config: Any) -> None:
        super().__init__(spec, config)
        self.scale = RunningError(INITIAL_SCALE, MIN_SCALE)

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the negative log-likelihood of each image, shape (B,)."""
        error_B = self.error(raw_BRHW, x_BCHW)
        scale = self.scale(error_B)
        return x_BCHW[0].numel() * (math.log(2) + scale.log() + error_B / scale)

    def image(self, raw_BRHW: Tensor) -> Tensor:
        """Return the median m."""
        return raw_BRHW.sigmoid()

    def calibrate(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> None:
        """Take the mean absolute error on held-out images as the least scale."""
        self.scale.calibrate(self.error(raw_BRHW, x_BCHW))

    def error(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the mean absolute error of each image, shape (B,)."""
        return (self.image(raw_BRHW) - x_BCHW).abs().mean(dim=(1, 2, 3))


@hookimpl
def vaeaug_losses() -> Iterable[type[ReconstructionLoss]]:
    """Bring the L1 loss."""
    return [L1]

"""A Gaussian likelihood with one variance for all pixels, at its optimum (sigma-VAE, Rybkin et al. 2021).

Loss, per image of P values:  P/2 log(2 pi v) + sum (x - m)^2 / (2 v),  m = sigmoid(raw),  v* = mean (x - m)^2.

The variance balances reconstruction against KL by itself, so no weight needs tuning. While training, v is the optimum
for the batch (its gradient is that of P/2 log of the mean squared error), but never below the mean squared error on
held-out images: a few hundred training images are soon reconstructed far better than any others, and the posteriors of
an overconfident likelihood are so narrow that the decoder knows nothing of the space between them. The running mean is
kept, and in eval mode v is that, so that an image's likelihood does not depend on the other images of its batch.
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from vaeaug import ImageSpec, ReconstructionLoss, hookimpl

LEAST_VARIANCE = (1 / 255) ** 2 / 12  # that of rounding to 8 bits: no image is known better
MOMENTUM = 0.05  # short trainings take a few hundred steps: the start must be forgotten by then


class Gaussian(ReconstructionLoss):
    """The negative log-likelihood of a Gaussian with one shared variance, in nats."""

    name = "gaussian"
    default = True
    reference = "Rybkin, Daniilidis & Levine, Simple and Effective VAE Training with Calibrated Decoders, ICML 2021"
    variance: Tensor
    held_out: Tensor

    def __init__(self, spec: ImageSpec, config: Any) -> None:
        super().__init__(spec, config)
        self.register_buffer("variance", torch.tensor(0.1))  # about that of natural images around their mean
        self.register_buffer("held_out", torch.tensor(LEAST_VARIANCE))

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the negative log-likelihood of each image, shape (B,)."""
        error_B = (self.image(raw_BRHW) - x_BCHW).square().sum(dim=(1, 2, 3))
        pixels = x_BCHW[0].numel()
        variance = self.variance
        if self.training:
            variance = torch.maximum(error_B.detach().mean() / pixels, self.held_out)
            self.variance.lerp_(variance, MOMENTUM)
        return error_B / (2 * variance) + 0.5 * pixels * (math.log(2 * math.pi) + variance.log())

    def image(self, raw_BRHW: Tensor) -> Tensor:
        """Return the mean m."""
        return raw_BRHW.sigmoid()

    def calibrate(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> None:
        """Take the mean squared error on held-out images as the least variance."""
        self.held_out.copy_((self.image(raw_BRHW) - x_BCHW).square().mean().clamp(min=LEAST_VARIANCE))


@hookimpl
def vaeaug_losses() -> Iterable[type[ReconstructionLoss]]:
    """Bring the Gaussian loss."""
    return [Gaussian]

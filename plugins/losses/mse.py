"""Squared error: a Gaussian likelihood of fixed variance 1/2, without its constant.

Loss, per image:  sum (x - raw)^2.
"""

from collections.abc import Iterable

from torch import Tensor

from vaeaug import ReconstructionLoss, hookimpl


class MSE(ReconstructionLoss):
    """The sum of squared errors of an image."""

    name = "mse"
    reference = "Bishop, Pattern Recognition and Machine Learning, 2006, eq. 3.12"

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the squared error of each image, shape (B,)."""
        return (raw_BRHW - x_BCHW).square().sum(dim=(1, 2, 3))

    def image(self, raw_BRHW: Tensor) -> Tensor:
        """Return the mean, cut to [0, 1]."""
        return raw_BRHW.clamp(0, 1)


@hookimpl
def vaeaug_losses() -> Iterable[type[ReconstructionLoss]]:
    """Bring the MSE."""
    return [MSE]

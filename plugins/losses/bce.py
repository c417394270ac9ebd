"""Binary cross-entropy: the Bernoulli likelihood, for images whose pixels are near black or white.

Loss, per image:  -sum [x log p + (1 - x) log(1 - p)],  p = sigmoid(raw).
"""

from collections.abc import Iterable

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from vaeaug import ImageStatistics, ReconstructionLoss, hookimpl

MIN_BINARITY = 0.8  # of the greatest variance values in [0, 1] can have; MNIST has 0.84, Fashion-MNIST 0.6


class BCE(ReconstructionLoss):
    """The negative log-likelihood of a Bernoulli distribution per pixel, in nats."""

    name = "bce"
    reference = "Kingma & Welling, Auto-Encoding Variational Bayes, ICLR 2014, appendix C.1"

    @classmethod
    def suits(cls, images: ImageStatistics) -> str | None:
        """Take images whose values are nearly all black or white."""
        if images.palette is not None or images.binarity < MIN_BINARITY:
            return None
        return f"the images are nearly black and white: {images.binarity:.0%} of the maximum variance"

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        """Return the cross-entropy of each image, shape (B,)."""
        return binary_cross_entropy_with_logits(raw_BRHW, x_BCHW, reduction="none").sum(dim=(1, 2, 3))

    def image(self, raw_BRHW: Tensor) -> Tensor:
        """Return the probabilities."""
        return raw_BRHW.sigmoid()


@hookimpl
def vaeaug_losses() -> Iterable[type[ReconstructionLoss]]:
    """Bring the BCE."""
    return [BCE]

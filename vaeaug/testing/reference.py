"""Reference plugins to test others with: two losses for variants, and a variant for samplers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from vaeaug.contracts import Deformation, Encoded, ImageSpec, Latent, ReconstructionLoss, Variant, leaves, tree_map

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
    """A Gaussian likelihood with a mean and a log-variance per value: twice as many raw channels as the image has."""

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


class FixedPrior(Variant):
    """A variant whose prior gives latents of a given structure, and that records what it is asked for.

    Args:
        like: latents; their first axis may have any length.
    """

    name = "fixed-prior"
    conditional = True
    deforms = True

    def __init__(self, like: Latent) -> None:
        super().__init__(ImageSpec(channels=1, height=8, width=8, num_classes=3), self.Config())
        self.like = like
        self.labels: set[int] = set()
        self.deformed = 0

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:  # noqa: ARG002
        """Return the first latents."""
        latent: Latent = tree_map(lambda leaf: leaf[: len(y_B)], self.like)
        return Encoded(latent, torch.zeros(len(y_B), 1))

    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:  # noqa: ARG002
        """Return black images."""
        return torch.zeros(len(y_B), self.spec.raw_channels, self.spec.height, self.spec.width)

    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        """Draw standard normal values, or codes of 0 to 7, one per label."""
        self.labels.update(y_B.tolist())

        def drawn(leaf: Tensor) -> Tensor:
            shape = (len(y_B), *leaf.shape[1:])
            if leaf.is_floating_point():
                return torch.randn(shape, generator=generator)
            return torch.randint(8, shape, generator=generator)

        return tree_map(drawn, self.like)

    def deform(self, latent: Latent, y_B: Tensor, strength_B: Tensor, generator: torch.Generator) -> Deformation:
        """Draw displacements on a grid of 4 x 4, without a gain."""
        self.deformed += len(y_B)
        displacement_B244 = 0.05 * torch.randn((len(leaves(latent)[0]), 2, 4, 4), generator=generator)
        return Deformation(strength_B[:, None, None, None] * displacement_B244)

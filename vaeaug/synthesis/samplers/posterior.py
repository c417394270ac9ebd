"""Draw around real images: z ~ q(z|x), the class's training images taken in turn."""

from __future__ import annotations

from typing import cast

import torch

from vaeaug.contracts import Latent, leaves, tree_map
from vaeaug.errors import InputError
from vaeaug.nn import standard_normal
from vaeaug.synthesis.samplers.base import Draw, Sampler


class PosteriorSampler(Sampler):
    """Sample i is drawn from the posterior of training image i mod N: close variations of real images."""

    name = "posterior"

    @classmethod
    def check(cls, variant: str, latent: Latent, scale: Latent | None) -> None:
        """Refuse latents whose posterior is not known."""
        if scale is None:
            others = "prior or mixture" if all(leaf.is_floating_point() for leaf in leaves(latent)) else "prior"
            raise InputError(
                f"the sampler 'posterior' needs a Gaussian posterior, which the variant '{variant}' does not have; "
                f"use --sampler {others}"
            )

    def fit(self, seed: int) -> None:  # noqa: ARG002
        """Keep the width of the posterior, which is known: `check` has seen to it."""
        self._scale = cast("Latent", self.latents.latents.scale)

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        """Draw around the training images `start` ... modulo their number."""
        latents = self.latents.latents
        chosen = torch.arange(start, start + count) % len(leaves(latents.latent)[0])

        def perturb(mode_N: torch.Tensor, scale_N: torch.Tensor) -> torch.Tensor:
            noise = standard_normal((count, *mode_N.shape[1:]), generator).to(mode_N)
            return mode_N[chosen] + scale_N[chosen] * noise

        latent: Latent = tree_map(perturb, latents.latent, self._scale)
        return Draw(latent, tuple(int(index) for index in chosen))

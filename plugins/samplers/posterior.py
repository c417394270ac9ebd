"""Draw around real images: z ~ q(z|x), the class's training images taken in turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch

from vaeaug import Draw, Latent, Latents, Sampler, hookimpl
from vaeaug.contracts import leaves, tree_map
from vaeaug.nn import standard_normal


class PosteriorSampler(Sampler):
    """Draws from the posteriors of real images: close variations of them.

    Sample i is drawn from the posterior of training image i mod N.
    """

    name = "posterior"
    reference = "Kingma & Welling, Auto-Encoding Variational Bayes, ICLR 2014, arXiv:1312.6114"

    @classmethod
    def unmet_need(cls, latents: Latents) -> str | None:
        """Return whether the width of the posterior is missing."""
        return None if latents.scale is not None else "a Gaussian posterior"

    def fit(self, seed: int) -> None:  # noqa: ARG002
        """Keep the width of the posterior, which is known (`unmet_need`)."""
        self._scale = cast("Latent", self.latents.scale)

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        """Draw around the training images `start` ... modulo their number."""
        latents = self.latents
        chosen = torch.arange(start, start + count) % len(leaves(latents.latent)[0])

        def perturb(mode_N: torch.Tensor, scale_N: torch.Tensor) -> torch.Tensor:
            noise = standard_normal((count, *mode_N.shape[1:]), generator).to(mode_N)
            return mode_N[chosen] + scale_N[chosen] * noise

        latent: Latent = tree_map(perturb, latents.latent, self._scale)
        return Draw(latent, tuple(int(index) for index in chosen))


@hookimpl
def vaeaug_samplers() -> Iterable[type[Sampler]]:
    """Bring the sampler `posterior`."""
    return [PosteriorSampler]

"""Draw from the variant's own prior: N(0, I) for a VAE, the learned code prior for a VQ-VAE."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from vaeaug import Draw, Sampler, SamplingCase, hookimpl


class PriorSampler(Sampler):
    """Draws from the variant's own prior: ancestral sampling, z ~ p(z|y)."""

    name = "prior"
    reference = "Kingma & Welling, Auto-Encoding Variational Bayes, ICLR 2014, arXiv:1312.6114"
    draws_from_prior = True

    @classmethod
    def is_recommended_for(cls, case: SamplingCase) -> bool:
        """Return whether latents are codes, to which no density is fitted."""
        return not case.is_continuous

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:  # noqa: ARG002
        """Draw from the prior."""
        y_B = torch.full((count,), self.label, device=self.device)
        return Draw(self.variant.prior(y_B, generator), (None,) * count)


@hookimpl
def vaeaug_samplers() -> Iterable[type[Sampler]]:
    """Bring the sampler `prior`."""
    return [PriorSampler]

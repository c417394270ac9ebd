"""Draw from the variant's own prior: N(0, I) for a VAE, the learned code prior for a VQ-VAE."""

from __future__ import annotations

import torch

from vaeaug.synthesis.samplers.base import Draw, Sampler


class PriorSampler(Sampler):
    """Ancestral sampling: z ~ p(z|y)."""

    name = "prior"

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:  # noqa: ARG002
        """Draw from the prior."""
        y_B = torch.full((count,), self.label, device=self.device)
        return Draw(self.variant.prior(y_B, generator), (None,) * count)

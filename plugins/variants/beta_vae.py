"""The beta-VAE (Higgins et al. 2017).

Objective, per image:  -log p(x|z) + beta * KL(q(z|x) || N(0, I)),  z ~ q(z|x).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from vaeaug import GaussianVariant, ReconstructionLoss, Variant, hookimpl, option


class BetaVAE(GaussianVariant):
    """A VAE with its KL term weighted by `beta`: above 1 for disentangled latents, below 1 for sharper images."""

    name = "beta-vae"
    reference = (
        "Higgins et al., beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework, ICLR 2017"
    )

    @dataclass(frozen=True)
    class Config(GaussianVariant.Config):
        """The Gaussian options and beta."""

        beta: float = option(4.0, "Weight of the KL term.", minimum=0)

    config: Config

    def losses(
        self, x_BCHW: Tensor, y_B: Tensor, reconstruction: ReconstructionLoss, generator: torch.Generator | None = None
    ) -> dict[str, dict[str, Tensor]]:
        """Return the negative ELBO with the KL weighted by beta (eq. 4)."""
        terms = super().losses(x_BCHW, y_B, reconstruction, generator)["model"]
        return {"model": {**terms, "kl": self.config.beta * terms["kl"]}}


@hookimpl
def vaeaug_variants() -> Iterable[type[Variant]]:
    """Bring the beta-VAE."""
    return [BetaVAE]

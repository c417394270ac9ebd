"""The conditional variational autoencoder (Sohn, Lee & Yan 2015).

Objective, per image:  -log p(x|z, y) + KL(q(z|x, y) || p(z|y)),  z ~ q(z|x, y).

The prior is conditional too, as in the paper (eq. 4): a diagonal Gaussian a class, learned with the rest. With N(0, I)
for all classes, draws from the prior fall where no image of their class was encoded.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from vaeaug import GaussianVariant, ImageSpec, Latents, Variant, hookimpl

RATE = 10.0  # the prior learns as much faster than the networks


class CVAE(GaussianVariant):
    """A VAE whose encoder, decoder and prior all see the class."""

    name = "cvae"
    conditional = True
    default = True
    reference = (
        "Sohn, Lee & Yan, Learning Structured Output Representation using Deep Conditional Generative Models, NIPS 2015"
    )

    def __init__(self, spec: ImageSpec, config: GaussianVariant.Config) -> None:
        super().__init__(spec, config)
        self.prior_KD = nn.Parameter(torch.zeros(spec.num_classes, 2 * config.latent_dim))

    def prior_moments(self, y_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and log-variance of p(z|y), each (B, D)."""
        mean_BD, logvar_BD = (RATE * self.prior_KD)[y_B].chunk(2, dim=1)
        return mean_BD, logvar_BD.clamp(-12, 8)

    @torch.no_grad()
    def fit_prior(self, latents: Latents, generator: torch.Generator) -> None:  # noqa: ARG002
        """Set p(z|y) of every class there is to its optimum: the moments of the class's aggregated posterior."""
        mean_ND, std_ND = latents.latent.to(self.prior_KD), latents.scale.to(self.prior_KD)
        for label in latents.labels_N.unique().tolist():
            rows = latents.labels_N == label
            variance_D = mean_ND[rows].var(dim=0, correction=0) + std_ND[rows].square().mean(dim=0)
            self.prior_KD[label] = torch.cat([mean_ND[rows].mean(dim=0), variance_D.log()]) / RATE


@hookimpl
def vaeaug_variants() -> Iterable[type[Variant]]:
    """Bring the CVAE."""
    return [CVAE]

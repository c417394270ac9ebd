"""The conditional variational autoencoder (Sohn, Lee & Yan 2015).

Objective, per image:  -log p(x|z, y) + KL(q(z|x, y) || p(z|y)),  z ~ q(z|x, y).

The prior is conditional too (eq. 4): a learned diagonal Gaussian per class. With N(0, I) for all classes, samples from
the prior would be at latents where no image of their class was encoded.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from vaeaug import GaussianVariant, ImageSpec, Latents, Variant, hookimpl
from vaeaug.nn import ClassPrior


class CVAE(GaussianVariant):
    """A VAE with encoder, decoder and prior conditioned on the class."""

    name = "cvae"
    conditional = True
    default = True
    reference = (
        "Sohn, Lee & Yan, Learning Structured Output Representation using Deep Conditional Generative Models, NIPS 2015"
    )

    def __init__(self, spec: ImageSpec, config: GaussianVariant.Config) -> None:
        super().__init__(spec, config)
        self.class_prior = ClassPrior(spec.num_classes, config.latent_dim)

    def prior_moments(self, y_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and log-variance of p(z|y), each (B, D)."""
        moments: tuple[Tensor, Tensor] = self.class_prior(y_B)
        return moments

    def fit_prior(self, latents: Latents, generator: torch.Generator) -> None:  # noqa: ARG002
        """Set p(z|y) of every class there is to its optimum."""
        self.class_prior.fit(latents.latent, latents.scale, latents.labels_N)


@hookimpl
def vaeaug_variants() -> Iterable[type[Variant]]:
    """Bring the CVAE."""
    return [CVAE]

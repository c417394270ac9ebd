"""The plain autoencoder (Hinton & Salakhutdinov 2006): a bottleneck and nothing else.

Objective, per image:  loss(decode(z), x) + lambda |z|^2 / 2,  z = encode(x).

The latents have no given distribution, so a density is fitted to them after training (Ghosh et al. 2020,
arXiv:1903.12436): by the sampler `mixture`, class by class, or here, as one Gaussian with a full covariance.

The second term (their eq. 11) bounds the latents; the plain autoencoder has lambda = 0. Unbounded, they may grow until
a sigmoid behind the decoder saturates and all images are decoded alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vaeaug import Encoded, ImageSpec, Latent, Latents, Variant, hookimpl, option
from vaeaug.nn import Decoder, Encoder, standard_normal

MIN_RELATIVE_VARIANCE = 1e-4  # of the mean variance: few images leave most directions of the covariance without any


class Autoencoder(Variant):
    """An autoencoder without a posterior or a KL: sharp reconstructions, and a prior that is fitted after training."""

    name = "ae"
    reference = "Hinton & Salakhutdinov, Reducing the Dimensionality of Data with Neural Networks, Science 313, 2006"
    small_options: ClassVar = {"width": 16, "latent_dim": 4}
    mean_D: Tensor
    factor_DD: Tensor

    @dataclass(frozen=True)
    class Config:
        """Options of the networks and the objective."""

        latent_dim: int = option(64, "Number of latent dimensions, D.", minimum=1, maximum=4096)
        width: int | None = option(
            None, "Hidden units of the networks; by default chosen from the image size.", minimum=8
        )
        depth: int = option(2, "Hidden layers of each network.", minimum=1, maximum=16)
        latent_weight: float = option(1.0, "Weight lambda of half the squared norm of the latents.", minimum=0)

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        size = {"height": spec.height, "width": spec.width, "hidden": config.width, "depth": config.depth}
        self.encoder = Encoder(channels=spec.channels, features=config.latent_dim, **size)
        self.decoder = Decoder(features=config.latent_dim, channels=spec.raw_channels, **size)
        self.register_buffer("mean_D", torch.zeros(config.latent_dim))
        self.register_buffer("factor_DD", torch.eye(config.latent_dim))

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:  # noqa: ARG002
        """Encode images. There is nothing to draw: the latent is a function of the image."""
        z_BD = self.encoder(x_BCHW, y_B)
        half_norm_B = 0.5 * z_BD.square().sum(dim=1)
        return Encoded(latent=z_BD, features_BD=z_BD, penalties={"length": self.config.latent_weight * half_norm_B})

    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
        """Decode latents."""
        raw_BRHW: Tensor = self.decoder(latent, y_B)
        return raw_BRHW

    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        """Draw from the Gaussian fitted to the training images' latents; N(0, I) before."""
        noise_BD = standard_normal((len(y_B), self.config.latent_dim), generator).to(self.mean_D)
        return self.mean_D + noise_BD @ self.factor_DD.T

    @torch.no_grad()
    def fit_prior(self, latents: Latents, generator: torch.Generator) -> None:  # noqa: ARG002
        """Fit the Gaussian: mean, and Cholesky factor of the covariance."""
        z_ND = latents.latent.to("cpu", torch.float64)
        mean_D = z_ND.mean(dim=0)
        covariance_DD = (z_ND - mean_D).T @ (z_ND - mean_D) / len(z_ND)
        min_variance = MIN_RELATIVE_VARIANCE * covariance_DD.diagonal().mean() + 1e-12
        self.mean_D.copy_(mean_D)
        self.factor_DD.copy_(torch.linalg.cholesky(covariance_DD + min_variance * torch.eye(len(mean_D)).to(z_ND)))


@hookimpl
def vaeaug_variants() -> Iterable[type[Variant]]:
    """Bring the autoencoder."""
    return [Autoencoder]

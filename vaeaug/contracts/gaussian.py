"""The variant most others start from: a diagonal Gaussian posterior over one latent vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from vaeaug.contracts.latent import Latent
from vaeaug.contracts.spec import Encoded, ImageSpec
from vaeaug.contracts.variant import Variant
from vaeaug.nn import Decoder, Encoder, kl_gaussians, log_normal, reparameterize
from vaeaug.options import option


class GaussianVariant(Variant):
    """A variational autoencoder with q(z|x) = N(mean, diag exp logvar) and p(z) = N(0, I) (Kingma & Welling 2014).

    It supplies networks, reparameterization, closed-form KL and prior, and conditions both networks on the class if
    `conditional` is true. Most variants override one method. The latent is one tensor, shape (B, D).
    """

    conditional: ClassVar[bool] = False
    small_options: ClassVar[Mapping[str, Any]] = {"width": 16, "latent_dim": 4}

    @dataclass(frozen=True)
    class Config:
        """Options that every Gaussian variant has."""

        latent_dim: int = option(64, "Number of latent dimensions, D.", minimum=1, maximum=4096)
        width: int | None = option(
            None, "Hidden units of the networks; by default chosen from the image size.", minimum=8
        )
        depth: int = option(2, "Hidden layers of each network.", minimum=1, maximum=16)

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        shared: dict[str, Any] = {
            "height": spec.height,
            "width": spec.width,
            "num_classes": spec.num_classes if self.conditional else 0,
            "hidden": config.width,
            "depth": config.depth,
        }
        self.encoder = Encoder(channels=spec.channels, features=2 * config.latent_dim, **shared)
        self.decoder = Decoder(features=config.latent_dim, channels=spec.raw_channels, **shared)

    def posterior(self, x_BCHW: Tensor, y_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and the log-variance of q(z|x), each (B, D)."""
        mean_BD, logvar_BD = self.encoder(x_BCHW, y_B).chunk(2, dim=1)
        return mean_BD, logvar_BD.clamp(-12, 8)  # a standard deviation of 0.0025 to 55: exp never overflows

    def prior_moments(self, y_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and log-variance of p(z|y), each (B, D); of N(0, I) by default."""
        zeros_BD = torch.zeros(len(y_B), self.config.latent_dim, device=y_B.device)
        return zeros_BD, zeros_BD

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        """Encode images; see `Variant.encode`. The only penalty is `kl`, of the posterior against the prior."""
        mean_BD, logvar_BD = self.posterior(x_BCHW, y_B)
        z_BD = mean_BD if generator is None else reparameterize(mean_BD, logvar_BD, generator)
        prior = self.prior_moments(y_B)
        return Encoded(
            latent=z_BD,
            features_BD=mean_BD,
            penalties={"kl": kl_gaussians(mean_BD, logvar_BD, *prior)},
            scale=(0.5 * logvar_BD).exp(),
            log_ratio=log_normal(z_BD, mean_BD, logvar_BD) - log_normal(z_BD, *prior),
        )

    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
        """Decode latents; see `Variant.decode`."""
        raw_BRHW: Tensor = self.decoder(latent, y_B)
        return raw_BRHW

    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        """Draw from p(z|y), shape (B, D)."""
        return reparameterize(*self.prior_moments(y_B), generator)

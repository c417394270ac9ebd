"""A VAE of deformations: what is learned is not images, but how images of a class differ in shape and brightness.

A latent z is decoded to a velocity field v and a log gain g at K x K control points (`vaeaug.nn.integrated`), by which
an image s becomes

    x = exp(g) s(p + u(p)),    u the flow of v at time 1.

It is learned from pairs of images (s, t) of one class, which are quadratic in the number of images (Hauberg et al.
2016), with a Gaussian error of fixed standard deviation at a size of at most 32 pixels:

    |x - t|^2 / (2 noise^2) + KL(q(z|s, t) || N(0, I)) + smoothness |grad v|^2,    z ~ q(z|s, t)

The fields depend on z, the class and the latent e of the source. That latent comes from the second source of images: a
template per class is learned (Dalca et al. 2019), and e ~ q(e|x) deforms it into the image x. This makes the variant an
autoencoder like others, with a coarse reconstruction. Its main use is the sampler `warp`, which deforms real images.

    S. Hauberg et al. Dreaming More Data: Class-dependent Distributions over Diffeomorphisms for Learned Data
    Augmentation. AISTATS 2016.
    A. Dalca et al. Learning Conditional Deformable Templates with Convolutional Networks. NeurIPS 2019.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from vaeaug import Deformation, Encoded, ImageSpec, Latent, ReconstructionLoss, Term, Variant, hookimpl, option
from vaeaug.nn import (
    Encoder,
    VelocityDecoder,
    deformed,
    integrated,
    kl_standard_normal,
    log_normal,
    reparameterize,
    resized_field,
    standard_normal,
)

WORKING_SIDE = 32
"""Longer side of the images that are compared: fields are coarse, so finer detail costs time and teaches little."""

VELOCITY_STD, LOG_GAIN_STD = 0.05, 0.1
"""Typical differences between neighbouring control points: of the velocity, in fractions of the sides, and the gain."""

TEMPLATE_SCALE = 10.0
"""Of the templates' values to their parameters, so that they are learned as fast as the networks."""


class WarpVAE(Variant):
    """A VAE of the deformations between images of a class, for the sampler `warp`."""

    name = "warp"
    conditional = True
    deforms = True
    preferred_scope = "shared"  # the classes share most of what they learn, and pairs of few images are few
    reference = "Hauberg et al., Dreaming More Data, AISTATS 2016, arXiv:1510.02795"
    small_options: ClassVar = {"width": 16, "latent_dim": 4, "points": 4}
    terms: ClassVar = {
        "pair_error": Term(over_batch=True),
        "pair_kl": Term(over_batch=True, annealed=True),
        "roughness": Term(over_batch=True),
    }

    @dataclass(frozen=True)
    class Config:
        """Sizes of the networks and the weights of the pairs' terms."""

        latent_dim: int = option(16, "Number of latent dimensions, D.", minimum=1, maximum=4096)
        points: int = option(7, "Control points of a field along each side, K.", minimum=2, maximum=32)
        noise: float = option(0.3, "Standard deviation of the error of a deformed image, on a scale from 0 to 1.",
                              minimum=0.01, maximum=10)  # fmt: skip
        smoothness: float = option(
            1.0, "Weight of the squared differences between control points, in standard deviations.", minimum=0
        )
        width: int = option(128, "Hidden units of the networks.", minimum=8)
        depth: int = option(2, "Hidden layers of each network.", minimum=1, maximum=16)

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        factor = math.ceil(max(spec.height, spec.width) / WORKING_SIDE)
        self.working_size = tuple(max(1, round(side / factor)) for side in (spec.height, spec.width))
        height, width = self.working_size
        shared = {"num_classes": spec.num_classes, "hidden": config.width, "depth": config.depth}
        self.encoder = Encoder(
            channels=2 * spec.channels, height=height, width=width, features=2 * config.latent_dim, **shared
        )
        self.decoder = VelocityDecoder(features=2 * config.latent_dim, points=config.points, **shared)
        self.template_YRHW = nn.Parameter(torch.zeros(spec.num_classes, spec.raw_channels, spec.height, spec.width))

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        """Encode images as deformations of their class's template."""
        small_BChw = self._shrunk(x_BCHW)
        mean_BD, logvar_BD = self._posterior(torch.full_like(small_BChw, 0.5), small_BChw, y_B)
        z_BD = mean_BD if generator is None else reparameterize(mean_BD, logvar_BD, generator)
        zeros_BD = torch.zeros_like(mean_BD)
        return Encoded(
            latent=z_BD,
            features_BD=mean_BD,
            penalties={"kl": kl_standard_normal(mean_BD, logvar_BD)},
            scale=(0.5 * logvar_BD).exp(),
            log_ratio=log_normal(z_BD, mean_BD, logvar_BD) - log_normal(z_BD, zeros_BD, zeros_BD),
        )

    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
        """Return the deformed templates, as raw output."""
        velocity_B2KK, log_gain_BKK = self._field(latent, torch.zeros_like(latent), y_B)
        size = (self.spec.height, self.spec.width)
        template_BRHW = TEMPLATE_SCALE * self.template_YRHW[y_B]
        raw_BRHW = deformed(template_BRHW, resized_field(self._displacement(velocity_B2KK), *size))
        return raw_BRHW + resized_field(log_gain_BKK[:, None], *size)

    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        """Draw from N(0, I), shape (B, D)."""
        return standard_normal((len(y_B), self.config.latent_dim), generator)

    def losses(
        self, x_BCHW: Tensor, y_B: Tensor, reconstruction: ReconstructionLoss, generator: torch.Generator | None = None
    ) -> dict[str, dict[str, Tensor]]:
        """Return the negative ELBO of the templates and the terms of the pairs of the batch."""
        encoded = self.encode(x_BCHW, y_B, generator)
        raw_BRHW = self.decode(encoded.latent, y_B)
        pairs = self._pair_terms(self._shrunk(x_BCHW), encoded.features_BD, y_B, generator)
        return {"model": {"reconstruction": reconstruction(raw_BRHW, x_BCHW), **encoded.penalties, **pairs}}

    def deform(self, latent: Latent, y_B: Tensor, strength_B: Tensor, generator: torch.Generator) -> Deformation:
        """Draw deformations of the images with these latents; see `Variant.deform`."""
        z_BD = standard_normal((len(y_B), self.config.latent_dim), generator)
        velocity_B2KK, log_gain_BKK = self._field(z_BD, latent, y_B)
        strength_B111 = strength_B[:, None, None, None]
        displacement_B2hw = self._displacement(strength_B111 * velocity_B2KK)
        log_gain_Bhw = resized_field(strength_B111 * log_gain_BKK[:, None], *displacement_B2hw.shape[2:])[:, 0]
        return Deformation(displacement_B2hw, log_gain_Bhw)

    def _pair_terms(
        self, small_BChw: Tensor, source_BD: Tensor, y_B: Tensor, generator: torch.Generator | None
    ) -> dict[str, Tensor]:
        """Return the terms of the deformations of each image into another one of its class, as means over the pairs."""
        partner_B, has_partner_B = _partners(y_B, generator)
        target_BChw = small_BChw[partner_B]
        mean_BD, logvar_BD = self._posterior(small_BChw, target_BChw, y_B)
        z_BD = mean_BD if generator is None else reparameterize(mean_BD, logvar_BD, generator)
        velocity_B2KK, log_gain_BKK = self._field(z_BD, source_BD, y_B)
        displacement_B2hw = resized_field(self._displacement(velocity_B2KK), *self.working_size)
        gain_B1hw = resized_field(log_gain_BKK[:, None], *self.working_size).exp()
        error_B = (gain_B1hw * deformed(small_BChw, displacement_B2hw) - target_BChw).square().mean(dim=1).sum((1, 2))
        roughness_B = _roughness(velocity_B2KK / VELOCITY_STD) + _roughness(log_gain_BKK[:, None] / LOG_GAIN_STD)
        terms = {
            "pair_error": error_B / (2 * self.config.noise**2),
            "pair_kl": kl_standard_normal(mean_BD, logvar_BD),
            "roughness": self.config.smoothness * roughness_B,
        }
        pairs = has_partner_B.sum().clamp(min=1)
        return {name: (has_partner_B * value_B).sum() / pairs for name, value_B in terms.items()}

    def _posterior(self, source_BChw: Tensor, target_BChw: Tensor, y_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and the log-variance of q(z|s, t), each (B, D)."""
        mean_BD, logvar_BD = self.encoder(torch.cat([source_BChw, target_BChw], dim=1), y_B).chunk(2, dim=1)
        return mean_BD, logvar_BD.clamp(-12, 8)

    def _field(self, z_BD: Tensor, source_BD: Tensor, y_B: Tensor) -> tuple[Tensor, Tensor]:
        velocity_B2KK, log_gain_BKK = self.decoder(torch.cat([z_BD, source_BD], dim=1), y_B)
        return velocity_B2KK, log_gain_BKK

    def _displacement(self, velocity_B2KK: Tensor) -> Tensor:
        """Return the flow on a grid twice as fine as the control points, (B, 2, 2 K, 2 K)."""
        side = 2 * self.config.points
        return integrated(resized_field(velocity_B2KK, side, side))

    def _shrunk(self, x_BCHW: Tensor) -> Tensor:
        return adaptive_avg_pool2d(x_BCHW, self.working_size)


def _roughness(field_BCKK: Tensor) -> Tensor:
    """Return half the sum of the squared differences between neighbouring control points, (B,)."""
    return sum((field_BCKK.diff(dim=axis).square().sum((1, 2, 3)) for axis in (2, 3)), torch.zeros(())) / 2


def _partners(y_B: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Return for each image another one of its class, in a random order, and whether there is one (1 or 0)."""
    order_B = torch.arange(len(y_B), device=y_B.device)
    if generator is not None:
        order_B = torch.randperm(len(y_B), generator=generator, device=generator.device).to(y_B.device)
    partner_B = torch.arange(len(y_B), device=y_B.device)
    for label in y_B.unique():
        members_N = order_B[y_B[order_B] == label]
        partner_B[members_N] = members_N.roll(1)
    own_B = torch.arange(len(y_B), device=y_B.device)
    return partner_B, (partner_B != own_B).float()


@hookimpl
def vaeaug_variants() -> Iterable[type[Variant]]:
    """Bring the VAE of deformations."""
    return [WarpVAE]

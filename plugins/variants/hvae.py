"""A top-down hierarchical VAE: the ladder VAE (Sonderby et al. 2016), in the form of the very deep VAE (Child 2021).

Objective, per image, with groups z_1 (one cell) ... z_L (the grid of patches):
    -log p(x|z) + sum_l KL(q(z_l | x, z_<l, y) || p(z_l | z_<l, y)),  z_l ~ q(z_l | x, z_<l, y).

A deterministic path leads from the image up to the top; the way down is shared by prior and posterior, which also gets
the image. Below the top, latents are standardized by their prior, u_l = (z_l - mean_p) / std_p, and the posterior is
learned in these coordinates (Vahdat & Kautz 2020, sec. 3.2): p(u_l) = N(0, I) for any z_<l, and a changed z_1 changes
the finer groups too. The prior of z_1 is one Gaussian per class (Sohn et al. 2015, eq. 4).
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from vaeaug import Encoded, ImageSpec, Latent, Latents, ReconstructionLoss, Variant, hookimpl, option
from vaeaug.nn import (
    ClassPrior,
    LadderDecoder,
    LadderEncoder,
    PerCell,
    kl_gaussians,
    log_normal,
    reparameterize,
    standard_normal,
)

HIDDEN = 256
"""Units of a grid where no width is asked for."""

Moments = tuple[Tensor, Tensor]
"""A mean and a log-variance."""


class Group(nn.Module):
    """One group of latents on a grid: its posterior, and its contribution to the state, cell by cell."""

    def __init__(self, latents: int, state: int, features: int) -> None:
        super().__init__()
        self.posterior = PerCell(state + features, 2 * latents)
        self.into_state = PerCell(latents, state)

    def moments(self, state_BKhw: Tensor, features_BFhw: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and log-variance of the posterior, each (B, c, h, w)."""
        return _moments(self.posterior, torch.cat([state_BKhw, features_BFhw], dim=1))

    def forward(self, state_BKhw: Tensor, z_Bchw: Tensor) -> Tensor:
        """Return the state with the latents in it."""
        out_BKhw: Tensor = state_BKhw + self.into_state(z_Bchw)
        return out_BKhw


class HVAE(Variant):
    """A ladder of latent groups at increasing resolutions, sampled from the top down."""

    name = "hvae"
    conditional = True
    reference = (
        "Sonderby et al., Ladder Variational Autoencoders, NIPS 2016, arXiv:1602.02282; "
        "Child, Very Deep VAEs Generalize Autoregressive Models, ICLR 2021, arXiv:2011.10650"
    )
    small_options: ClassVar = {"width": 32, "latent_dim": 4}

    @dataclass(frozen=True)
    class Config:
        """What sets the ladder's size."""

        latent_dim: int = option(
            64, "Minimum number of latent dimensions per group; a whole number per cell.", minimum=1, maximum=4096
        )
        groups: int = option(
            3, "Number of groups of latents, from one cell to a grid of patches.", minimum=2, maximum=8
        )
        width: int | None = option(None, f"Units of each grid; by default {HIDDEN}.", minimum=8)
        temperature: float = option(
            1.0,
            "Factor of the standard deviations of the prior; smaller values give more typical images.",
            minimum=0,
            maximum=2,
            sampling=True,
        )

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        size = {
            "height": spec.height,
            "width": spec.width,
            "groups": config.groups,
            "num_classes": spec.num_classes,
            "hidden": config.width or HIDDEN,
        }
        self.encoder = LadderEncoder(channels=spec.channels, **size)
        self.decoder = LadderDecoder(channels=spec.raw_channels, **size)
        self.shapes = [
            (math.ceil(config.latent_dim / (rows * columns)), rows, columns) for _, rows, columns in self.decoder.shapes
        ]
        channels = [
            (latent[0], state[0], features[0])
            for latent, state, features in zip(self.shapes, self.decoder.shapes, self.encoder.shapes, strict=True)
        ]
        self.groups = nn.ModuleList(Group(*each) for each in channels)
        self.class_prior = ClassPrior(spec.num_classes, math.prod(self.shapes[0]))
        self.priors = nn.ModuleList(PerCell(state, 2 * latents) for latents, state, _ in channels[1:])
        for prior in self.priors:
            nn.init.zeros_(prior.weight)  # at first the coordinates are those of N(0, I)
            nn.init.zeros_(prior.bias)

    def descend(self, y_B: Tensor, latent: Callable[[int, Tensor], Tensor]) -> Tensor:
        """Descend the ladder and return the last state, (B, K, h, w).

        Args:
            latent: (number of the group, state) -> its latents (B, c, h, w), standardized by their prior except in the
                first group.
        """
        state_BKhw = self.decoder.start(y_B)
        for number, group in enumerate(self.groups):
            z_Bchw = latent(number, state_BKhw)
            if number > 0:
                mean_Bchw, logvar_Bchw = _moments(self.priors[number - 1], state_BKhw)
                z_Bchw = mean_Bchw + (0.5 * logvar_Bchw).exp() * z_Bchw
            state_BKhw = self.decoder.refine(number, group(state_BKhw, z_Bchw))
        return state_BKhw

    def infer(
        self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None
    ) -> tuple[list[Tensor], list[Moments], Tensor]:
        """Return the latents of images, the moments of their posteriors, and the last state."""
        features = self.encoder(x_BCHW, y_B)
        latents: list[Tensor] = []
        posteriors: list[Moments] = []

        def draw(number: int, state_BKhw: Tensor) -> Tensor:
            posteriors.append(self.groups[number].moments(state_BKhw, features[number]))
            mean_Bchw, logvar_Bchw = posteriors[-1]
            latents.append(mean_Bchw if generator is None else reparameterize(mean_Bchw, logvar_Bchw, generator))
            return latents[-1]

        state_BKhw = self.descend(y_B, draw)
        return latents, posteriors, state_BKhw

    def prior_moments(self, number: int, y_B: Tensor) -> Moments:
        """Return the mean and log-variance of a group's prior in its latents' coordinates, each (B, c * h * w)."""
        if number == 0:
            moments: Moments = self.class_prior(y_B)
            return moments
        zeros_BD = torch.zeros(len(y_B), math.prod(self.shapes[number]), device=y_B.device)
        return zeros_BD, zeros_BD

    def kl_terms(self, posteriors: list[Moments], y_B: Tensor) -> dict[str, Tensor]:
        """Return the KL of each group, (B,), the top one first."""
        return {
            f"kl/{number + 1}": kl_gaussians(*_flat(posterior), *self.prior_moments(number, y_B))
            for number, posterior in enumerate(posteriors)
        }

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        """Encode images; see `Variant.encode`. The features are the posterior mean of the top group."""
        latents, posteriors, _ = self.infer(x_BCHW, y_B, generator)
        log_ratio_B = torch.zeros(len(x_BCHW), device=x_BCHW.device)
        for number, (latent, posterior) in enumerate(zip(latents, posteriors, strict=True)):
            z_BD, moments = latent.flatten(1), _flat(posterior)
            log_ratio_B = log_ratio_B + log_normal(z_BD, *moments) - log_normal(z_BD, *self.prior_moments(number, y_B))
        return Encoded(
            latent=tuple(latents),
            features_BD=posteriors[0][0].flatten(1),
            penalties=self.kl_terms(posteriors, y_B),
            scale=tuple((0.5 * logvar_Bchw).exp() for _, logvar_Bchw in posteriors),
            log_ratio=log_ratio_B,
        )

    def decode(self, latent: Latent, y_B: Tensor) -> Tensor:
        """Decode latents; see `Variant.decode`."""
        raw_BRHW: Tensor = self.decoder.image(self.descend(y_B, lambda number, _: latent[number]))
        return raw_BRHW

    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        """Draw from p(z_1|y), and from N(0, I) for what is below in its own coordinates, at the temperature."""
        latents = []
        for number, shape in enumerate(self.shapes):
            mean_BD, logvar_BD = self.prior_moments(number, y_B)
            eps_BD = standard_normal(tuple(mean_BD.shape), generator).to(mean_BD)
            latents.append((mean_BD + self.config.temperature * (0.5 * logvar_BD).exp() * eps_BD).view(-1, *shape))
        return tuple(latents)

    def losses(
        self, x_BCHW: Tensor, y_B: Tensor, reconstruction: ReconstructionLoss, generator: torch.Generator | None = None
    ) -> dict[str, dict[str, Tensor]]:
        """Return the negative ELBO; see `Variant.losses`. The way down is walked once, not for each of two calls."""
        _, posteriors, state_BKhw = self.infer(x_BCHW, y_B, generator)
        raw_BRHW = self.decoder.image(state_BKhw)
        return {"model": {"reconstruction": reconstruction(raw_BRHW, x_BCHW), **self.kl_terms(posteriors, y_B)}}

    def fit_prior(self, latents: Latents, generator: torch.Generator) -> None:  # noqa: ARG002
        """Set p(z_1|y) of every class there is to its optimum."""
        self.class_prior.fit(latents.latent[0].flatten(1), latents.scale[0].flatten(1), latents.labels_N)


def _moments(layer: nn.Module, h_BKhw: Tensor) -> Moments:
    """Return a mean and a log-variance, of a standard deviation of 0.0025 to 55: exp never overflows."""
    mean_Bchw, logvar_Bchw = layer(h_BKhw).chunk(2, dim=1)
    return mean_Bchw, logvar_Bchw.clamp(-12, 8)


def _flat(moments: Moments) -> Moments:
    mean_Bchw, logvar_Bchw = moments
    return mean_Bchw.flatten(1), logvar_Bchw.flatten(1)


@hookimpl
def vaeaug_variants() -> Iterable[type[Variant]]:
    """Bring the HVAE."""
    return [HVAE]

"""Change real images by what the decoder says changes: x' = x + decode(z') - decode(z).

A decoder's images are soft. Added to a real image, the difference of two of them moves what the latent knows of (shape,
shade) and leaves the fine detail that no latent holds. `vaeaug.synthesis.edit` does the adding.

The defaults are what helped a classifier most in `tests/benchmarks/utility.py`. With m and C the mean and covariance of
the class's latents, s the strength and e from N(0, C),

    z' = m + sqrt(1 - s^2) (z - m) + s e

so that moved latents are spread as the class is and not wider: the preconditioned Crank-Nicolson proposal (Cotter et
al. 2013, Statistical Science 28(3), sec. 4). Merely adding e exaggerates the contrast, and harmed the recognition of
digits. Moves towards a neighbour look calmer and teach less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vaeaug.contracts.latent import flatten, unflatten
from vaeaug.nn import standard_normal
from vaeaug.options import option
from vaeaug.synthesis.samplers.base import Draw, Sampler
from vaeaug.synthesis.samplers.interpolate import nearest

LEAST_SPREAD = 1e-4  # of the mean variance: few images leave most directions of the covariance without any


class ResidualSampler(Sampler):
    """Sample i is training image i mod N, changed as its class varies, or towards one of its neighbours."""

    name = "residual"
    continuous = True
    edits = True

    @dataclass(frozen=True)
    class Config:
        """Where to, how far, and what is kept of the image."""

        move: str = option(
            "covariance", "Along the covariance of the class, or towards a neighbour.",
            choices=("covariance", "neighbour"),
        )  # fmt: skip
        neighbours: int = option(5, "Nearest images of the class that one is moved towards.", minimum=1, maximum=1000)
        strength: float = option(
            0.5, "Share of the class's standard deviations that is drawn anew; or greatest share of the way to the "
            "neighbour.",
            minimum=0, maximum=3,
        )  # fmt: skip
        fade: float = option(
            0.0, "Change of brightness, 0 to 1, at which the image's own detail is gone; 0 keeps it always.",
            minimum=0, maximum=1,
        )  # fmt: skip

    config: Config

    def fit(self, seed: int) -> None:  # noqa: ARG002
        """Find the mean and the Cholesky factor of the class's covariance, or the neighbours of every image."""
        self._flat_ND = flatten(self.latents.latents.latent)
        if self.config.move == "covariance":
            self._mean_D = self._flat_ND.mean(dim=0)
            centred_ND = self._flat_ND.double() - self._flat_ND.double().mean(dim=0)
            covariance_DD = centred_ND.T @ centred_ND / len(centred_ND)
            least = LEAST_SPREAD * covariance_DD.diagonal().mean() + 1e-12
            jitter_DD = least * torch.eye(len(covariance_DD), dtype=torch.float64)
            self._factor_DD = torch.linalg.cholesky(covariance_DD + jitter_DD).float()
        else:
            self._neighbours_NK = nearest(self._flat_ND, min(self.config.neighbours, len(self._flat_ND) - 1))

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        """Draw changes of the training images `start` ... modulo their number."""
        chosen_B = torch.arange(start, start + count) % len(self._flat_ND)
        flat_BD = self._flat_ND[chosen_B]
        move = self._varied if self.config.move == "covariance" else self._towards_neighbour
        like = self.latents.latents.latent
        sources = tuple(chosen_B.tolist())
        return Draw(unflatten(move(chosen_B, generator), like), sources, unflatten(flat_BD, like), self.config.fade)

    def _varied(self, chosen_B: Tensor, generator: torch.Generator) -> Tensor:
        """Return latents, part of which is drawn anew from the class's Gaussian; beyond a strength of 1, all."""
        strength = self.config.strength
        drawn_BD = standard_normal((len(chosen_B), self._flat_ND.shape[1]), generator).cpu() @ self._factor_DD.T
        lost = 1 - math.sqrt(max(0.0, 1 - strength**2))
        flat_BD = self._flat_ND[chosen_B]
        moved_BD: Tensor = flat_BD - lost * (flat_BD - self._mean_D) + strength * drawn_BD
        return moved_BD

    def _towards_neighbour(self, chosen_B: Tensor, generator: torch.Generator) -> Tensor:
        """Return latents, moved some of the way to one of their neighbours."""
        neighbours = self._neighbours_NK.shape[1]
        place_B = torch.randint(max(neighbours, 1), chosen_B.shape, generator=generator, device=generator.device).cpu()
        share_B1 = torch.rand((len(chosen_B), 1), generator=generator, device=generator.device).cpu()
        other_B = self._neighbours_NK[chosen_B, place_B] if neighbours else chosen_B
        flat_BD = self._flat_ND[chosen_B]
        moved_BD: Tensor = flat_BD + self.config.strength * share_B1 * (self._flat_ND[other_B] - flat_BD)
        return moved_BD

"""Change real images by what the decoder says changes: x' = x + decode(z') - decode(z).

A decoder's images are soft. Added to a real image, the difference of two of them moves what the latent knows of (shape,
shade) and leaves the fine detail that no latent holds. `vaeaug.synthesis.edit` does the adding.
"""

from __future__ import annotations

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
    """Sample i is training image i mod N, changed towards one of its neighbours, or as its class varies."""

    name = "residual"
    continuous = True
    edits = True

    @dataclass(frozen=True)
    class Config:
        """Where to, how far, and what is kept of the image."""

        move: str = option(
            "neighbour", "Towards a neighbour, or along the covariance of the class.",
            choices=("neighbour", "covariance"),
        )  # fmt: skip
        neighbours: int = option(5, "Nearest images of the class that one is moved towards.", minimum=1, maximum=1000)
        strength: float = option(
            1.0, "Greatest share of the way to the neighbour; or factor of the class's standard deviations.",
            minimum=0, maximum=3,
        )  # fmt: skip
        fade: float = option(
            0.3, "Change of brightness, 0 to 1, at which the image's own detail is gone; 0 keeps it always.",
            minimum=0, maximum=1,
        )  # fmt: skip

    config: Config

    def fit(self, seed: int) -> None:  # noqa: ARG002
        """Find the neighbours of every image, or the Cholesky factor of the class's covariance."""
        self._flat_ND = flatten(self.latents.latents.latent)
        if self.config.move == "covariance":
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
        moved_BD = flat_BD + self.config.strength * self._step(chosen_B, generator)
        like = self.latents.latents.latent
        sources = tuple(chosen_B.tolist())
        return Draw(unflatten(moved_BD, like), sources, unflatten(flat_BD, like), self.config.fade)

    def _step(self, chosen_B: Tensor, generator: torch.Generator) -> Tensor:
        """Return where to each image is moved at a strength of 1, (B, D)."""
        if self.config.move == "covariance":
            step_BD: Tensor = (
                standard_normal((len(chosen_B), self._flat_ND.shape[1]), generator).cpu() @ self._factor_DD.T
            )
            return step_BD
        neighbours = self._neighbours_NK.shape[1]
        place_B = torch.randint(max(neighbours, 1), chosen_B.shape, generator=generator, device=generator.device).cpu()
        share_B1 = torch.rand((len(chosen_B), 1), generator=generator, device=generator.device).cpu()
        other_B = self._neighbours_NK[chosen_B, place_B] if neighbours else chosen_B
        return share_B1 * (self._flat_ND[other_B] - self._flat_ND[chosen_B])

"""Edit real images by decoded differences: x' = x + decode(z') - decode(z).

The difference of two decoded images changes what the latent represents (shape, shade) and keeps the fine detail of the
real image (`vaeaug.synthesis.edit`). The defaults helped a classifier most in `tests/benchmarks/utility.py`: a random
contrast of other images of the class, x_1 ... x_K, with weights w that sum to 0,

    z' = z + s sum_j w_j z_j        w = (v - mean v) / sqrt(K - 1), v from N(0, I)

whose covariance over all choices of images is s^2 times that of the class's latents. The fine detail of the same
images, r_j = x_j - decode(z_j), is added with the same weights:

    x' = x + decode(z') - decode(z) + s sum_j w_j r_j
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from vaeaug import Detail, Draw, InputError, Sampler, SamplingCase, hookimpl, option
from vaeaug.contracts import flatten, unflatten
from vaeaug.nn import nearest_neighbours, random_contrasts

_MOVE_OPTIONS = {"covariance": ("others", "detail"), "neighbour": ("neighbours",)}
"""Move -> options that mean something to it alone."""


class ResidualSampler(Sampler):
    """Edits real images along the directions in which their class varies, or towards a neighbour.

    Sample i is an edit of training image i mod N.
    """

    name = "residual"
    reference = "docs/benchmarks.md; cf. Schwartz et al., Delta-encoder, NeurIPS 2018, arXiv:1806.04734"
    continuous = True
    edits = True
    strength_option = "strength"

    @dataclass(frozen=True)
    class Config:
        """Where to, how far, and what is kept of the image."""

        move: str = option(
            "covariance",
            "Vary along the covariance of the class, or towards a neighbour.",
            choices=("covariance", "neighbour"),
        )
        others: int = option(
            4, "Number of images of the class in the random contrast that is added.", minimum=2, maximum=100
        )
        detail: float = option(1.0, "Fraction of the fine detail of these images that is added.", minimum=0, maximum=1)
        neighbours: int = option(
            5, "Number of nearest images of the class to choose from (move neighbour).", minimum=1, maximum=1000
        )
        strength: float = option(
            0.5, "Factor of the standard deviations of the class, or largest fraction of the way to the neighbour.",
            minimum=0, maximum=3,
        )  # fmt: skip
        fade: float = option(
            0.0, "Change of brightness, 0 to 1, at which the image's own detail has faded out; 0 always keeps it.",
            minimum=0, maximum=1,
        )  # fmt: skip
        clean: bool = option(
            True,
            "Add nothing where the class's pixels do not vary, keep a background of one colour clean, and move "
            "near-binary images instead of adding to them.",
        )

        def __post_init__(self) -> None:
            """Check that no option of the other move was set."""
            default = {field.name: field.default for field in dataclasses.fields(self)}
            for move, names in _MOVE_OPTIONS.items():
                for name in names:
                    if move != self.move and getattr(self, name) != default[name]:
                        raise InputError(
                            f"sampler 'residual': {name} has no effect with move={self.move}; "
                            f"leave it out, or set move={move}"
                        )

    config: Config

    @classmethod
    def is_recommended_for(cls, case: SamplingCase) -> bool:
        """Return whether real images are there to be edited, and their colours may be mixed."""
        return case.is_continuous and case.has_originals and not case.is_indexed

    @classmethod
    def limits_changes(cls, config: Config) -> bool:
        """Return whether clean backgrounds and silhouettes stay clean."""
        return config.clean

    @classmethod
    def shares_detail_of(cls, config: Config) -> int:
        """Return how many `others` there are, where their detail is added."""
        return config.others if config.move == "covariance" and config.detail else 0

    def fit(self, seed: int) -> None:  # noqa: ARG002
        """Find the neighbours of every image, where they are asked for."""
        self._flat_ND = flatten(self.latents.latent)
        if self.config.move == "neighbour":
            self._neighbours_NK = nearest_neighbours(self._flat_ND, min(self.config.neighbours, len(self._flat_ND) - 1))

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        """Draw changes of the training images `start` ... modulo their number."""
        chosen_B = torch.arange(start, start + count) % len(self._flat_ND)
        if self.config.move == "covariance":
            contrast = self._contrast(count, generator)
            step_BD = torch.einsum("bk,bkd->bd", contrast.weights_BK, self._flat_ND[contrast.sources_BK])
            detail = None
            if self.config.detail:
                detail = Detail(contrast.sources_BK, self.config.detail * contrast.weights_BK)
        else:
            step_BD, detail = self._towards_neighbour(chosen_B, generator), None
        flat_BD, like = self._flat_ND[chosen_B], self.latents.latent
        return Draw(
            unflatten(flat_BD + step_BD, like),
            tuple(chosen_B.tolist()),
            unflatten(flat_BD, like),
            self.config.fade,
            detail,
        )

    def _contrast(self, count: int, generator: torch.Generator) -> Detail:
        """Return for each sample some images of the class, and weights with the strength in them."""
        sources_BK, weights_BK = random_contrasts(count, len(self._flat_ND), self.config.others, generator)
        return Detail(sources_BK, self.config.strength * weights_BK)

    def _towards_neighbour(self, chosen_B: Tensor, generator: torch.Generator) -> Tensor:
        """Return where to each image is moved: some of the way to one of its neighbours."""
        neighbours = self._neighbours_NK.shape[1]
        neighbour_B = torch.randint(
            max(neighbours, 1), chosen_B.shape, generator=generator, device=generator.device
        ).cpu()
        fraction_B1 = torch.rand((len(chosen_B), 1), generator=generator, device=generator.device).cpu()
        other_B = self._neighbours_NK[chosen_B, neighbour_B] if neighbours else chosen_B
        return self.config.strength * fraction_B1 * (self._flat_ND[other_B] - self._flat_ND[chosen_B])


@hookimpl
def vaeaug_samplers() -> Iterable[type[Sampler]]:
    """Bring the sampler `residual`."""
    return [ResidualSampler]

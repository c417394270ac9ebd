"""Sample on the lines between neighbours: z = a + t (b - a), with b one of the nearest latents of a's class.

This is SMOTE (Chawla et al. 2002, arXiv:1106.1813) in latent space; extending the line slightly beyond both ends gives
further images (DeVries & Taylor 2017, arXiv:1702.05538).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from vaeaug import Draw, Sampler, hookimpl, option
from vaeaug.contracts import flatten, tree_map
from vaeaug.nn import nearest_neighbours


class InterpolateSampler(Sampler):
    """Draws between a real image and one of its nearest neighbours, or slightly beyond.

    Sample i is on a line through training image i mod N.
    """

    name = "interpolate"
    reference = "Chawla et al., SMOTE, JAIR 16, 2002, arXiv:1106.1813; DeVries & Taylor 2017, arXiv:1702.05538"
    continuous = True

    @dataclass(frozen=True)
    class Config:
        """Which neighbours, and how far."""

        neighbours: int = option(5, "Number of nearest images of the class to choose from.", minimum=1, maximum=1000)
        reach: float = option(
            0.2, "How far beyond both ends a sample may be, as a fraction of their distance.", minimum=0, maximum=2
        )

    config: Config

    def fit(self, seed: int) -> None:  # noqa: ARG002
        """Find the neighbours of every image."""
        flat_ND = flatten(self.latents.latent)
        self._neighbours_NK = nearest_neighbours(flat_ND, min(self.config.neighbours, len(flat_ND) - 1))

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        """Draw beside the training images `start` ... modulo their number."""
        images, neighbours = self._neighbours_NK.shape
        chosen_B = torch.arange(start, start + count) % images
        # Drawn where the generator lives, for any number of neighbours, also none.
        neighbour_B = torch.randint(max(neighbours, 1), (count,), generator=generator, device=generator.device).cpu()
        fraction_B = torch.rand(count, generator=generator, device=generator.device).cpu()
        other_B = self._neighbours_NK[chosen_B, neighbour_B] if neighbours else chosen_B
        t_B = (1 + 2 * self.config.reach) * fraction_B - self.config.reach

        def between(leaf: Tensor) -> Tensor:
            a, b = leaf[chosen_B], leaf[other_B]
            return a + t_B.view(-1, *[1] * (leaf.ndim - 1)) * (b - a)

        return Draw(tree_map(between, self.latents.latent), tuple(chosen_B.tolist()))


@hookimpl
def vaeaug_samplers() -> Iterable[type[Sampler]]:
    """Bring the sampler `interpolate`."""
    return [InterpolateSampler]

"""Draw on the lines between neighbours: z = a + t (b - a), with b one of the nearest latents of a's class.

What SMOTE does with pixels (Chawla et al. 2002, arXiv:1106.1813), done in latent space, where what lies between two
images of a class is an image of it. Reaching a little beyond both ends gives what no pair of images has between them
(DeVries & Taylor 2017, arXiv:1702.05538).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaeaug.contracts import tree_map
from vaeaug.contracts.latent import flatten
from vaeaug.options import option
from vaeaug.synthesis.samplers.base import Draw, Sampler

MOST_DISTANCES = 2**24
"""Distances that are held in memory at a time."""


class InterpolateSampler(Sampler):
    """Sample i lies between training image i mod N and one of its neighbours, or a little beyond."""

    name = "interpolate"
    continuous = True

    @dataclass(frozen=True)
    class Config:
        """Which neighbours, and how far."""

        neighbours: int = option(5, "Nearest images of the class that one is drawn from.", minimum=1, maximum=1000)
        reach: float = option(
            0.2, "How far beyond both ends a sample may lie, as a share of their distance.", minimum=0, maximum=2
        )

    config: Config

    def fit(self, seed: int) -> None:  # noqa: ARG002
        """Find the neighbours of every image."""
        flat_ND = flatten(self.latents.latents.latent)
        self._neighbours_NK = nearest(flat_ND, min(self.config.neighbours, len(flat_ND) - 1))

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        """Draw beside the training images `start` ... modulo their number."""
        images, neighbours = self._neighbours_NK.shape
        chosen_B = torch.arange(start, start + count) % images
        # Drawn where the generator lives, for any number of neighbours, also none.
        place_B = torch.randint(max(neighbours, 1), (count,), generator=generator, device=generator.device).cpu()
        share_B = torch.rand(count, generator=generator, device=generator.device).cpu()
        other_B = self._neighbours_NK[chosen_B, place_B] if neighbours else chosen_B
        t_B = (1 + 2 * self.config.reach) * share_B - self.config.reach

        def between(leaf: Tensor) -> Tensor:
            a, b = leaf[chosen_B], leaf[other_B]
            return a + t_B.view(-1, *[1] * (leaf.ndim - 1)) * (b - a)

        return Draw(tree_map(between, self.latents.latents.latent), tuple(chosen_B.tolist()))


def nearest(flat_ND: Tensor, count: int) -> Tensor:
    """Return for every row the indices of its `count` nearest others, nearest first, int64 (N, count)."""
    rows = max(1, MOST_DISTANCES // max(len(flat_ND), 1))
    parts = []
    for start in range(0, len(flat_ND), rows):
        part_RD = flat_ND[start : start + rows]
        distance_RN = torch.cdist(part_RD, flat_ND, compute_mode="donot_use_mm_for_euclid_dist")
        own_R = torch.arange(start, start + len(part_RD))
        distance_RN[torch.arange(len(part_RD)), own_R] = torch.inf  # an image is not its own neighbour, its copy is
        parts.append(distance_RN.topk(count, dim=1, largest=False).indices)
    return torch.cat(parts)

"""Quantizers: feature vectors to codes and back, with a gradient that passes straight through.

N stands for any number of leading axes, D for the dimensions of a code's vector, K for the number of codes.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, one_hot

STEP = 2.0**-10  # keeps the bound a little outside the outermost levels, so that the shift is finite


class Quantizer(nn.Module, ABC):
    """Feature vectors (..., D) to codes (...,), integers from 0 to K - 1, each of which stands for a vector."""

    dim: int
    size: int

    @abstractmethod
    def bound(self, z_ND: Tensor) -> Tensor:
        """Map features to the space of the codes' vectors, differentiably; (..., D)."""

    @abstractmethod
    def nearest(self, bounded_ND: Tensor) -> Tensor:
        """Return the codes whose vectors are nearest to bounded features, int64, (...,)."""

    @abstractmethod
    def codebook(self) -> Tensor:
        """Return the vectors of all codes, (K, D)."""

    @abstractmethod
    def description(self) -> Tensor:
        """Return a description of each code that similar codes share, for learning, (K, M)."""

    def embed(self, codes_N: Tensor) -> Tensor:
        """Return the vectors of codes, (..., D)."""
        return self.codebook()[codes_N]

    def forward(self, z_ND: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the vectors of the nearest codes, the codes, and the bounded features before rounding.

        The gradient passes straight through to the bounded features (Bengio et al. 2013).
        """
        bounded_ND = self.bound(z_ND)
        codes_N = self.nearest(bounded_ND.detach())
        vectors_ND = bounded_ND + (self.embed(codes_N) - bounded_ND).detach()
        return vectors_ND, codes_N, bounded_ND

    def learn(self, bounded_ND: Tensor, codes_N: Tensor, generator: torch.Generator) -> None:
        """Move the codes towards the features that chose them. The default has nothing to learn."""


class FiniteScalarQuantizer(Quantizer):
    """FSQ: every dimension is bounded and rounded to a few levels; the codes are all their combinations.

    Mentzer et al., ICLR 2024, appendix A.1. Vectors are in [-1, 1]. Each dimension needs 3 levels or more.
    """

    levels_D: Tensor
    vectors_KD: Tensor

    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__()
        if min(levels) < 3:
            raise ValueError("a dimension needs 3 levels or more")
        self.dim, self.size = len(levels), math.prod(levels)
        steps_KD = torch.cartesian_prod(*(torch.arange(count) for count in levels)).view(self.size, self.dim)
        self.register_buffer("levels_D", torch.tensor(levels), persistent=False)
        self.register_buffer("vectors_KD", (steps_KD - self.levels_D // 2) / (self.levels_D // 2), persistent=False)

    def bound(self, z_ND: Tensor) -> Tensor:
        """Map features to the range of the levels; zero stays zero.

        An even number of levels has one more below zero than above, so the range is shifted by half a level. (The
        paper's listing shifts the argument by tan; the inverse is atanh.)
        """
        reach_D = (self.levels_D - 1) * (1 + STEP) / 2
        offset_D = (1 - self.levels_D % 2) / 2
        return (torch.tanh(z_ND + torch.atanh(offset_D / reach_D)) * reach_D - offset_D) / (self.levels_D // 2)

    def nearest(self, bounded_ND: Tensor) -> Tensor:
        """Round every dimension to its nearest level; of a thousand levels and more, the bound lies beyond the last."""
        half_D = self.levels_D // 2
        steps_ND = ((bounded_ND * half_D).round().long() + half_D).clamp(min=0).minimum(self.levels_D - 1)
        codes_N = torch.zeros_like(steps_ND[..., 0])
        for steps_N, count in zip(steps_ND.unbind(-1), self.levels_D.tolist(), strict=True):
            codes_N = codes_N * count + steps_N
        return codes_N

    def codebook(self) -> Tensor:
        """Return the vectors of all codes, (K, D)."""
        return self.vectors_KD

    def description(self) -> Tensor:
        """Return which level a code has in each dimension: ones and zeros, (K, sum of all levels)."""
        steps_KD = (self.vectors_KD * (self.levels_D // 2)).round().long() + self.levels_D // 2
        levels = zip(steps_KD.unbind(1), self.levels_D.tolist(), strict=True)
        return torch.cat([one_hot(steps_K, count) for steps_K, count in levels], dim=1).float()


class CosineCodebook(Quantizer):
    """A learned codebook of directions (van den Oord et al. 2017) with measures that keep all codes in use.

    Vectors have few dimensions and length one; the nearest has the largest cosine (Yu et al., ICLR 2022, sec. 3.2).
    They are moving averages of the features that chose them, and start as the k-means of the first features that
    `learn` sees. A code chosen less than `min_use` times the average restarts at a feature far from other codes
    (Dhariwal et al. 2020, sec. 3). The vectors are a parameter without gradient, so that a moving average of a model's
    parameters includes them.
    """

    counts_K: Tensor
    sums_KD: Tensor
    started: Tensor

    def __init__(self, size: int, dim: int = 8, *, decay: float = 0.99, min_use: float = 0.05) -> None:
        super().__init__()
        self.dim, self.size, self.decay, self.min_use = dim, size, decay, min_use
        self.vectors_KD = nn.Parameter(normalize(torch.randn(size, dim), dim=1), requires_grad=False)
        self.register_buffer("counts_K", torch.zeros(size))
        self.register_buffer("sums_KD", torch.zeros(size, dim))
        self.register_buffer("started", torch.zeros((), dtype=torch.bool))

    def bound(self, z_ND: Tensor) -> Tensor:
        """Scale features to length one."""
        return normalize(z_ND, dim=-1)

    def nearest(self, bounded_ND: Tensor) -> Tensor:
        """Return the codes of greatest cosine."""
        return (bounded_ND @ self.codebook().T).argmax(dim=-1)

    def codebook(self) -> Tensor:
        """Return the vectors of all codes, (K, D), of length one (their average over training steps is shorter)."""
        return normalize(self.vectors_KD, dim=1)

    def description(self) -> Tensor:
        """Return the vectors of all codes, (K, D)."""
        return self.codebook()

    @torch.no_grad()
    def learn(self, bounded_ND: Tensor, codes_N: Tensor, generator: torch.Generator) -> None:
        """Run k-means on the bounded features the first time; later take a step of the moving averages."""
        points_ND, codes_N = bounded_ND.reshape(-1, self.dim), codes_N.flatten()
        if not self.started:
            vectors_KD = spherical_k_means(points_ND, self.size, generator)
            codes_N = (points_ND @ vectors_KD.T).argmax(dim=1)
            self.counts_K.copy_(codes_N.bincount(minlength=self.size))
            self.sums_KD.zero_().index_add_(0, codes_N, points_ND)
            self.started.fill_(True)
        else:
            self.counts_K.lerp_(codes_N.bincount(minlength=self.size).to(self.counts_K), 1 - self.decay)
            sums_KD = torch.zeros_like(self.sums_KD).index_add_(0, codes_N, points_ND)
            self.sums_KD.lerp_(sums_KD, 1 - self.decay)
        self._restart(points_ND, codes_N, generator)
        self.vectors_KD.copy_(normalize(self.sums_KD, dim=1))

    def _restart(self, points_ND: Tensor, codes_N: Tensor, generator: torch.Generator) -> None:
        """Put codes that are hardly in use where a feature is badly served, with the average code's use."""
        average = len(points_ND) / self.size
        dead_K = self.counts_K < self.min_use * average
        if not (number := int(dead_K.sum())):
            return
        similarity_N = (points_ND * normalize(self.sums_KD, dim=1)[codes_N]).sum(dim=1)
        chosen_ND = points_ND[_draw(1 - similarity_N, number, generator)]
        self.counts_K[dead_K] = average
        self.sums_KD[dead_K] = average * chosen_ND


def spherical_k_means(points_ND: Tensor, count: int, generator: torch.Generator, iterations: int = 10) -> Tensor:
    """Return cluster directions (count, D) of unit vectors: k-means++ (Arthur & Vassilvitskii 2007) by cosine."""
    centres_KD = points_ND[_draw(torch.ones(len(points_ND), device=points_ND.device), 1, generator)]
    distance_N = 1 - points_ND @ centres_KD[0]
    for _ in range(count - 1):
        centre_1D = points_ND[_draw(distance_N, 1, generator)]
        centres_KD = torch.cat([centres_KD, centre_1D])
        distance_N = torch.minimum(distance_N, 1 - points_ND @ centre_1D[0])
    for _ in range(iterations):
        nearest_N = (points_ND @ centres_KD.T).argmax(dim=1)
        sums_KD = torch.zeros_like(centres_KD).index_add_(0, nearest_N, points_ND)
        empty_K = nearest_N.bincount(minlength=count) == 0
        centres_KD = torch.where(empty_K[:, None], centres_KD, normalize(sums_KD, dim=1))
    return centres_KD


def _draw(weights_N: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw `count` indices in proportion to weights, also where all of them are zero."""
    return torch.multinomial(weights_N.clamp(min=1e-9), count, replacement=True, generator=generator)

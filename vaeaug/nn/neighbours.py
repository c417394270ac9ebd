"""Nearest neighbours of vectors."""

from __future__ import annotations

import torch
from torch import Tensor

MAX_DISTANCES = 2**24
"""Distances that are held in memory at a time."""


def nearest_neighbours(flat_ND: Tensor, count: int, *, distances: int = MAX_DISTANCES) -> Tensor:
    """Return for every row the indices of its `count` nearest other rows, nearest first, int64 (N, count).

    Args:
        distances: so many are held in memory at a time, but at least those of one row.
    """
    rows = max(1, distances // max(len(flat_ND), 1))
    parts = []
    for start in range(0, len(flat_ND), rows):
        part_RD = flat_ND[start : start + rows]
        distance_RN = torch.cdist(part_RD, flat_ND, compute_mode="donot_use_mm_for_euclid_dist")
        own_R = torch.arange(start, start + len(part_RD))
        distance_RN[torch.arange(len(part_RD)), own_R] = torch.inf  # a row is not its own neighbour, a copy of it is
        parts.append(distance_RN.topk(count, dim=1, largest=False).indices)
    return torch.cat(parts)

"""Paths through latent space from one image's latent to another's.

    linear   z(t) = (1 - t) a + t b
    slerp    along the great circle: z(t) stays about as long as a and b, so the path avoids the middle, where N(0, I)
             of many dimensions has almost no mass (White 2016, arXiv:1609.04468)

Latents of several groups are interpolated group by group. Discrete codes are exchanged cell by cell, in a random order.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from vaeaug.contracts import Latent, leaves, tree_map
from vaeaug.seeds import seed_of

PATHS = ("linear", "slerp")

MIN_ANGLE = 1e-3
"""Radians from 0 and from pi within which an arc is drawn as a line: of none, and of many, that is the shortest."""


def latent_path(start: Latent, end: Latent, t_T: Tensor, path: str) -> Latent:
    """Return T latents of a path; at t = 0 exactly `start`, at t = 1 exactly `end`."""
    numbers = iter(range(len(leaves(start))))

    def move(a: Tensor, b: Tensor) -> Tensor:
        number = next(numbers)
        if not a.is_floating_point():
            return _exchanged(a, b, t_T, seed_of("path", number))
        return _lerp(a, b, t_T) if path == "linear" else _slerp(a, b, t_T)

    return tree_map(move, start, end)


def is_discrete(latent: Latent) -> bool:
    """Return whether any tensor of a latent contains codes."""
    return not all(leaf.is_floating_point() for leaf in leaves(latent))


def _lerp(a: Tensor, b: Tensor, t_T: Tensor) -> Tensor:
    return torch.lerp(a, b, t_T.to(a).view(-1, *[1] * (a.ndim - 1)))


def _slerp(a: Tensor, b: Tensor, t_T: Tensor) -> Tensor:
    """Return sin((1-t) w)/sin(w) a + sin(t w)/sin(w) b with the angle w between a and b (Shoemake 1985)."""
    flat_a, flat_b = a.flatten().double(), b.flatten().double()
    lengths = float(flat_a.norm() * flat_b.norm())
    angle = math.acos(max(-1.0, min(1.0, float(flat_a @ flat_b) / lengths))) if lengths else 0.0
    if not MIN_ANGLE < angle < math.pi - MIN_ANGLE:
        return _lerp(a, b, t_T)
    t = t_T.double().to(a.device).view(-1, *[1] * (a.ndim - 1))
    mixed = (torch.sin((1 - t) * angle) * a.double() + torch.sin(t * angle) * b.double()) / math.sin(angle)
    return torch.where(t == 0, a.double(), torch.where(t == 1, b.double(), mixed)).to(a)


def _exchanged(a: Tensor, b: Tensor, t_T: Tensor, seed: int) -> Tensor:
    """Return codes of which the first round(t n) cells of a random order are b's, and the rest a's."""
    cells = a[0].numel()
    rank = torch.from_numpy(np.random.default_rng(seed).permutation(cells)).to(a.device).view(1, *a.shape[1:])
    from_b = rank < (t_T.to(a.device) * cells).round().view(-1, *[1] * (a.ndim - 1))
    return torch.where(from_b, b, a)

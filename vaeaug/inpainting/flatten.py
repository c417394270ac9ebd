"""A latent's leaves side by side, as one row of numbers an image."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vaeaug.contracts import Latent, Latents, leaves, tree_map

SMEARED = 0.05  # the standard deviation given to a deterministic latent, in those of its class


def flat(latent: Latent) -> Tensor:
    """Return all leaves of a latent side by side, (B, D)."""
    return torch.cat([leaf.flatten(1) for leaf in leaves(latent)], dim=1)


def unflat(z_BD: Tensor, like: Latent) -> Latent:
    """Return latents of the structure of `like`, of all leaves side by side: `flat` undone."""
    sizes = [math.prod(leaf.shape[1:]) for leaf in leaves(like)]
    remaining = iter(torch.split(z_BD, sizes, dim=1))
    return tree_map(lambda leaf: next(remaining).reshape(-1, *leaf.shape[1:]), like)


def flat_scale(latents: Latents) -> Tensor:
    """Return the posterior's standard deviations side by side, (N, D).

    They are small where a continuous latent is deterministic, for a density needs some width, and zero for codes.
    """
    if latents.scale is not None:
        return flat(latents.scale)
    mode_ND = flat(latents.latent)
    if not mode_ND.is_floating_point():
        return torch.zeros(mode_ND.shape)
    return (SMEARED * mode_ND.std(dim=0, correction=0)).expand_as(mode_ND)

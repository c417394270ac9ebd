"""Latents are trees of tensors: one vector for a VAE, a grid of codes for a VQ-VAE, a tuple of groups for a ladder.

Every leaf has the batch as its first axis. The host moves, stacks and slices latents through this module and never
looks inside them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

Latent: TypeAlias = Tensor | tuple["Latent", ...] | list["Latent"] | dict[str, "Latent"]
"""A tensor, or a tuple, list or string-keyed dict of latents."""


def leaves(latent: Latent) -> list[Tensor]:
    """Return the tensors of a latent in a fixed order (dicts by insertion order).

    Raises:
        TypeError: if something in the tree is neither a tensor nor a tuple, list or dict.
    """
    if isinstance(latent, Tensor):
        return [latent]
    if isinstance(latent, dict):
        return [leaf for value in latent.values() for leaf in leaves(value)]
    if isinstance(latent, tuple | list):
        return [leaf for value in latent for leaf in leaves(value)]
    raise TypeError(f"a latent is a tensor or a tuple, list or dict of latents, not {type(latent).__name__}")


def leaf_names(latent: Latent) -> list[str]:
    """Return a name for each tensor of a latent, in the order of `leaves`; "" for a latent of one tensor.

    Positions in tuples and lists count from 1; dicts contribute their keys; both are joined by "/": `2/shape`.
    """
    if isinstance(latent, Tensor):
        return [""]
    items = latent.items() if isinstance(latent, dict) else enumerate(latent, start=1)
    return [f"{key}/{name}".rstrip("/") for key, value in items for name in leaf_names(value)]


def tree_map(function: Callable[..., Tensor], latent: Latent, *others: Latent) -> Latent:
    """Apply `function` to every tensor of `latent` and the corresponding tensors of `others`; keep the structure."""
    columns = zip(*(leaves(tree) for tree in (latent, *others)), strict=True)
    return tree_like(latent, [function(*column) for column in columns])


def tree_like(latent: Latent, tensors: list[Tensor]) -> Latent:
    """Build a latent with the structure of `latent` from `tensors`, given in the order of `leaves`."""
    remaining = iter(tensors)

    def build(node: Latent) -> Latent:
        if isinstance(node, Tensor):
            return next(remaining)
        if isinstance(node, dict):
            return {key: build(value) for key, value in node.items()}
        children = [build(value) for value in node]
        return children if isinstance(node, list) else tuple(children)

    return build(latent)


def flatten(latent: Latent) -> Tensor:
    """Return all leaves of a latent side by side, one row per image, (B, D)."""
    return torch.cat([leaf.flatten(1) for leaf in leaves(latent)], dim=1)


def unflatten(flat_BD: Tensor, like: Latent) -> Latent:
    """Undo `flatten`: return latents structured as `like`, which may have another batch size."""
    shapes = [leaf.shape[1:] for leaf in leaves(like)]
    parts = torch.split(flat_BD, [math.prod(shape) for shape in shapes], dim=1)
    return tree_like(like, [part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True)])

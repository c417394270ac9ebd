"""What a training step minimizes: the terms of a variant, checked, annealed and added up."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from vaeaug.contracts import ReconstructionLoss, Variant, shape_fault
from vaeaug.errors import PluginError


def checked_losses(
    variant: Variant, x_BCHW: Tensor, y_B: Tensor, loss: ReconstructionLoss, generator: torch.Generator
) -> dict[str, dict[str, Tensor]]:
    """Return `Variant.losses` of a batch.

    Raises:
        PluginError: if a term does not have its declared shape (`Variant.terms`).
    """
    losses = variant.losses(x_BCHW, y_B, loss, generator)
    for group, terms in losses.items():
        for name, value in terms.items():
            fault = shape_fault(variant, name, value, len(x_BCHW))
            if fault is not None:
                raise PluginError(f"variant '{variant.name}': loss {group}/{name} {fault}")
    return losses


def objective(terms: Mapping[str, Tensor], annealed: Collection[str], weight: float, free_bits: float) -> Tensor:
    """Return the scalar to minimize: the batch mean of every term, annealed terms with free bits and weighted.

    Args:
        terms: name -> (B,), or () for a term over the batch.
        free_bits: nats of each annealed term, averaged over the batch, that cost nothing (Kingma et al. 2016, eq. 15,
            with every annealed term a group).
    """
    parts = []
    for name, value in terms.items():
        mean = value.mean()
        if name in annealed:
            mean = weight * (mean.clamp(min=free_bits) if free_bits else mean)
        parts.append(mean)
    return torch.stack(parts).sum() if len(parts) > 1 else parts[0]

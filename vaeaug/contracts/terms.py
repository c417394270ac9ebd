"""Terms of an objective: which are annealed, and which are one value for a whole batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from vaeaug.names import is_kl_name


@dataclass(frozen=True, slots=True)
class Term:
    """A declared term of an objective (`Variant.terms`).

    Attributes:
        annealed: whether the KL weight (`--kl-annealing`) and free bits apply. Annealed terms are the KL part of the
            objective, in nats, in charts, collapse advice and the ELBO of an image.
        over_batch: whether the term is one value for the batch, shape (), instead of (B,), and may depend on all its
            images. Only `Variant.losses` may return such a term. It must be finite for a batch of one image.
    """

    annealed: bool = False
    over_batch: bool = False


class DeclaresTerms(Protocol):
    """What declares terms: a `Variant`."""

    @property
    def terms(self) -> Mapping[str, Term]:
        """Name -> the term."""


def term_of(variant: DeclaresTerms, name: str) -> Term:
    """Return the declaration of a term. Undeclared terms are per image, and annealed if named `kl` or `kl/<group>`."""
    return variant.terms.get(name) or Term(annealed=is_kl_name(name))


def annealed_names(variant: DeclaresTerms, names: Iterable[str]) -> list[str]:
    """Return the names of the annealed terms among `names`, in their order."""
    return [name for name in names if term_of(variant, name).annealed]


def kl_of(variant: DeclaresTerms, penalties: Mapping[str, Tensor]) -> Tensor | None:
    """Return the KL part of each image's ELBO: the sum of the annealed penalties, (B,), or None if there are none."""
    parts = [penalties[name] for name in annealed_names(variant, penalties)]
    return torch.stack(parts).sum(dim=0) if parts else None


def shape_fault(variant: DeclaresTerms, name: str, value: Tensor, count: int) -> str | None:
    """Return why a term of a batch of `count` images has the wrong shape and how to fix it, or None."""
    over_batch = term_of(variant, name).over_batch
    if tuple(value.shape) == (() if over_batch else (count,)):
        return None
    has = f"has shape {tuple(value.shape)}"
    if over_batch:
        return f"{has}; `terms` declares it over the batch: return one value for the batch, shape ()"
    return (
        f"{has}; give one value per image, ({count},), and leave the mean over the batch to the host (a term that is "
        f"one value for the batch is declared: terms = {{{name!r}: Term(over_batch=True)}})"
    )

"""Rows of `history.jsonl`. This module does not import torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from vaeaug.names import is_kl_name

ANNEALED = "annealed"
"""Key of the names of the annealed terms, the KL part of the objective, among those of a row."""


def annealed_terms(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of a training's annealed terms, in their order.

    Rows of earlier versions do not record them: then these are the terms named `kl` or `kl/<group>`.
    """
    names: dict[str, None] = {}
    for row in rows:
        terms = {**row.get("train", {}), **row.get("validation", {})}
        names |= dict.fromkeys(row[ANNEALED] if ANNEALED in row else filter(is_kl_name, terms))
    return list(names)

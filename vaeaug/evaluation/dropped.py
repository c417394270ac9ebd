"""Which samples were dropped while images were made, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DroppedRow:
    """One class.

    Attributes:
        label: the class, or what stands for all of them.
        counts: how many were dropped, by cause, in the order of the table's.
        total: all of them.
        share: of the samples that were drawn, in [0, 1].
    """

    label: str
    counts: Sequence[int]
    total: int
    share: float


@dataclass(frozen=True, slots=True)
class DroppedTable:
    """How many samples were dropped.

    Attributes:
        causes: why, the most frequent first.
        rows: one a class of which any was dropped, by name.
        overall: all of them together.
        drawn: samples that were drawn, kept or not.
    """

    causes: Sequence[str]
    rows: Sequence[DroppedRow]
    overall: DroppedRow
    drawn: int


def dropped_table(dropped: Mapping[str, Mapping[str, int]], kept: Mapping[str, int]) -> DroppedTable | None:
    """Return what was dropped, or None where nothing was.

    Args:
        dropped: class -> cause -> how many.
        kept: class -> synthetic images in the end.
    """
    causes: Counter[str] = Counter()
    for counts in dropped.values():
        causes.update(counts)
    if not causes.total():
        return None
    order = [cause for cause, count in causes.most_common() if count]
    rows = [_row(label, counts, order, kept.get(label, 0)) for label, counts in sorted(dropped.items())]
    overall = _row("all classes", causes, order, sum(kept.values()))
    return DroppedTable(order, [row for row in rows if row.total], overall, overall.total + sum(kept.values()))


def _row(label: str, counts: Mapping[str, int], causes: Sequence[str], kept: int) -> DroppedRow:
    total = sum(counts.values())
    return DroppedRow(label, [counts.get(cause, 0) for cause in causes], total, total / max(total + kept, 1))

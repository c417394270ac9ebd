"""Which samples were dropped while images were made: how many, as a table, and some of them, in strips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vaeaug.evaluation.fitted_strips import Images, Strip, form_for

IMAGE_BYTES = 150_000
"""Most bytes of all images of the section together."""

MOST_CLASSES = 24
"""Classes of which images are shown at most: those that lost the largest share of their samples."""


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


@dataclass(frozen=True, slots=True)
class DroppedPictures:
    """Some dropped samples of one class.

    Attributes:
        label: the class.
        strips: cause -> a strip of them, in the order of the table's; only causes of which there are any.
    """

    label: str
    strips: Mapping[str, Strip]


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


def dropped_pictures(table: DroppedTable, rejected: Mapping[str, Mapping[str, Images]]) -> list[DroppedPictures]:
    """Return what some dropped samples look like, by class.

    Args:
        table: what was dropped.
        rejected: class -> cause -> some of the samples; a class or a cause may be missing.
    """
    shown = [row for row in table.rows if any(map(len, rejected.get(row.label, {}).values()))]
    worst = sorted(shown, key=lambda row: (-row.share, row.label))[:MOST_CLASSES]
    labels = sorted(row.label for row in worst)
    if not labels:
        return []
    form = form_for([list(rejected[label].values()) for label in labels], IMAGE_BYTES)
    pictures = []
    for label in labels:
        found = {
            cause: form.strip(rejected[label].get(cause, ()), "dropped", f"{label}: {cause}") for cause in table.causes
        }
        pictures.append(DroppedPictures(label, {cause: strip for cause, strip in found.items() if strip}))
    return pictures


def _row(label: str, counts: Mapping[str, int], causes: Sequence[str], kept: int) -> DroppedRow:
    total = sum(counts.values())
    return DroppedRow(label, [counts.get(cause, 0) for cause in causes], total, total / max(total + kept, 1))

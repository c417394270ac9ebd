"""The samples that the filter dropped: a table of their numbers, and thumbnails of some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vaeaug.pages.class_samples import count_text
from vaeaug.pages.embedded_images import ImageEncoding, Images, Thumbnail, choose_encoding, thumbnail

IMAGE_BYTES = 600_000
"""Bytes of all images of the section together, at most."""

MAX_CLASSES = 24
"""Classes of which images are shown, at most: those that lost the largest fraction of their samples."""


@dataclass(frozen=True, slots=True)
class DroppedRow:
    """One class.

    Attributes:
        label: the class, or "all classes".
        counts: by cause, in the order of the table.
        fraction: of the drawn samples, in [0, 1].
    """

    label: str
    counts: Sequence[int]
    total: int
    fraction: float


@dataclass(frozen=True, slots=True)
class DroppedTable:
    """How many samples were dropped.

    Attributes:
        causes: the reasons, most frequent first.
    """

    causes: Sequence[str]
    rows: Sequence[DroppedRow]
    overall: DroppedRow
    drawn: int


@dataclass(frozen=True, slots=True)
class DroppedPictures:
    """Some dropped samples of one class.

    Attributes:
        causes: (cause, how many of how many are shown, thumbnails), in the order of the table; only causes with images.
    """

    label: str
    causes: Sequence[tuple[str, str, Sequence[Thumbnail]]]


def dropped_table(dropped: Mapping[str, Mapping[str, int]], kept: Mapping[str, int]) -> DroppedTable | None:
    """Return the table, or None if nothing was dropped.

    Args:
        dropped: class -> cause -> number of samples.
        kept: class -> number of synthetic images.
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
    """Return some dropped samples per class.

    Args:
        rejected: class -> cause -> some of the samples; a class or a cause may be missing.
    """
    shown = [row for row in table.rows if any(map(len, rejected.get(row.label, {}).values()))]
    worst = sorted(shown, key=lambda row: (-row.fraction, row.label))[:MAX_CLASSES]
    encoding = choose_encoding(
        [image for row in worst for images in rejected[row.label].values() for image in images], IMAGE_BYTES
    )
    return [
        DroppedPictures(row.label, list(_pictures(row, table.causes, rejected[row.label], encoding)))
        for row in sorted(worst, key=lambda row: row.label)
    ]


def _pictures(
    row: DroppedRow, causes: Sequence[str], rejected: Mapping[str, Images], encoding: ImageEncoding
) -> Iterator[tuple[str, str, Sequence[Thumbnail]]]:
    for cause, count in zip(causes, row.counts, strict=True):
        found = [
            thumbnail(image, f"dropped sample {number} of {row.label}: {cause}", encoding)
            for number, image in enumerate(rejected.get(cause, ()), start=1)
        ]
        images = [image for image in found if image is not None]
        if images:
            yield cause, count_text(len(images), max(count, len(images))), images


def _row(label: str, counts: Mapping[str, int], causes: Sequence[str], kept: int) -> DroppedRow:
    total = sum(counts.values())
    return DroppedRow(label, [counts.get(cause, 0) for cause in causes], total, total / max(total + kept, 1))

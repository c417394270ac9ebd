"""Samples of each class on a page: synthetic images, and real ones to compare them with.

Every class is visible, with fewer images each if there are many classes. More than `MAX_CLASSES` are not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vaeaug.pages.embedded_images import ImageEncoding, Images, Thumbnail, choose_encoding, thumbnail

IMAGE_BYTES = 2_400_000
"""Bytes of all images of the section together, at most; with more classes each shows fewer or smaller images."""

MAX_CLASSES = 300
"""Maximum number of classes that are shown."""

GROUP = 50
"""Number of classes from which on they are shown in collapsible groups, and classes per group."""

LABELED = 16
"""Number of classes up to which each has the whole width of the page, with labels next to its pairs."""

_GAP = 6.4
"""CSS pixels between two images."""

_PER_CLASS = ((LABELED, 7), (100, 4), (MAX_CLASSES, 2))
"""(maximum number of classes, images of each kind per class), by ascending number of classes."""


@dataclass(frozen=True, slots=True)
class SampleRow:
    """Some images of one class.

    Attributes:
        synthetic: the first or randomly drawn ones; a selection by quality would mislead.
        real: any, or for each synthetic image the most similar real one (`paired` in `samples_section`).
    """

    label: str
    synthetic: Images
    real: Images
    synthetic_count: int
    real_count: int = 0


@dataclass(frozen=True, slots=True)
class ClassSamples:
    """One class on the page.

    Attributes:
        real: thumbnails; one per synthetic image if they are pairs.
    """

    label: str
    synthetic: Sequence[Thumbnail]
    real: Sequence[Thumbnail]
    synthetic_note: str
    real_note: str

    @property
    def pairs(self) -> list[tuple[Thumbnail, Thumbnail]]:
        """Each synthetic image with the real one most similar to it."""
        return list(zip(self.synthetic, self.real, strict=True))

    @property
    def heights(self) -> tuple[int, int]:
        """The largest height in CSS pixels of a synthetic image, and of a real one."""
        tallest_synthetic, tallest_real = (
            max((image.height for image in images), default=0) for images in (self.synthetic, self.real)
        )
        return tallest_synthetic, tallest_real


@dataclass(frozen=True, slots=True)
class SamplesSection:
    """The section.

    Attributes:
        width: CSS pixels that a class takes, at least; "100%" if it has the whole width of the page.
    """

    groups: Sequence[tuple[str, Sequence[ClassSamples]]]
    shown: int
    classes: int
    labeled: bool
    width: str
    files: bool


def samples_section(rows: Sequence[SampleRow], *, paired: bool) -> SamplesSection | None:
    """Return what the page shows of each class, or None if there is no image.

    If there are too many classes, those without images are left out first. If `paired`, each real image belongs to the
    synthetic image at the same position.
    """
    nonempty = [row for row in rows if row.synthetic or row.real]
    if not nonempty:
        return None
    shown_rows = rows if len(rows) <= MAX_CLASSES else nonempty[:MAX_CLASSES]
    per_class = next(count for limit, count in _PER_CLASS if len(shown_rows) <= limit)
    images = [image for row in shown_rows for image in (*row.synthetic[:per_class], *row.real[:per_class])]
    encoding = choose_encoding(images, IMAGE_BYTES)
    shown = [_class_samples(row, per_class, encoding, paired) for row in shown_rows]
    grouped = len(shown) > GROUP
    groups = [
        (_title(shown, start) if grouped else "", shown[start : start + GROUP])
        for start in range(0, len(shown), GROUP if grouped else len(shown))
    ]
    widest = max((image.width for row in shown for image in (*row.synthetic, *row.real)), default=0)
    labeled = len(shown) <= LABELED
    width = "100%" if labeled else f"{per_class * (widest + _GAP) - _GAP:.0f}px"
    return SamplesSection(groups, len(shown), len(rows), labeled, width, files=any(image.link for image in images))


def count_text(shown: int, total: int) -> str:
    """Return how many of how many are shown, in words."""
    return f"{shown:,} of {total:,} shown" if shown < total else f"all {total:,} shown" if total > 1 else "1 image"


def _class_samples(row: SampleRow, per_class: int, encoding: ImageEncoding, paired: bool) -> ClassSamples:
    synthetic = _thumbnails(row.synthetic[:per_class], "synthetic image", row.label, encoding)
    real = _thumbnails(row.real[:per_class], "real image", row.label, encoding)
    if paired:  # if a file has become unreadable, neither image of the pair is shown
        pairs = [pair for pair in zip(synthetic, real, strict=False) if all(pair)]
        synthetic, real = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    readable_synthetic = [image for image in synthetic if image]
    readable_real = [image for image in real if image]
    return ClassSamples(
        row.label,
        readable_synthetic,
        readable_real,
        count_text(len(readable_synthetic), max(row.synthetic_count, len(readable_synthetic))),
        count_text(len(readable_real), max(row.real_count, len(readable_real))),
    )


def _thumbnails(images: Images, kind: str, label: str, encoding: ImageEncoding) -> list[Thumbnail | None]:
    return [thumbnail(image, f"{kind} {number} of {label}", encoding) for number, image in enumerate(images, start=1)]


def _title(shown: Sequence[ClassSamples], start: int) -> str:
    end = min(start + GROUP, len(shown))
    return f"Classes {start + 1} to {end} of {len(shown)}: {shown[start].label} to {shown[end - 1].label}"

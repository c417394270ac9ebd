"""What a scan finds: which image files there are, of which class, in which split. Nothing here opens an image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vaeaug.dataset.formats import NAMES as FORMAT_NAMES
from vaeaug.dataset.passed_over import STRAY, PassedOver
from vaeaug.dataset.tables import TableRows
from vaeaug.errors import InputError, quoted

SPLITS = ("train", "val", "test")
"""The splits, in the order in which they are listed."""

SYNTHETIC = "synthetic"
"""Used instead of a split name: a synthetic training image of an earlier run, which is only copied."""

Layout = Literal["folders", "splits", "metadata"]

NO_LABEL = ""
"""The label of an image that belongs to no class; only images for a trained model may have it."""

MINIMUM_PER_CLASS = 2
"""Training images a class needs at the least: with one there is nothing to vary between."""


REAL = "false"
"""`Provenance.synthetic` of a real image."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The provenance of an image of an earlier output.

    Attributes:
        synthetic: `true`, `partly` (a model filled holes) or `false` (real).
        source: `file_name` in DATA of the real source image; for a real image its own; empty if there is none in DATA.
        original: name of that real image in the dataset that it first came from, if known.
    """

    synthetic: str
    source: str = ""
    original: str = ""
    sampler: str = ""
    index: str = ""
    seed: str = ""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One image file of a dataset.

    Attributes:
        file_name: relative to DATA, with forward slashes.
        split: `train`, `val` or `test`; `SYNTHETIC` for a synthetic training image that is not trained on.
        digest: hash of its content; None before it is read, empty if it cannot be read.
        wrappers: number of leading folders in `file_name` that are neither layout nor class, such as one in
            `photos/train/cat/1.png`.
    """

    path: Path
    file_name: str
    split: str
    label: str
    wrappers: int = 0
    provenance: Provenance | None = None
    digest: str | None = None

    @property
    def synthetic(self) -> bool:
        """Whether a model generated it, or part of it."""
        return self.provenance is not None and self.provenance.synthetic != REAL


@dataclass(frozen=True, slots=True)
class DatasetIndex:
    """All image files of a dataset, not opened yet, and the classes with training images; sorted by code points."""

    root: Path
    layout: Layout
    classes: tuple[str, ...]
    files: tuple[ImageFile, ...]
    passed_over: tuple[PassedOver, ...] = ()
    notes: tuple[str, ...] = ()
    table: TableRows | None = None

    @property
    def stray(self) -> tuple[str, ...]:
        """Return the `file_name` of images that are outside any class folder and therefore not used, sorted."""
        return tuple(name for entry in self.passed_over if entry.reason == STRAY for name in entry.files)

    def of(self, split: str) -> tuple[ImageFile, ...]:
        """Return the files of a split, sorted by `file_name`."""
        return tuple(file for file in self.files if file.split == split)

    def counts(self, split: str) -> dict[str, int]:
        """Return label -> number of images in a split: every class (0 included), then labels that train lacks."""
        counts = dict.fromkeys((*self.classes, *self.unseen), 0)
        for file in self.files:
            if file.split == split and file.label != NO_LABEL:
                counts[file.label] += 1
        return {label: count for label, count in counts.items() if count or label in self.classes}

    @property
    def unseen(self) -> tuple[str, ...]:
        """Labels that occur in val or test only, sorted; nothing is trained on them."""
        return tuple(sorted({file.label for file in self.files} - {NO_LABEL, *self.classes}))


def make_index(
    root: Path,
    layout: Layout,
    files: Iterable[ImageFile],
    *,
    empty: Iterable[str] = (),
    passed_over: Sequence[PassedOver] = (),
    notes: Sequence[str] = (),
    table: TableRows | None = None,
    training: bool = True,
) -> DatasetIndex:
    """Sort the files and check the rules that apply to every layout; `empty` are training classes without images."""
    listed = tuple(sorted(files, key=lambda file: file.file_name))
    broken = [name for name in (*(file.file_name for file in listed), *empty) if not _is_unicode(name)]
    if broken:
        raise InputError(f"names in {root} are not valid UTF-8: {quoted(broken)}; rename them")
    elsewhere = {file.label for file in listed if file.split != "train"}
    counts = dict.fromkeys((label for label in empty if label not in elsewhere) if training else (), 0)
    for file in listed:
        if file.split == "train" and file.label != NO_LABEL:
            counts[file.label] = counts.get(file.label, 0) + 1
    if training and not any(counts.values()):
        name = root.resolve().name
        raise InputError(
            f"{root} has no training images; arrange it as {name}/<class>/*.png or {name}/train/<class>/*.png"
        )
    if training:
        check_enough(counts)
    return DatasetIndex(root, layout, tuple(sorted(counts)), listed, tuple(passed_over), tuple(notes), table)


def check_enough(counts: dict[str, int]) -> None:
    """Raise InputError naming all classes with fewer than two training images."""
    few = [f"{label!r} has {count}" for label, count in sorted(counts.items()) if count < MINIMUM_PER_CLASS]
    if few:
        raise InputError(
            f"every class needs at least {MINIMUM_PER_CLASS} training images ({FORMAT_NAMES}): "
            f"{', '.join(few)}; add images, or move the folder out of the dataset"
        )


def _is_unicode(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True

"""`manifest.csv`: one row per image of the output, including real images."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import astuple, dataclass, fields
from itertools import chain
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from vaeaug.dataset.index import REAL
from vaeaug.disk import atomic
from vaeaug.export.layout import folder_name, synthetic_name
from vaeaug.export.writer import WrittenSpan, read_journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from vaeaug.dataset.index import ImageFile
    from vaeaug.export.real import RealImage


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One image; the fields are the columns.

    Attributes:
        label: its class, as the data names it (a folder name may be an encoding of it).
        synthetic: `true` (also for edited real images), `partly` (a model filled holes in it) or `false`.
        source: a real image itself, or the real image that a synthetic one was generated from, relative to OUT; the
            same as `original` if that image is not in OUT.
        original: name of the real image in its first dataset.
        normalized: why the copy of a real image was rewritten (`normalize.REASONS`), joined by `+`; else empty.
    """

    file_name: str
    split: str
    label: str
    synthetic: str
    source: str
    original: str
    sampler: str = ""
    index: str = ""
    seed: str = ""
    normalized: str = ""


class Sources:
    """Names the real source images of generated ones; `placed` lists those that are in OUT."""

    def __init__(self, files: Iterable[ImageFile], placed: Iterable[RealImage]) -> None:
        self._files = {file.file_name: file for file in files}
        self._placed = {image.source: image.file_name for image in placed}

    def of(self, name: str) -> tuple[str, str]:
        """Return the columns `source` and `original` of an image that was made from `name`, a file of DATA."""
        file = self._files.get(name)
        provenance = None if file is None else file.provenance
        if provenance is None:
            return self._placed.get(name, name), name
        return self._placed.get(provenance.source, provenance.original), provenance.original

    def row(self, image: RealImage) -> ManifestRow:
        """Return the row of an image that was copied from DATA."""
        source, original = self.of(image.source)
        provenance = image.provenance if image.synthetic else None
        return ManifestRow(
            image.file_name,
            image.split,
            image.label,
            REAL if provenance is None else provenance.synthetic,
            source,
            original,
            "" if provenance is None else provenance.sampler,
            "" if provenance is None else provenance.index,
            "" if provenance is None else provenance.seed,
            "+".join(image.reasons),
        )


class ManifestFacts:
    """Facts about the output, collected while the manifest is written."""

    def __init__(self) -> None:
        self.suffixes: set[str] = set()
        self.sources = False

    def observe(self, rows: Iterable[ManifestRow]) -> Iterator[ManifestRow]:
        """Pass rows on."""
        for row in rows:
            self.suffixes.add(PurePosixPath(row.file_name).suffix.lower())
            self.sources = self.sources or (row.synthetic != REAL and bool(row.source))
            yield row


def manifest_rows(placed: Iterable[RealImage], sources: Sources, journal: Path, seed: int) -> Iterator[ManifestRow]:
    """Yield the rows of the output: by split, by label, copied images by name, then synthetic ones by index."""
    groups: defaultdict[tuple[str, str], list[RealImage]] = defaultdict(list)
    for image in placed:
        groups[image.split, image.label].append(image)
    written: defaultdict[str, dict[int, WrittenSpan]] = defaultdict(dict)
    for entry in read_journal(journal):
        written[entry.span.label][entry.span.start] = entry  # a chunk made twice counts once
    train = sorted({label for split, label in groups if split == "train"} | written.keys())
    for label in train:
        yield from _copied_rows(groups["train", label], sources)
        spans = (written[label][start] for start in sorted(written[label]))
        yield from chain.from_iterable(_synthetic_rows(span, sources, seed) for span in spans)
    for split in ("val", "test"):
        for label in sorted(label for its_split, label in groups if its_split == split):
            yield from _copied_rows(groups[split, label], sources)


def write_manifest(path: Path, rows: Iterable[Any], columns: type[Any] = ManifestRow) -> int:
    """Write `manifest.csv` row by row, completely or not at all, and return the number of rows."""
    number = 0
    with (
        atomic(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(field.name for field in fields(columns))
        for row in rows:
            table.writerow(astuple(row))
            number += 1
    return number


def _copied_rows(images: Iterable[RealImage], sources: Sources) -> Iterator[ManifestRow]:
    for image in sorted(images, key=lambda image: (image.synthetic, image.file_name)):
        yield sources.row(image)


def _synthetic_rows(entry: WrittenSpan, sources: Sources, seed: int) -> Iterator[ManifestRow]:
    label, folder = entry.span.label, folder_name(entry.span.label)
    for offset in entry.kept:
        index = entry.span.start + offset
        file_name = f"train/{folder}/{synthetic_name(label, index, entry.suffix(offset))}"
        name = entry.source(offset)
        source, original = ("", "") if name is None else sources.of(name)
        yield ManifestRow(file_name, "train", label, "true", source, original, entry.sampler, str(index), str(seed))

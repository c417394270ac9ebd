"""`manifest.csv`: one row an image of the output, the real ones too."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import astuple, dataclass, fields
from itertools import chain
from typing import TYPE_CHECKING, Any

from vaeaug.disk import temporary_name
from vaeaug.export.layout import folder_name, synthetic_name
from vaeaug.export.writer import WrittenSpan, read_journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from vaeaug.export.real import RealImage


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One image; the fields are the columns.

    Attributes:
        file_name: relative to OUT, with forward slashes.
        split: `train`, `val` or `test`.
        label: its class, as the data has it (a folder's name may be an encoding of it).
        synthetic: `true` (changed real images too) or `false`.
        source: the file in DATA: of a real image itself, of a synthetic one the image that it was drawn around or
            changed from, or empty.
        sampler: of a synthetic image, else empty.
        index: number of a synthetic image within its class, else empty.
        seed: of a synthetic image, else empty.
        normalized: of a real image, why its copy was rewritten (`normalize.REASONS`), joined by `+`; empty if it has
            the bytes of the original.
    """

    file_name: str
    split: str
    label: str
    synthetic: str
    source: str
    sampler: str = ""
    index: str = ""
    seed: str = ""
    normalized: str = ""


def manifest_rows(real: Iterable[RealImage], journal: Path, seed: int) -> Iterator[ManifestRow]:
    """Yield the rows of the output: by split, by label, real images by name, then synthetic ones by index.

    Args:
        real: the real images that were copied.
        journal: what `write_samples` noted; it need not exist.
        seed: the seed of the run.
    """
    groups: defaultdict[tuple[str, str], list[RealImage]] = defaultdict(list)
    for image in real:
        groups[image.split, image.label].append(image)
    written: defaultdict[str, dict[int, WrittenSpan]] = defaultdict(dict)
    for entry in read_journal(journal):
        written[entry.span.label][entry.span.start] = entry  # a chunk made twice counts once
    train = sorted({label for split, label in groups if split == "train"} | written.keys())
    for label in train:
        yield from _real_rows(groups["train", label])
        yield from chain.from_iterable(_synthetic_rows(written[label][start], seed) for start in sorted(written[label]))
    for split in ("val", "test"):
        for label in sorted(label for its_split, label in groups if its_split == split):
            yield from _real_rows(groups[split, label])


def write_manifest(path: Path, rows: Iterable[Any], columns: type[Any] = ManifestRow) -> int:
    """Write `manifest.csv` (UTF-8, commas), row by row, in full or not at all, and return the number of rows.

    Args:
        path: the file.
        rows: may be a generator over any number of rows, which are of one dataclass.
        columns: that dataclass; its fields are the columns.
    """
    temporary = temporary_name(path)
    number = 0
    try:
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(field.name for field in fields(columns))
            for row in rows:
                table.writerow(astuple(row))
                number += 1
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return number


def _real_rows(images: Iterable[RealImage]) -> Iterator[ManifestRow]:
    for image in sorted(images, key=lambda image: image.file_name):
        yield ManifestRow(
            image.file_name, image.split, image.label, "false", image.source, normalized="+".join(image.reasons)
        )


def _synthetic_rows(entry: WrittenSpan, seed: int) -> Iterator[ManifestRow]:
    label, folder = entry.span.label, folder_name(entry.span.label)
    for offset in entry.kept:
        index = entry.span.start + offset
        file_name = f"train/{folder}/{synthetic_name(label, index, entry.suffix(offset))}"
        source = entry.source(offset) or ""
        yield ManifestRow(file_name, "train", label, "true", source, entry.sampler, str(index), str(seed))

"""Recognize the synthetic images in a dataset and separate them from the real ones.

An image is synthetic according to a manifest of vaeaug, the mark in its file (`mark.py`), or, beside a record without a
manifest, its name. Any one of these is enough, so a deleted manifest or renamed files do not make synthetic images
real. The source of a synthetic image is always a real image, even if it was made from another synthetic one.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vaeaug.dataset.index import (
    MINIMUM_PER_CLASS,
    NO_LABEL,
    REAL,
    SYNTHETIC,
    DatasetIndex,
    ImageFile,
    Provenance,
)
from vaeaug.dataset.mark import Mark
from vaeaug.errors import InputError, quoted

MANIFEST, RECORD = "manifest.csv", "vaeaug.json"

Row = Mapping[str, str]

_SYNTHETIC_VALUES = ("true", "partly")
_TRAINING_SPLITS = ("train", SYNTHETIC)
_NAMED = re.compile(r"synthetic-.*-\d{5,}\.\w+", re.IGNORECASE)
_COLUMNS = {"file_name", "split", "label", "synthetic", "source"}
_DELIMITERS = ",;\t"
_MAX_PARENTS = 2
"""Folders above DATA that may be the output: DATA may be `OUT/train` or `OUT/train/<class>`."""


@dataclass(frozen=True, slots=True)
class EarlierOutput:
    """An output of vaeaug that is used as data, as a whole or in part.

    Attributes:
        rows: path relative to the output -> row of its manifest.
        prefix: path of DATA relative to the output, with a trailing slash; empty if DATA is the output.
    """

    rows: Mapping[str, Row]
    prefix: str
    recorded: bool

    def row(self, file_name: str) -> Row | None:
        """Return the row of a file, by its name relative to DATA or to `train`; None if there is none."""
        name = self.prefix + file_name
        return self.rows.get(name) or self.rows.get(f"train/{name}")

    def name_in_data(self, path: str) -> str:
        """Return a path relative to the output as a path relative to DATA; empty if it is outside DATA."""
        return path.removeprefix(self.prefix) if path.startswith(self.prefix) else ""


@dataclass(frozen=True, slots=True)
class SeparatedDataset:
    """A dataset with its synthetic images separated.

    Attributes:
        index: synthetic training images have the split `SYNTHETIC`, or `train` if they are trained on.
        excluded: synthetic images in val and test, which must not be used to test a model.
    """

    index: DatasetIndex
    synthetic: int
    excluded: tuple[str, ...]


def with_provenance(index: DatasetIndex, marks: Mapping[str, Mark]) -> DatasetIndex:
    """Return a dataset with the provenance of its files, and labels as recorded by earlier runs of vaeaug.

    Args:
        marks: `file_name` -> the mark in the file.
    """
    output = find_output(index.root)
    if output is None and not marks:
        return index
    names = _Names(index)
    files = []
    for file in index.files:
        row = None if output is None else output.row(file.file_name)
        if row is not None and "%" in file.label:
            file = dataclasses.replace(file, label=row["label"])  # noqa: PLW2901 (the file as its row describes it)
        provenance = _provenance(file, row, marks.get(file.file_name), output, names)
        files.append(file if provenance is None else dataclasses.replace(file, provenance=provenance))
    listed = _with_first_sources(files)
    classes = tuple(sorted({file.label for file in listed if file.split == "train" and file.label != NO_LABEL}))
    return dataclasses.replace(index, files=listed, classes=classes)


def separate_synthetic(
    index: DatasetIndex, *, train_on_synthetic: bool = False, minimum: int = MINIMUM_PER_CLASS, remedy: str = ""
) -> SeparatedDataset:
    """Exclude synthetic images from everything reserved for real ones: counting, training, validation and testing."""
    if not any(file.synthetic for file in index.files):
        return SeparatedDataset(index, 0, ())
    made = [file for file in index.files if file.synthetic]
    excluded = tuple(file.file_name for file in made if file.split not in _TRAINING_SPLITS)
    training = Counter(file.label for file in made if file.split in _TRAINING_SPLITS)
    split = "train" if train_on_synthetic else SYNTHETIC
    files = tuple(
        dataclasses.replace(file, split=split) if file.synthetic else file
        for file in index.files
        if not file.synthetic or file.split in _TRAINING_SPLITS
    )
    remaining = dataclasses.replace(index, files=files)
    counts = {label: sum(file.label == label for file in remaining.of("train")) for label in index.classes}
    too_small = [label for label, count in counts.items() if count < minimum]
    if too_small:
        raise InputError(_too_few(index, counts, training, too_small, minimum, remedy))
    return SeparatedDataset(remaining, sum(training.values()), excluded)


def _too_few(
    index: DatasetIndex,
    counts: Mapping[str, int],
    made: Mapping[str, int],
    too_small: list[str],
    minimum: int,
    remedy: str,
) -> str:
    also = f", or {remedy}" if remedy else ""
    if not any(counts.values()):
        return (
            f"all {sum(made.values()):,} training images of {index.root} are synthetic images made by vaeaug, which "
            f"do not count as real; use the real images they were made from{also}"
        )
    listed = ", ".join(
        f"{label!r} has {counts[label]} real and {made.get(label, 0)} synthetic" for label in too_small[:10]
    )
    more = f" and {len(too_small) - 10} more classes" if len(too_small) > 10 else ""
    return (
        f"every class needs {minimum} real training {'image' if minimum == 1 else 'images'} or more: {listed}{more}; "
        f"add real images{also}"
    )


def synthetic_warnings(separated: SeparatedDataset, consequence: str) -> list[str]:
    """Return warnings about the synthetic images in a dataset."""
    warnings = []
    name = separated.index.root.resolve().name
    if separated.synthetic:
        total = separated.synthetic + sum(not file.synthetic for file in separated.index.of("train"))
        warnings.append(
            f"{separated.synthetic:,} of {total:,} training images of {name} are synthetic, from an earlier run of "
            f"vaeaug: {consequence}"
        )
    if separated.excluded:
        warnings.append(
            f"{len(separated.excluded):,} synthetic images in the validation and test splits of {name} were left out, "
            f"because synthetic images must not be used to test a model: {quoted(separated.excluded, 3)}"
        )
    return warnings


class _Names:
    """Finds the images of a dataset by what earlier outputs called them."""

    def __init__(self, index: DatasetIndex) -> None:
        self._all = {file.file_name for file in index.files}
        self._by_end: dict[tuple[str, str], list[str]] = {}
        for file in index.files:
            self._by_end.setdefault((file.label, PurePosixPath(file.file_name).name), []).append(file.file_name)

    def find(self, name: str, made: ImageFile) -> str:
        """Return the image that an earlier run called `name`, or an empty string if it is unclear or `made` itself."""
        if not name:
            return ""
        same = self._by_end.get((made.label, PurePosixPath(name).name), [])
        likely = [candidate for candidate in (name, f"train/{name}") if candidate in self._all] or same
        others = [candidate for candidate in likely if candidate != made.file_name]
        return others[0] if others and (likely is not same or len(others) == 1) else ""

    def known(self, name: str) -> str:
        """Return `name` if the dataset has such a file, otherwise an empty string."""
        return name if name in self._all else ""


def _provenance(
    file: ImageFile, row: Row | None, mark: Mark | None, output: EarlierOutput | None, names: _Names
) -> Provenance | None:
    """Return the provenance of a file; None if there is no record of it."""
    if row is not None and output is not None and (row["synthetic"] in _SYNTHETIC_VALUES or mark is None):
        kind = row["synthetic"] if row["synthetic"] in _SYNTHETIC_VALUES else REAL
        original = row.get("original") or row["source"]
        if kind == REAL:
            return Provenance(REAL, file.file_name, original or file.file_name)
        source = names.known(output.name_in_data(row["source"])) if row.get("original") else ""
        return Provenance(
            kind,
            source or names.find(original, file),
            original,
            row.get("sampler", ""),
            row.get("index", "") or row.get("sample", ""),
            row.get("seed", ""),
        )
    if mark is not None:
        said = mark.fields
        original = said.get("source", "")
        source = names.find(original, file)
        return Provenance(
            mark.synthetic, source, original, said.get("sampler", ""), said.get("index", ""), said.get("seed", "")
        )
    if output is not None and output.recorded and not output.rows and _NAMED.fullmatch(file.path.name):
        return Provenance("true")
    return None


def _with_first_sources(files: list[ImageFile]) -> tuple[ImageFile, ...]:
    """Return the files with real sources: if a source is itself synthetic, its own source instead."""
    by_name = {file.file_name: file for file in files}
    listed = []
    for file in files:
        made, seen = file.provenance, {file.file_name}
        while made is not None and made.synthetic != REAL and made.source and made.source not in seen:
            seen.add(made.source)
            source = by_name[made.source]
            if source.provenance is None or not source.synthetic:
                break
            made = dataclasses.replace(made, source=source.provenance.source, original=source.provenance.original)
        listed.append(dataclasses.replace(file, provenance=made) if made is not file.provenance else file)
    return tuple(listed)


def find_output(data: Path) -> EarlierOutput | None:
    """Return the output of vaeaug that DATA is or is part of, by its manifest or record, or None."""
    path = data.absolute()
    for folder in (path, *list(path.parents)[:_MAX_PARENTS]):
        prefix = "" if folder == path else f"{path.relative_to(folder).as_posix()}/"
        try:
            rows = read_manifest(folder) or {}
        except InputError:
            rows = {}
        recorded = _writes_images(folder)
        if recorded or any(name.startswith(prefix) for name in rows):
            return EarlierOutput(rows, prefix, recorded)
    return None


def read_manifest(directory: Path) -> dict[str, Row] | None:
    """Return the manifest of an output by `file_name`, or None if there is none with a column `synthetic`.

    Tables edited in a spreadsheet (`TRUE`, semicolons, a byte order mark) are accepted.
    """
    path = directory / MANIFEST
    try:
        text = path.read_text(encoding="utf-8-sig")
        head = text.partition("\n")[0]
        delimiter = max(_DELIMITERS, key=head.count)
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        if not set(table.fieldnames or ()) >= _COLUMNS:
            return None
        rows = list(table)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read ({error}); fix it or remove it") from None
    cleaned = ({name: value or "" for name, value in row.items() if name is not None} for row in rows)
    return {row["file_name"]: {**row, "synthetic": row["synthetic"].strip().casefold()} for row in cleaned}


def _writes_images(directory: Path) -> bool:
    try:
        record = json.loads((directory / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not isinstance(record, dict):
        return False
    command = record.get("command")
    name = command.get("name") if isinstance(command, dict) else command
    return name in ("augment", "sample", "inpaint") or {"sampler", "counts"} <= record.keys()

"""The images that a table lists, with their labels and splits."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from vaeaug.dataset.formats import NAMES as FORMAT_NAMES
from vaeaug.dataset.formats import is_image_name
from vaeaug.dataset.index import NO_LABEL, ImageFile
from vaeaug.dataset.splits import split_named
from vaeaug.dataset.table_columns import Columns
from vaeaug.dataset.table_paths import PathMatcher, normalized
from vaeaug.dataset.tables import Table
from vaeaug.dataset.tree import Folder
from vaeaug.errors import InputError, quoted


@dataclass(frozen=True, slots=True)
class LabelledTable:
    """A table and how to read it; `split` is the split according to its name."""

    table: Table
    columns: Columns
    split: str | None = None
    matcher: PathMatcher | None = None


@dataclass(slots=True)
class TableImages:
    """The images that tables list; `rows` maps `file_name` to the table and the row."""

    files: list[ImageFile] = field(default_factory=list)
    rows: dict[str, tuple[Table, int]] = field(default_factory=dict)


def labels_any(top: Folder, labelled: LabelledTable) -> bool:
    """Return whether any of the first rows of a table is an image of a dataset."""
    matcher, folder, paths = _matching(top, labelled)
    cut = matcher.common_prefix(paths, str(top.path.resolve()), folder)
    return any(matcher.find(_without(path, cut), folder) for path in paths[:1000])


def read_labelled(top: Folder, tables: Sequence[LabelledTable], *, training: bool) -> TableImages:
    """Return the images listed in tables.

    The split is taken from the column `split`, a folder in the path, or the name of the table; `train` by default.
    """
    read = TableImages()
    for labelled in tables:
        _read_one(read, top, labelled, training=training)
    return read


def _read_one(read: TableImages, top: Folder, labelled: LabelledTable, *, training: bool) -> None:
    table = labelled.table
    matcher, folder, paths = _matching(top, labelled)
    cut = matcher.common_prefix(paths, str(top.path.resolve()), folder)
    raw = table.values(labelled.columns.file)
    missing = []
    for number, path in enumerate(paths):
        location = table.location(number)
        if not path:
            raise InputError(f"{location} has no {labelled.columns.file}; fill it in or remove the line")
        row = dict(zip(table.columns, table.rows[number], strict=True))
        split = _given_split(location, row, labelled)
        as_it_is = str(raw[number])  # a name may contain a backslash
        names = [as_it_is] if as_it_is in matcher.names else matcher.find(_without(path, cut), folder)
        name = _resolve(location, path, names, split or labelled.split)
        if name is None:
            name = _unlisted_file(top, location, folder, path)
        if name is None:
            missing.append(str(raw[number]))
            continue
        if name in read.rows:
            raise InputError(f"{location} lists {name!r} a second time; {_duplicate_hint(table)}")
        label = _label(location, row, labelled.columns, training=training)
        split = split or _split_of_folders(name, label) or labelled.split or "train"
        read.files.append(ImageFile(top.path / PurePosixPath(name), name, split, label))
        read.rows[name] = (table, number)
    if missing:
        raise InputError(
            f"{table.path.name} lists files that are missing in {top.path}: {quoted(missing)}; remove the lines, add "
            "the files, or use the folder names with --labels none"
        )


def _matching(top: Folder, labelled: LabelledTable) -> tuple[PathMatcher, str, list[str]]:
    matcher = labelled.matcher or PathMatcher(top.image_names())
    parent = labelled.table.path.parent
    folder = parent.relative_to(top.path).as_posix() if parent.is_relative_to(top.path) else ""
    values = labelled.table.values(labelled.columns.file)
    paths = ["" if isinstance(value, bool | float) or value is None else normalized(str(value)) for value in values]
    return matcher, folder, paths


def _without(path: str, cut: int) -> str:
    """Return a path without its first folders."""
    return "/".join(path.lstrip("/").split("/")[cut:]) if cut else path


def _resolve(location: str, path: str, names: list[str], split: str | None) -> str | None:
    """Return the image that a path means, or None if it is missing."""
    if len(names) > 1 and split is not None:
        names = [name for name in names if split in map(split_named, PurePosixPath(name).parts[:-1])] or names
    if len(names) > 1:
        raise InputError(
            f"{location} lists {path!r}, which could be {quoted(names, 3)}; write the path relative to the table"
        )
    return names[0] if names else None


def _unlisted_file(top: Folder, location: str, folder: str, path: str) -> str | None:
    """Return a file that is not listed among the images, such as one in a hidden folder; None if it is missing."""
    inside = posixpath.normpath(posixpath.join(folder, path))
    if ".." in PurePosixPath(inside).parts or "\0" in inside:
        raise InputError(f"{location} points outside the dataset: {path!r}; list only files below {top.path}")
    if path.startswith("/") or not (top.path / inside).is_file():
        return None
    if not is_image_name(inside):
        raise InputError(f"{location} lists {path!r}, which is not a {FORMAT_NAMES} file; remove the line")
    return inside


def _duplicate_hint(table: Table) -> str:
    boxes = [name for name in table.columns if name.lower().replace("_", "") in ("xmin", "xmax", "bbox", "x1", "width")]
    if boxes:
        return (
            f"the table seems to list boxes (columns {quoted(boxes, 2)}), several per image, but vaeaug reads one "
            "class per image"
        )
    return "remove one of the lines"


def _label(location: str, row: Mapping[str, Any], columns: Columns, *, training: bool) -> str:
    if columns.one_hot:
        return next(name for name in columns.one_hot if float(row[name]) == 1)
    value = row.get(columns.label or "")
    if not training and (value is None or value == ""):
        return NO_LABEL
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise InputError(f"{location} has the label {value!r}; a label is text or a whole number")


def _given_split(location: str, row: Mapping[str, Any], labelled: LabelledTable) -> str | None:
    value = None if labelled.columns.split is None else row[labelled.columns.split]
    if value is None or value == "":
        return None
    split = split_named(value) if isinstance(value, str) else None
    if split is None:
        raise InputError(f"{location} has the split {value!r}; a split is train, val or test")
    return split


def _split_of_folders(name: str, label: str) -> str | None:
    """Return the split that a folder in the path names, unless it is the folder of the class."""
    folders = PurePosixPath(name).parts[:-1]
    return next((split for folder in folders if folder != label and (split := split_named(folder))), None)


def disagreement(read: TableImages) -> tuple[str, str, str, int] | None:
    """Return an image with different labels in table and class folder, both labels, and the number of such images."""
    labels = {file.label.casefold() for file in read.files}
    found = []
    for file in read.files:
        folder_labels = [part for part in PurePosixPath(file.file_name).parts[:-1] if part.casefold() in labels]
        if folder_labels and file.label.casefold() not in {part.casefold() for part in folder_labels}:
            found.append((file.file_name, file.label, folder_labels[-1]))
    return (*found[0], len(found)) if found else None


def repeats_folders(read: TableImages) -> bool:
    """Return whether the label of each image is also the name of a folder that contains it."""
    return all(
        file.label.casefold() in {part.casefold() for part in PurePosixPath(file.file_name).parts[:-1]}
        for file in read.files
    )

"""Find the tables with labels for the images of a dataset, if no table was given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vaeaug.dataset.labelled_images import LabelledTable, labels_any
from vaeaug.dataset.splits import SPLIT_WORDS, split_named, words_of
from vaeaug.dataset.table_columns import choose_columns
from vaeaug.dataset.table_paths import PathMatcher
from vaeaug.dataset.tables import TABLE_SUFFIXES, Table, read_table
from vaeaug.dataset.tree import Folder
from vaeaug.errors import InputError, quoted

METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
RECORD_NAME = "vaeaug.json"
"""A directory with this file is an output of vaeaug; its manifest is not a table of labels."""

_MANIFEST = frozenset(("file_name", "synthetic", "source"))
"""Columns of the manifest of an output, which is no table of labels either where the record is missing."""


def find_metadata(top: Folder) -> list[Path]:
    """Return the metadata files of a Hugging Face imagefolder: the one in DATA, or one in each split folder."""
    at_root = _metadata_in(top)
    if at_root is not None:
        return [at_root]
    splits = [folder for folder in top.image_folders if split_named(folder.name)]
    found = {folder.path: _metadata_in(folder) for folder in splits}
    tables = [table for table in found.values() if table is not None]
    without_table = [folder for folder, table in found.items() if table is None]
    if tables and without_table:
        raise InputError(
            f"{tables[0]} contains the labels of one split, but {without_table[0]} has no such file; add one there, or "
            f"remove {tables[0].name}"
        )
    return tables


def _metadata_in(folder: Folder) -> Path | None:
    tables = [folder.path / name for name in METADATA_NAMES if name in folder.others]
    if len(tables) > 1:
        raise InputError(f"{tables[0]} and {tables[1].name} are in one folder; keep one of them")
    return tables[0] if tables else None


def find_label_tables(
    top: Folder, file_column: str | None = None, label_column: str | None = None
) -> list[LabelledTable]:
    """Return the tables with columns for file and label that list images of a dataset, such as `labels.csv`.

    They are in DATA, its split folders, or its folders without images. Tables named after splits (`train.csv`) go
    together.
    """
    found = []
    matcher: PathMatcher | None = None
    for path in _candidates(top):
        try:
            table = read_table(path)
            columns = choose_columns(table, file_column, label_column)
        except InputError:
            continue
        if set(table.columns) >= _MANIFEST:
            continue
        matcher = matcher or PathMatcher(top.image_names())
        labelled = LabelledTable(table, columns, _split_of(path, top), matcher)
        if columns.labelled and labels_any(top, labelled):
            found.append(labelled)
    by_split = {labelled.split: labelled for labelled in found if labelled.split is not None}
    named = [labelled for labelled in found if labelled.split is not None]
    if named and len(by_split) == len(named):
        return named
    if len(found) > 1:
        names = quoted((labelled.table.path.relative_to(top.path).as_posix() for labelled in found), 4)
        raise InputError(
            f"several tables contain labels for the images of {top.path}: {names}; choose one with --labels, or use "
            "the folder names with --labels none"
        )
    return found


def find_unlabelled_table(top: Folder) -> Table | None:
    """Return a table that lists images of a dataset but has no column recognized as labels."""
    for path in _candidates(top):
        try:
            table = read_table(path)
            columns = choose_columns(table)
        except InputError:
            continue
        if not columns.labelled and labels_any(top, LabelledTable(table, columns)):
            return table
    return None


def _candidates(top: Folder) -> Iterator[Path]:
    if RECORD_NAME in top.others:
        return
    folders = (top, *(folder for folder in top.folders if not folder.count or split_named(folder.name)))
    for folder in folders:
        for name in folder.others:
            if Path(name).suffix.lower() in TABLE_SUFFIXES and "submission" not in name.lower():
                yield folder.path / name


def _split_of(path: Path, top: Folder) -> str | None:
    named = {SPLIT_WORDS[word] for word in words_of(path.stem) if word in SPLIT_WORDS}
    if len(named) == 1:
        return named.pop()
    return split_named(path.parent.name) if path.parent != top.path else None

"""Read the metadata files of a Hugging Face imagefolder.

A `metadata.csv` or `metadata.jsonl` stands in DATA, or one in every split folder. Its column `file_name` is a path
relative to the metadata file; its column `label` (or the one column called `labels`, `class`, `class_name`, `category`
or `target`) is the class, text or a whole number. The split is the one that a column `split` names, else the one that
the first folder of the path names, else train. Images that are not listed are left out.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from vaeaug.dataset.folders import images_below
from vaeaug.dataset.formats import is_image_name
from vaeaug.dataset.index import NO_LABEL, ImageFile, quoted
from vaeaug.dataset.splits import split_named
from vaeaug.errors import InputError

METADATA_NAMES = ("metadata.csv", "metadata.jsonl")
_LABEL_NAMES = ("label", "labels", "class", "class_name", "category", "target")

Row = Mapping[str, Any]


def find_metadata(root: Path, split_folders: list[Path]) -> list[Path]:
    """Return the metadata files of a dataset: the one in `root`, or else one in each split folder; often none.

    Raises:
        InputError: two in one folder, one in some split folders only, or one in a format that is not read.
    """
    at_root = _metadata_in(root)
    if at_root is not None:
        return [at_root]
    found = {folder: _metadata_in(folder) for folder in split_folders}
    tables = [table for table in found.values() if table is not None]
    bare = [folder for folder, table in found.items() if table is None and any(images_below(folder, inside=(root,)))]
    if tables and bare:
        raise InputError(f"{tables[0]} labels one split, but {bare[0]} has no such file; add one, or remove the former")
    return tables


def _metadata_in(folder: Path) -> Path | None:
    tables = [folder / name for name in METADATA_NAMES if (folder / name).is_file()]
    if len(tables) > 1:
        raise InputError(f"{tables[0]} and {tables[1].name} stand side by side; keep one of them")
    if not tables and (folder / "metadata.parquet").is_file():
        raise InputError(f"{folder / 'metadata.parquet'} is not read; write the same table as metadata.csv")
    return tables[0] if tables else None


def read_metadata(root: Path, tables: list[Path], *, labelled: bool = True) -> list[ImageFile]:
    """Return the files that metadata files list.

    Args:
        root: DATA.
        tables: what `find_metadata` returned.
        labelled: whether every image must have a label; else a table, or a row, may lack it.

    Raises:
        InputError: a table that cannot be read or lacks a column; a path that leads out of DATA, is listed twice, is
            missing or is no image; a label that is neither text nor a whole number.
    """
    files: dict[str, ImageFile] = {}
    missing = []
    for table in tables:
        for where, row in _rows(table, labelled):
            file = _image_file(root, table, where, row, labelled)
            if file.file_name in files:
                raise InputError(f"{where} lists {file.file_name!r} a second time; remove one of the lines")
            files[file.file_name] = file
            if not file.path.is_file():
                missing.append(file.file_name)
    if missing:
        raise InputError(
            f"{tables[0].name} lists files that are missing in {root}: {quoted(missing)}; "
            "remove the lines or add the files"
        )
    return list(files.values())


def _rows(table: Path, labelled: bool) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a table with words for where each stands."""
    reader = _csv_rows if table.suffix == ".csv" else _jsonl_rows
    try:
        for line, row in reader(table, labelled):
            yield f"{table} line {line}", row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {table}: {error}; save it again as UTF-8 text") from error


def _csv_rows(table: Path, labelled: bool) -> Iterator[tuple[int, Row]]:
    with table.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        _check_columns(table, list(reader.fieldnames or ()), labelled)
        for row in reader:
            yield reader.line_num, row


def _jsonl_rows(table: Path, labelled: bool) -> Iterator[tuple[int, Row]]:
    with table.open(encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"{table} line {number} is not JSON ({error}); write one JSON object a line"
                ) from error
            if not isinstance(row, dict):
                raise InputError(f"{table} line {number} is not a JSON object; write one JSON object a line")
            _check_columns(table, list(row), labelled)
            yield number, row


def _check_columns(table: Path, columns: list[str], labelled: bool) -> None:
    """Refuse a table without a path, or without a label where there must be one."""
    if "file_name" not in columns:
        raise InputError(
            f"{table} has no column 'file_name' (it has {quoted(columns)}); "
            "add it: the path of each image, relative to the table"
        )
    if labelled and _label_column(columns) is None:
        raise InputError(
            f"{table} has no column 'label' (it has {quoted(columns)}); add it, "
            "or rename the table if the class folders say the labels"
        )


def _label_column(columns: list[str]) -> str | None:
    """Return the column that holds the labels: `label`, or the only one that is called much the same."""
    if "label" in columns:
        return "label"
    similar = [column for column in columns if column is not None and column.lower() in _LABEL_NAMES]
    return similar[0] if len(similar) == 1 else None


def _image_file(root: Path, table: Path, where: str, row: Row, labelled: bool) -> ImageFile:
    name = row["file_name"]
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"{where} has no file_name; fill it in or remove the line")
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts or "\0" in name:
        raise InputError(f"{where} leads out of the dataset: {name!r}; list only files below {table.parent}")
    if not is_image_name(name):
        raise InputError(f"{where} lists {name!r}, which is not a PNG, JPEG, BMP, WebP or TIFF file; remove the line")
    path = table.parent / relative
    file_name = path.relative_to(root).as_posix()
    return ImageFile(path, file_name, _split(where, file_name, row), _label(where, row, labelled))


def _label(where: str, row: Row, labelled: bool) -> str:
    value = row.get(_label_column(list(row)) or "label")
    if not labelled and (value is None or value == ""):
        return NO_LABEL
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise InputError(f"{where} has the label {value!r}; a label is text or a whole number")


def _split(where: str, file_name: str, row: Row) -> str:
    value = row.get("split")
    if value is None or value == "":
        return split_named(PurePosixPath(file_name).parts[0]) or "train"
    split = split_named(value) if isinstance(value, str) else None
    if split is None:
        raise InputError(f"{where} has the split {value!r}; a split is train, val or test")
    return split

"""Read a table of a dataset: CSV, TSV, JSON Lines or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaeaug.dataset.formats import is_image_name
from vaeaug.errors import InputError

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


@dataclass(frozen=True, slots=True)
class Table:
    """A table with named columns.

    Attributes:
        rows: one value per column; None if a row has no value.
        lines: line number of each row, from 1.
    """

    path: Path
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    lines: Sequence[int]

    def location(self, row: int) -> str:
        """Return file and line of a row, for messages."""
        return f"{self.path} line {self.lines[row]}"

    def values(self, column: str) -> list[Any]:
        """Return one column."""
        index = self.columns.index(column)
        return [row[index] for row in self.rows]


TableRows = Mapping[str, tuple[Table, int]]
"""`file_name` -> the table and the row that lists the image."""


def column_of(rows: TableRows, name: str) -> dict[str, str] | None:
    """Return `file_name` -> the value of a column, as text; None if no table has it."""
    tables = {id(table): table for table, _ in rows.values()}
    if not any(name in table.columns for table in tables.values()):
        return None
    values: dict[str, str] = {}
    for file_name, (table, row) in rows.items():
        value = table.rows[row][table.columns.index(name)] if name in table.columns else None
        values[file_name] = "" if value is None else str(value)
    return values


def read_table(path: Path) -> Table:
    """Read a CSV (separated by commas, semicolons or tabs; UTF-8), TSV, JSON Lines or Parquet table."""
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise InputError(f"{path} is not a CSV, TSV, JSONL or Parquet table; save it as one of these")
    try:
        if suffix == ".parquet":
            return _read_parquet(path)
        return _read_csv(path) if suffix in (".csv", ".tsv") else _read_jsonl(path)
    except FileNotFoundError as error:
        raise InputError(f"the table {path} does not exist; check the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}; save it again as UTF-8 text") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}; check the file") from error


def _read_csv(path: Path) -> Table:
    rows, lines = [], []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        first = stream.readline()
        stream.seek(0)
        separator = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=first.count)
        reader = csv.reader(stream, delimiter=separator)
        columns = tuple(name.strip() for name in next(reader, []))
        if any(is_image_name(name) for name in columns):
            raise InputError(f"{path} has no header line; add one, such as file_name,label")
        for row in reader:
            if not any(row):
                continue
            if any(row[len(columns) :]):
                raise InputError(
                    f"{path} line {reader.line_num} has more values than columns; put values that contain "
                    f"{separator!r} in double quotes"
                )
            rows.append((*row[: len(columns)], *[None] * (len(columns) - len(row))))
            lines.append(reader.line_num)
    return Table(path, columns, rows, lines)


def _read_jsonl(path: Path) -> Table:
    objects, lines = [], []
    with path.open(encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"{path} line {number} is not JSON ({error}); write one JSON object per line"
                ) from error
            if not isinstance(row, dict):
                raise InputError(f"{path} line {number} is not a JSON object; write one JSON object per line")
            objects.append(row)
            lines.append(number)
    columns = tuple(dict.fromkeys(name for row in objects for name in row))
    return Table(path, columns, [tuple(row.get(name) for name in columns) for row in objects], lines)


def _read_parquet(path: Path) -> Table:
    import pyarrow as pa  # noqa: PLC0415 (takes a while, and few datasets have one)
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        schema = pq.read_schema(path)
        columns = [field.name for field in schema if not pa.types.is_nested(field.type)]
        table = pq.read_table(path, columns=columns)
    except pa.ArrowException as error:
        raise InputError(f"cannot read {path}: {str(error).splitlines()[0]}; write it again as Parquet") from error
    values = [column.to_pylist() for column in table.columns]
    return Table(path, tuple(columns), list(zip(*values, strict=True)), range(1, table.num_rows + 1))

"""The manifest and the record that an earlier run of vaeaug wrote about files that are data now."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vaeaug.errors import InputError

MANIFEST, RECORD = "manifest.csv", "vaeaug.json"

Row = Mapping[str, str]

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

"""Which columns of a table contain the file, the label and the split of an image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vaeaug.dataset.splits import split_named
from vaeaug.dataset.tables import Table
from vaeaug.errors import InputError, nearest, quoted

_FILE = (
    *("filename", "file", "filepath", "path", "imagepath", "imagename", "imagefile", "imgpath", "imgname"),
    *("image", "img", "imageindex", "imageid", "imgid", "idcode", "id"),
)
_LABEL = (
    *("labels", "class", "classes", "classname", "classlabel", "classid"),
    *("category", "categoryname", "categoryid", "target"),
)
_FALLBACK_LABEL = ("diagnosis", "dx", "breed", "species", "variety")
_SPLIT = ("split", "subset", "partition", "usage", "phase")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table; `label` is None if there are no labels or they are one-hot (one column per class)."""

    file: str
    label: str | None
    split: str | None
    one_hot: tuple[str, ...] = ()

    @property
    def labelled(self) -> bool:
        """Return whether the table has labels."""
        return self.label is not None or bool(self.one_hot)


def choose_columns(table: Table, file_column: str | None = None, label_column: str | None = None) -> Columns:
    """Find the columns by their usual names, ignoring letter case, spaces and underscores.

    The file is in the first of `_FILE`. The label is in `label`, the only column of `_LABEL` or else `_FALLBACK_LABEL`,
    or one-hot columns.
    """
    usual = {_usual(name): name for name in reversed(table.columns)}
    file = _given(table, file_column, "--file-column") or next((usual[name] for name in _FILE if name in usual), None)
    if file is None:
        raise InputError(
            f"{table.path} has no column 'file_name' (it has {quoted(table.columns)}); add it with the path of each "
            "image, relative to the table, or name the column with --file-column"
        )
    split = next((usual[name] for name in _SPLIT if name in usual and _are_splits(table, usual[name])), None)
    label = _given(table, label_column, "--label-column") or _label_column(table, usual)
    if label is not None:
        return Columns(file, label, split)
    return Columns(file, None, split, _one_hot(table, file))


def _label_column(table: Table, usual: dict[str, str]) -> str | None:
    if "label" in usual:
        return usual["label"]
    for names in (_LABEL, _FALLBACK_LABEL):
        found = [usual[name] for name in names if name in usual]
        if len(found) > 1:
            raise InputError(
                f"{table.path} has no column 'label' but several that could be it: {quoted(found)}; choose one with "
                f"--label-column {found[0]}"
            )
        if found:
            return found[0]
    return None


def _one_hot(table: Table, file: str) -> tuple[str, ...]:
    found = [name for name in table.columns if name != file and all(_is_bit(value) for value in table.values(name))]
    if len(found) < 2 or not table.rows:
        return ()
    positions = [table.columns.index(name) for name in found]
    for number, row in enumerate(table.rows):
        if sum(float(row[position]) for position in positions) != 1:
            raise InputError(
                f"{table.path} labels each image with several columns of 0 and 1 ({quoted(found, 3)}), and line "
                f"{table.lines[number]} does not have exactly one 1; vaeaug reads one class per image: add a column "
                "'label', or choose one with --label-column"
            )
    return tuple(found)


def _is_bit(value: Any) -> bool:
    try:
        return value is not None and not isinstance(value, bool) and float(value) in (0.0, 1.0)
    except (TypeError, ValueError):
        return False


def _given(table: Table, name: str | None, flag: str) -> str | None:
    if name is not None and name not in table.columns:
        raise InputError(f"{table.path} has no column {name!r} ({flag}); {nearest(name, table.columns)}")
    return name


def _are_splits(table: Table, column: str) -> bool:
    """Return whether a column contains names of splits; a column called `split` does, or is refused row by row."""
    if _usual(column) == "split":
        return True
    values: Sequence[Any] = table.values(column)
    return all(isinstance(value, str) and split_named(value) is not None for value in values)


def _usual(name: str) -> str:
    return re.sub(r"[\s_\-.]", "", name).casefold()

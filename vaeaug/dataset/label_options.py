"""Which table says the labels of a dataset, as the user chooses it."""

from __future__ import annotations

from dataclasses import dataclass

NO_TABLE = "none"
"""The value of `--labels` for which no table is read."""


@dataclass(frozen=True, slots=True)
class LabelOptions:
    """Which table says the labels of a dataset.

    Attributes:
        labels: path of a table; `none` to read the folders whatever tables there are; None to look for a table.
        file_column: name of its column with paths; found by the usual names if None.
        label_column: name of its column with labels; found by the usual names if None.
    """

    labels: str | None = None
    file_column: str | None = None
    label_column: str | None = None


AUTOMATIC = LabelOptions()
"""Look for a table, and for its columns by their usual names."""

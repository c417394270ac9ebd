"""Options that choose the table with the labels of a dataset."""

from __future__ import annotations

from dataclasses import dataclass

NO_TABLE = "none"
"""The value of `--labels` that disables tables."""


@dataclass(frozen=True, slots=True)
class LabelOptions:
    """Which table contains the labels of a dataset: a path, `none` for folder names, or None to look for one."""

    labels: str | None = None
    file_column: str | None = None
    label_column: str | None = None


AUTOMATIC = LabelOptions()
"""Look for a table, and for its columns by their usual names."""

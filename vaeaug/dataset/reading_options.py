"""Options of how a dataset is read: its labels, and what is held out. Imports nothing heavy, for the command line."""

from __future__ import annotations

import shlex
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


@dataclass(frozen=True, slots=True)
class HoldOut:
    """Which images to hold out: a fraction of each class, in (0, 1), optionally by groups (`groups_of`)."""

    fraction: float
    split: str = "val"
    group_by: str | None = None
    seed: int = 0

    def options(self) -> str:
        """Return it as command-line options, without the seed."""
        grouped = "" if self.group_by is None else f" --group-by {shlex.quote(self.group_by)}"
        return f"--holdout {self.fraction:g} --holdout-as {self.split}{grouped}"

    def sentence(self) -> str:
        """Return a sentence for the card: which images were held out, and how they were used."""
        name, use = {
            "val": ("Validation", "They decided when training stopped."),
            "test": ("Test", "It has not seen them."),
        }[self.split]
        together = "" if self.group_by is None else f", whole groups by {self.group_by!r}"
        return (
            f"{name} images were held out from the training images of the original data (about {self.fraction:.0%} "
            f"of each class{together}) before the model was trained. {use}"
        )

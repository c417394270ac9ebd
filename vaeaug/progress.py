"""Progress of long work: the command line displays a `Progress`, and the Python API is silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Tick:
    """The progress of a stage.

    Attributes:
        done: fraction, in [0, 1].
        rate: images per second, if known.
        numbers: further values to show, such as loss terms.
    """

    done: float
    rate: float | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)


class Progress:
    """Receives stages and warnings and shows nothing. Subclass it to show them.

    Attributes:
        started: when the command began (`time.monotonic`), if before its imports.
        end: when the command must be done, if it has a time budget.
    """

    started: float | None = None
    end: float | None = None

    def bound(self, end: float) -> None:
        """Set the time (`time.monotonic`) at which the whole command must be done."""

    def stage(self, name: str) -> None:
        """Begin a stage; the one before is over."""

    def tick(self, tick: Tick) -> None:
        """Report progress of the current stage."""

    def say(self, line: str) -> None:
        """Show a warning on its own line."""

    def close(self, *, finished: bool = True) -> None:
        """End the display; `finished` is whether the current stage was completed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(finished=kind is None)


SILENT = Progress()

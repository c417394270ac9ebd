"""How long work tells of itself: the command line draws a `Progress`, and the Python API keeps silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Tick:
    """Where a stage stands.

    Attributes:
        done: the share that is done, in [0, 1].
        rate: images per second, or None if it means nothing yet.
        numbers: what to show besides (loss terms by name).
    """

    done: float
    rate: float | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)


class Progress:
    """Receives stages and remarks and shows nothing. Subclass it to show them.

    Attributes:
        started: when the command began (`time.monotonic`), if that was before its work began: imports take seconds.
        end: when the command has to be done, if it has a time budget.
    """

    started: float | None = None
    end: float | None = None

    def bound(self, end: float) -> None:
        """The whole command has to be done at this time (`time.monotonic`)."""

    def stage(self, name: str) -> None:
        """A stage of the work begins; the one before it is over."""

    def tick(self, tick: Tick) -> None:
        """The present stage got on."""

    def say(self, line: str) -> None:
        """A remark worth a line of its own."""

    def close(self, *, finished: bool = True) -> None:
        """No more will come; `finished` tells whether the present stage came to its end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(finished=kind is None)


SILENT = Progress()

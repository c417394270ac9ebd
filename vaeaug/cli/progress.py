"""Progress display: a bar on a terminal, plain lines in a pipe. Everything goes to stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from itertools import islice

import click
from rich.console import Console
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Column

from vaeaug.cli import STARTED
from vaeaug.progress import Progress, Tick

LINE_SECONDS = 5.0
"""Seconds between two plain lines of a stage."""

MAX_TERMS = 4
"""Maximum number of loss terms shown; an adversarial training has twice as many."""


def make_progress(*, quiet: bool) -> Progress:
    """Return the progress display that suits stderr."""
    progress = Progress() if quiet else Bars() if sys.stderr.isatty() else Lines()
    context = click.get_current_context(silent=True)
    progress.started = None if context is None else context.meta.get(STARTED)
    return progress


def _numbers(numbers: Mapping[str, float]) -> str:
    """Return loss terms in words: `reconstruction 231.4  kl 12.1`. Of many, the first: those that are validated."""
    return "  ".join(f"{name} {value:.1f}" for name, value in islice(numbers.items(), MAX_TERMS))


class _DeduplicatedProgress(Progress):
    """Shows each warning once, because early warnings are also part of the result."""

    def __init__(self) -> None:
        self._shown: set[str] = set()

    def bound(self, end: float) -> None:
        """Show from now on how much of the time budget is left."""
        self.end = end

    def left(self) -> str:
        """Return how much of the time budget is left, in words; nothing without one."""
        return "" if self.end is None else f"{max(self.end - time.monotonic(), 0):.0f} s of the time budget left"

    def say(self, line: str) -> None:
        """Show a remark unless it was shown before."""
        if line not in self._shown:
            self._shown.add(line)
            self.show(line)

    def show(self, line: str) -> None:
        """Show a remark."""
        raise NotImplementedError


class Lines(_DeduplicatedProgress):
    """A line when a stage begins, every few seconds, and when it ends.

    Args:
        seconds: between two lines of a stage.
    """

    def __init__(self, seconds: float = LINE_SECONDS) -> None:
        super().__init__()
        self.seconds = seconds
        self.name: str | None = None
        self.began = self.last_line = time.monotonic()
        self.last = Tick(0.0)

    def stage(self, name: str) -> None:
        """End the stage before and begin one."""
        self.close()
        self.name, self.began, self.last_line, self.last = name, time.monotonic(), time.monotonic(), Tick(0.0)
        click.echo(f"{name} ...", err=True)

    def tick(self, tick: Tick) -> None:
        """Write a line if the last one is some seconds old."""
        self.last = tick
        now = time.monotonic()
        if now - self.last_line < self.seconds:
            return
        self.last_line = now
        parts = [f"{self.name}: {tick.done:4.0%}"]
        if tick.rate:
            parts.append(f"{tick.rate:,.0f} images/s")
        if tick.numbers:
            parts.append(_numbers(tick.numbers))
        if tick.done > 0.01:  # before that nobody can tell
            parts.append(f"{(now - self.began) * (1 / tick.done - 1):.0f} s left")
        parts += [self.left()] if self.end is not None else []
        click.echo("  ".join(parts), err=True)

    def show(self, line: str) -> None:
        """Write a remark."""
        click.echo(line, err=True)

    def close(self, *, finished: bool = True) -> None:
        """End the stage."""
        if self.name is not None and finished:
            click.echo(f"{self.name}: done in {time.monotonic() - self.began:.1f} s", err=True)
        self.name = None


class Bars(_DeduplicatedProgress):
    """One bar per stage, with rate, losses and time left."""

    def __init__(self) -> None:
        super().__init__()
        self.rich = RichProgress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=12),
            TaskProgressColumn(table_column=Column(no_wrap=True, min_width=4)),
            TextColumn("[cyan]{task.fields[rate]}", table_column=Column(no_wrap=True)),
            TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
            # On a narrow terminal the losses are cut, not the time left.
            TextColumn("[dim]{task.fields[numbers]}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
            console=Console(stderr=True),
        )
        self.task: TaskID | None = None

    def stage(self, name: str) -> None:
        """Fill the bar before and begin one."""
        self._fill()
        self.rich.start()
        self.task = self.rich.add_task(name, total=1.0, rate="", numbers="")

    def tick(self, tick: Tick) -> None:
        """Move the bar."""
        if self.task is not None:
            rate = "  ".join(part for part in (f"{tick.rate:,.0f} images/s" if tick.rate else "", self.left()) if part)
            self.rich.update(self.task, completed=tick.done, rate=rate, numbers=_numbers(tick.numbers))

    def show(self, line: str) -> None:
        """Write a remark above the bars."""
        self.rich.console.print(line, markup=False, highlight=False)

    def close(self, *, finished: bool = True) -> None:
        """Fill the last bar if its stage came to its end, and leave the terminal as it was."""
        if finished:
            self._fill()
        self.rich.stop()

    def _fill(self) -> None:
        if self.task is not None:
            self.rich.update(self.task, completed=1.0)
        self.task = None

"""A time budget bounds the whole command: training ends early enough for the rest."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
import tiny_data
from hypothesis import given
from hypothesis import strategies as st

from vaeaug.cli.progress import Lines
from vaeaug.progress import Progress
from vaeaug.workflows.time_budget import (
    FINISHING_FRACTION,
    MIN_TRAINING_FRACTION,
    TimeBudget,
    begin_budget,
    reserve_for_writing,
    task_seconds,
    writing_seconds,
)

SECONDS = st.floats(1, 1e5)


class Notes(Progress):
    """Keeps what it receives."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)

    def bound(self, end: float) -> None:
        self.end = end


@given(seconds=SECONDS, spent=st.floats(0, 1), reserved=st.floats(0, 2))
def test_training_ends_so_that_the_rest_fits_where_that_is_possible(
    seconds: float, spent: float, reserved: float
) -> None:
    budget = TimeBudget(seconds, 0.0).reserving(reserved * seconds)
    now = spent * seconds
    end = budget.training_end(now)
    assert end - now >= MIN_TRAINING_FRACTION * seconds * (1 - 1e-9)
    if spent + reserved + FINISHING_FRACTION + MIN_TRAINING_FRACTION < 1:
        assert end + reserved * seconds + FINISHING_FRACTION * seconds <= budget.end * (1 + 1e-9)


@given(
    classes=st.integers(1, 40), workers=st.integers(1, 8), seconds=SECONDS, used=st.lists(st.floats(0, 1), min_size=40)
)
def test_classes_that_are_trained_side_by_side_end_together_in_time(
    classes: int, workers: int, seconds: float, used: list[float]
) -> None:
    """Each training takes its time or less, and what it leaves goes to those after it."""
    free = [0.0] * min(workers, classes)
    for label in range(classes):
        worker = free.index(min(free))
        rounds = math.ceil((classes - label) / len(free))
        free[worker] += used[label] * task_seconds(seconds, rounds, free[worker])
    assert max(free) <= seconds + 0.1 * classes
    if min(used[:classes]) == 1:
        assert max(free) == pytest.approx(seconds, rel=1e-6, abs=0.1 * classes)


def test_the_clock_starts_when_the_command_began() -> None:
    notes = Notes()
    assert begin_budget(None, notes) is None
    before = time.monotonic()
    assert begin_budget(60, notes).seconds == 60
    assert before + 60 <= notes.end <= time.monotonic() + 60
    notes.started = 990.0  # torch was imported since
    assert begin_budget(60, notes) == TimeBudget(60, 990.0)
    assert notes.end == 1050


def test_a_budget_that_is_too_short_is_said_early() -> None:
    notes, now = Notes(), time.monotonic()
    budget = TimeBudget(60, now - 4.6)
    assert reserve_for_writing(budget, 10, 100, notes).training_end(now) == pytest.approx(now + 55.4 - 10 - 3)
    assert notes.said == []
    kept = reserve_for_writing(budget, 80, 5000, notes)
    assert kept.training_end(now) == pytest.approx(now + 6)
    (line,) = notes.said
    assert "the time budget of 60 s is too short: 5,000 synthetic images take about 80 s to make, and 55 s are" in line
    assert "training gets 6.0 s" in line


def test_writing_is_estimated_from_the_images_that_are_there(tmp_path: Path) -> None:
    root = tiny_data.write_dataset(tmp_path, {"ant": 3, "bee": 2}, height=200, width=200)
    paths = {label: sorted((root / label).iterdir()) for label in ("ant", "bee")}
    few, many = (writing_seconds(paths, {"ant": count, "bee": 0}, threads=1) for count in (10, 10_000))
    assert 0 < few < many
    assert writing_seconds(paths, {"ant": 0, "bee": 0}, threads=1) == 0


def test_lines_tell_the_time_left_of_the_whole() -> None:
    lines = Lines()
    lines.bound(time.monotonic() + 42.4)
    assert lines.left() == "42 s of the time budget left"
    lines.bound(time.monotonic() - 8)
    assert lines.left() == "0 s of the time budget left"
    assert Lines().left() == ""

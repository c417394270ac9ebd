"""`--time-budget`: how long a training may take so that the whole command ends in time."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vaeaug.dataset.decode import UnreadableImageError, decode_full, read_file
from vaeaug.progress import Progress

FINISHING_FRACTION = 0.05
"""Fraction of the budget for the work after a training: encoding the training images, and writing the model."""

MIN_TRAINING_FRACTION = 0.1
"""Fraction of the budget that training gets even if the rest of the work takes longer than the budget."""

INPAINTING_FRACTION = 0.3
"""Fraction of the budget for the inpainting encoder, if it is trained with the model."""

_TIMED_IMAGES = 5  # images that are read and encoded to estimate how long writing takes
_WORK_FACTOR = 3.0  # times reading and encoding an image: drawing, filtering and dropped samples add to that


@dataclass(frozen=True, slots=True)
class TimeBudget:
    """When a command has to end. Times are those of `time.monotonic`, which all processes of a machine share.

    Attributes:
        reserve: estimated seconds of the work after the training.
    """

    seconds: float
    started: float
    reserve: float = 0.0

    @property
    def end(self) -> float:
        """When the command has to end."""
        return self.started + self.seconds

    def training_end(self, now: float) -> float:
        """Return when training has to end; it gets at least a tenth of the budget."""
        return max(
            self.end - self.reserve - FINISHING_FRACTION * self.seconds, now + MIN_TRAINING_FRACTION * self.seconds
        )

    def left(self, now: float) -> float:
        """Return the seconds left for the last training of a command, at least a tenth of a second."""
        return max(self.end - FINISHING_FRACTION * self.seconds - now, 0.1)

    def reserving(self, seconds: float) -> TimeBudget:
        """Return the budget with some seconds reserved for the work after the training."""
        return dataclasses.replace(self, reserve=seconds)


def begin_budget(seconds: float | None, progress: Progress) -> TimeBudget | None:
    """Start the clock of a command: it began when `progress` says so, otherwise now."""
    if seconds is None:
        return None
    budget = TimeBudget(seconds, time.monotonic() if progress.started is None else progress.started)
    progress.bound(budget.end)
    return budget


def writing_seconds(paths: Mapping[str, Sequence[Path]], counts: Mapping[str, int], threads: int) -> float:
    """Estimate the seconds to draw, filter and write synthetic images, by reading and encoding some real ones.

    `paths` are the real images of each class, `counts` the numbers of synthetic images.
    """
    images = sum(counts.values())
    all_paths = [path for label, count in counts.items() if count for path in paths[label]]
    if not all_paths:
        return 0.0
    timed_paths = [
        all_paths[position]
        for position in np.linspace(0, len(all_paths) - 1, min(_TIMED_IMAGES, len(all_paths))).round().astype(int)
    ]
    began = time.monotonic()
    for path in timed_paths:
        with contextlib.suppress(UnreadableImageError):  # it has changed since it was read, which is an error later
            pixels_HWC = decode_full(read_file(path)).eight_bit()
            Image.fromarray(pixels_HWC[..., 0] if pixels_HWC.shape[2] == 1 else pixels_HWC).save(io.BytesIO(), "png")
    return _WORK_FACTOR * (time.monotonic() - began) / len(timed_paths) * images / threads


def reserve_for_writing(budget: TimeBudget, seconds: float, images: int, progress: Progress) -> TimeBudget:
    """Return the budget with time reserved for writing, and warn early if it is too short."""
    remaining = budget.end - time.monotonic()
    if seconds > (1 - MIN_TRAINING_FRACTION) * remaining:
        progress.say(
            f"the time budget of {budget.seconds:g} s is too short: {images:,} synthetic images take about "
            f"{seconds:.0f} s to make, and {max(remaining, 0):.0f} s are left; training gets "
            f"{MIN_TRAINING_FRACTION * budget.seconds:.1f} s; ask for fewer images (--per-class) or give more time"
        )
    return budget.reserving(seconds)


def task_seconds(end: float, rounds: int, now: float) -> float:
    """Return the seconds that a training may take, if one process runs `rounds` trainings in sequence until `end`."""
    return max((end - now) / rounds, 0.1)

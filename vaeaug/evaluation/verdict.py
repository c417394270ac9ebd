"""The answer in a sentence: do the synthetic images help, beside what would have been done without them?"""

from __future__ import annotations

from dataclasses import dataclass

from vaeaug.evaluation.arms import Arm
from vaeaug.evaluation.recognition import ACCURACY
from vaeaug.evaluation.statistics import Difference

HELPS, HARMS, NOTHING, UNDECIDED = "helps", "harms", "does not help", "undecided"

MATTERS = 0.005
"""Below half a point a difference is not worth a second dataset: an interval that ends there settles the question."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of the comparison.

    Attributes:
        decision: `helps`, `harms`, `does not help` or `undecided`.
        sentence: the same for people, with the figures.
    """

    decision: str
    sentence: str


def verdict(difference: Difference, without: Arm, measure: str) -> Verdict:
    """Tell what a difference means.

    Args:
        difference: training with the synthetic images less training without them.
        without: how the classifiers without them were trained.
        measure: what was compared, one of `MEASURES`.
    """
    what = "accuracy" if measure == ACCURACY else "balanced accuracy"
    figures = f"{points(difference)} points of {what}"
    noise = f"95 % interval; {difference.seeds} seeds, {difference.images:,} test images"
    instead = f"use {without.words} alone"
    if difference.low > 0:
        sentence = f"The synthetic images help: they add {figures} over {without.words} ({noise})."
        return Verdict(HELPS, sentence)
    if difference.high < 0:
        return Verdict(HARMS, f"The synthetic images do harm here: {figures} ({noise}); {instead}.")
    if difference.high <= MATTERS:
        return Verdict(NOTHING, f"The synthetic images do not help here: {figures} ({noise}); {instead}.")
    more = "seeds" if difference.from_seeds > 0.5 else "test images"
    sentence = f"Undecided: the difference is within the noise, {figures} over {without.words} ({noise})"
    return Verdict(UNDECIDED, f"{sentence}; more {more} would tell.")


def points(difference: Difference) -> str:
    """Return a difference in percentage points: `+1.4 +- 0.5`."""
    return f"{100 * difference.mean:+.1f} +- {100 * difference.half:.1f}"

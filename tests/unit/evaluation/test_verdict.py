"""Which sentence a difference gets."""

import pytest

from vaeaug.evaluation.arms import ARMS
from vaeaug.evaluation.statistics import Difference
from vaeaug.evaluation.verdict import verdict


@pytest.mark.parametrize(
    ("mean", "half", "decision", "words"),
    [
        (0.014, 0.005, "helps", "they add +1.4 +- 0.5 points of accuracy over classical augmentation"),
        (-0.02, 0.01, "harms", "use classical augmentation alone"),
        (-0.001, 0.004, "does not help", "use classical augmentation alone"),
        (0.0, 0.0, "does not help", "+0.0 +- 0.0 points"),
        (0.006, 0.012, "undecided", "the difference is within the noise, +0.6 +- 1.2 points"),
        (0.002, 0.004, "undecided", "more test images would tell"),
    ],
)
def test_the_interval_decides(mean: float, half: float, decision: str, words: str) -> None:
    given = verdict(Difference(mean, half, 5, 1000, 0.2), ARMS["classical"], "accuracy")
    assert given.decision == decision
    assert words in given.sentence
    assert "5 seeds, 1,000 test images" in given.sentence


def test_it_says_what_would_narrow_the_interval_and_what_it_measures() -> None:
    given = verdict(Difference(0.0, 0.02, 5, 100, 0.8), ARMS["real"], "balanced-accuracy")
    assert "more seeds would tell" in given.sentence
    assert "balanced accuracy over the real images" in given.sentence

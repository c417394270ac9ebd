"""Which sentence differences get."""

import dataclasses

import numpy as np
import pytest

from vaeaug.evaluation.arms import ARMS
from vaeaug.evaluation.statistics import CONFIDENCE, Difference, paired_difference
from vaeaug.evaluation.verdict import MIN_USEFUL_GAIN, Comparison, Verdict, at_chance, verdict


def against(baseline: str, mean: float, half_width: float, seed_fraction: float = 0.2) -> Comparison:
    return Comparison(ARMS[baseline], Difference(mean, half_width, 5, 1000, seed_fraction))


def balanced(*comparisons: Comparison) -> Verdict:
    return verdict(comparisons, "balanced-accuracy")


@pytest.mark.parametrize(
    ("mean", "half_width", "decision", "words"),
    [
        (0.014, 0.005, "helps", "they add +1.4 +- 0.5 points of accuracy over classical augmentation ("),
        (-0.02, 0.01, "harms", "points of accuracy (95 % interval; "),
        (-0.02, 0.01, "harms", "use classical augmentation alone"),
        (-0.001, 0.004, "does not help", "use classical augmentation alone"),
        (0.0, 0.0, "does not help", "+0.0 +- 0.0 points"),
        (0.006, 0.012, "undecided", "the difference is within the noise, +0.6 +- 1.2 points"),
        (0.002, 0.004, "undecided", "more test images would settle it"),
        (
            0.0,
            MIN_USEFUL_GAIN,
            "does not help",
            "The synthetic images do not help here: +0.0 +- 0.5 points of accuracy (95 %",
        ),
    ],
)
def test_the_interval_decides(mean: float, half_width: float, decision: str, words: str) -> None:
    given = verdict([against("classical", mean, half_width)], "accuracy")
    assert given.decision == decision
    assert words in given.sentence
    assert "95 % interval; 5 seeds, 1,000 test images" in given.sentence
    assert given.baseline is ARMS["classical"]


def test_an_interval_that_rules_nothing_out_is_not_given() -> None:
    """Few seeds that disagree: points cannot differ by more than 100, and 273 would be said."""
    wild = Difference(-0.071, 2.732, 3, 300, 0.9)
    assert (wild.low, wild.high) == (-1, 1)
    given = verdict([Comparison(ARMS["classical"], wild)], "accuracy")
    assert given.decision == "undecided"
    assert "-7.1 points of accuracy over classical augmentation (3 seeds, 300 test images are too few" in given.sentence
    assert "+-" not in given.sentence


def test_a_difference_that_only_touches_zero_is_no_gain_and_no_loss() -> None:
    """Each boundary belongs to the weaker claim."""
    touches = against("classical", 0.01, 0.01)
    assert balanced(touches).sentence.startswith("Undecided: the difference is within the noise, +1.0 +- 1.0 points")
    given = balanced(touches, against("smote", -0.02, 0.01))
    assert given.sentence.startswith("The synthetic images do not help here: -2.0 +- 1.1 points of balanced accuracy")
    high = Difference(-0.01, 0.01, 5, 1000, 0.2).bonferroni(2)
    level = Comparison(
        ARMS["smote"], dataclasses.replace(high, mean=-high.half_width, confidence=CONFIDENCE, half_width=0.01)
    )
    as_well = balanced(against("classical", 0.02, 0.01), level)
    assert level.difference.bonferroni(2).high == 0
    assert "SMOTE with classical augmentation did as well: " in as_well.sentence


def test_half_of_the_variance_from_seeds_is_not_most_of_it() -> None:
    assert "more test images would settle it" in balanced(against("classical", 0.0, 0.02, seed_fraction=0.5)).sentence


def test_no_method_above_chance_is_said_with_what_may_help() -> None:
    first = against("classical", 0.02, 0.01)
    given = at_chance([first, against("smote", 0.01, 0.01)], "accuracy", 0.25)
    assert (given.decision, given.baseline) == ("undecided", ARMS["classical"])
    assert given.sentence == (
        "Undecided: no training method does better than always predicting the most common class (25.0 % accuracy), so "
        "there is nothing to compare (5 seeds, 1,000 test images). More real images, larger images (--image-size) or "
        "longer training of the classifiers (--steps of vaeaug evaluate) may help."
    )


@pytest.mark.parametrize("mean", [0.3, -0.3, 0.0])
def test_two_seeds_have_no_verdict_however_large_the_difference(mean: float) -> None:
    two = Difference(mean, None, 2, 300, 1.0)
    for comparisons in ([("classical", two)], [("classical", two), ("smote", two)]):
        given = verdict([Comparison(ARMS[name], difference) for name, difference in comparisons], "accuracy")
        assert given.decision == "undecided"
        assert f"{100 * mean:+.1f} points of accuracy over classical augmentation" in given.sentence
        assert given.sentence.endswith(
            "2 seeds, 300 test images are too few for an interval: run with --seeds 3 or more (5 is the default)."
        )
        assert "+-" not in given.sentence


def test_it_says_what_would_narrow_the_interval_and_what_it_measures() -> None:
    given = balanced(against("real", 0.0, 0.02, seed_fraction=0.8))
    assert "more seeds would settle it" in given.sentence
    assert "balanced accuracy over the real images" in given.sentence


def test_images_help_if_they_beat_every_rival_and_the_nearest_is_told() -> None:
    given = balanced(against("classical", 0.05, 0.01), against("smote", 0.03, 0.01), against("weighted", 0.02, 0.01))
    assert given.decision == "helps"
    assert (
        "+2.0 +- 1.0 points of balanced accuracy over class weights with classical augmentation, "
        "the strongest of 3 baselines (95 % interval; " in given.sentence
    )
    assert given.baseline is ARMS["weighted"]


@pytest.mark.parametrize(
    ("mean", "half_width", "well"), [(-0.02, 0.008, "did better: -2.0 +-"), (-0.006, 0.008, "did as well: -0.6 +-")]
)
def test_what_a_rival_does_as_well_is_no_help(mean: float, half_width: float, well: str) -> None:
    given = balanced(against("classical", 0.021, 0.008), against("weighted", mean, half_width))
    assert given.decision == "does not help"
    assert given.sentence.startswith(
        "The synthetic images add +2.1 +- 0.8 points of balanced accuracy over classical augmentation (95 % interval), "
        "but class weights with classical augmentation " + well
    )
    assert "points compared with it (97.5 % interval; 5 seeds" in given.sentence
    assert given.sentence.endswith("use it alone.")
    assert given.baseline is ARMS["weighted"]


def test_a_rival_that_may_do_as_well_leaves_it_undecided() -> None:
    given = balanced(against("classical", 0.021, 0.008), against("smote", 0.003, 0.009, seed_fraction=0.7))
    assert given.decision == "undecided"
    assert (
        "add +2.1 +- 0.8 points of balanced accuracy over classical augmentation (95 % interval), but over SMOTE with "
        "classical augmentation the difference is within the noise, +0.3 +- 1.0 points (97.5 % interval; "
        in given.sentence
    )
    assert given.sentence.endswith("more seeds would settle it.")


def test_without_a_gain_over_classical_augmentation_the_best_rival_is_advised() -> None:
    given = balanced(against("classical", 0.0, 0.004), against("deferred", -0.03, 0.004))
    assert given.decision == "does not help"
    assert "-3.0 +- 0.5 points of balanced accuracy compared with deferred class weights" in given.sentence
    assert given.sentence.endswith("use deferred class weights with classical augmentation alone.")


def test_harm_is_done_beside_classical_augmentation() -> None:
    given = balanced(against("classical", -0.02, 0.01), against("deferred", -0.03, 0.01))
    assert given.decision == "harms"
    assert "-2.0 +- 1.0 points of balanced accuracy compared with classical augmentation (95 %" in given.sentence
    assert given.sentence.endswith("use deferred class weights with classical augmentation alone.")
    assert balanced(against("classical", 0.0, 0.02), against("deferred", -0.03, 0.01)).decision == "does not help"


def test_the_best_of_many_rivals_needs_a_wider_interval() -> None:
    """One rival beside which 0.5 points are just excluded settles it; as the best of five it does not."""
    lucky = against("weighted", -0.004, 0.0085)
    others = [against(name, 0.01, 0.02) for name in ("oversampled", "smote", "deferred")]
    assert balanced(against("classical", 0.01, 0.02), *others, lucky).decision == "undecided"
    assert balanced(lucky).decision == "does not help"


def test_no_rival_is_said_to_be_better_by_chance_more_often_than_it_may() -> None:
    """Where all six ways are alike, images seldom help or harm, and hardly ever is one of the rivals "better"."""
    rng = np.random.default_rng(0)
    names = ("classical", "oversampled", "smote", "weighted", "deferred")
    wrong = {"helps": 0, "better": 0}
    for _ in range(400):
        right = rng.random((6, 5, 60)) < rng.random((60,))  # the difficulty of an image is that of all
        comparisons = [
            Comparison(ARMS[name], paired_difference(right[number].astype(float), right[5].astype(float)))
            for number, name in enumerate(names)
        ]
        bonferroni = [baseline.difference.bonferroni(5) for baseline in comparisons]
        wrong["helps"] += verdict(comparisons, "accuracy").decision == "helps"
        wrong["better"] += any(difference.high < 0 for difference in bonferroni)
    assert wrong["helps"] <= 0.025 * 400
    assert wrong["better"] <= 0.025 * 400 + 6

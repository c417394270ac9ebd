"""The verdict as a sentence: do the synthetic images help, compared with the best training without them?

If classes differ in size, there are several baselines: oversampling, SMOTE and class weights, each with classical
augmentation. The best of them is known only from the test images. Choosing it by them would flatter it, and fixing
another would flatter the synthetic images. So none is chosen:

- Synthetic images *help* if they are better than every baseline, each by its own 95 % interval. This needs no
  correction: if the claim is false, it is false for one baseline, whose own interval then has to err (an
  intersection-union test, Berger 1982).
- They *do not help* if any baseline leaves them less than half a point. That is a claim about the best of m, so the
  interval is widened to the level 1 - 0.05 / m, at which all m hold jointly with 95 % (Bonferroni).
- They *do harm* if classical augmentation alone is better than with them: the one comparison that was fixed beforehand.
  Using the baseline with the best mean is then advice, not a claim.

    R. L. Berger. Multiparameter Hypothesis Testing and Acceptance Sampling. Technometrics 24, 1982.

With one baseline all this is one 95 % interval.

If no training method beats a constant answer, only harm is claimed: classifiers that have learnt nothing say nothing
about their training images, but being even worse requires misleading images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vaeaug.evaluation.arms import Arm
from vaeaug.evaluation.classifier_metrics import ACCURACY
from vaeaug.evaluation.statistics import MIN_SEEDS, Difference

HELPS, HARMS, NO_HELP, UNDECIDED = "helps", "harms", "does not help", "undecided"

MIN_USEFUL_GAIN = 0.005
"""Below half a point a difference is not worth a second dataset: an interval that ends there settles the question."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Training with the synthetic images, compared with a baseline.

    Attributes:
        difference: training with the synthetic images minus the baseline, with its 95 % interval.
    """

    baseline: Arm
    difference: Difference


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the comparisons.

    Attributes:
        decision: `helps`, `harms`, `does not help` or `undecided`.
        baseline: the training method without synthetic images that decided.
    """

    decision: str
    sentence: str
    baseline: Arm


def verdict(comparisons: Sequence[Comparison], metric: str) -> Verdict:
    """Return the verdict on some differences.

    Args:
        comparisons: with every baseline, at least one; the first one does not depend on the class sizes.
        metric: one of `METRICS`.
    """
    name = "accuracy" if metric == ACCURACY else "balanced accuracy"
    first, several = comparisons[0], len(comparisons) > 1
    if first.difference.half_width is None:
        return Verdict(UNDECIDED, _too_few_seeds(first, name), first.baseline)
    closest = min(comparisons, key=lambda comparison: comparison.difference.low)
    if closest.difference.low > 0:
        words = closest.baseline.description + (f", the strongest of {len(comparisons)} baselines" if several else "")
        figures = f"{points(closest.difference)} points of {name}"
        sentence = f"The synthetic images help: they add {figures} over {words} ({_noise(closest.difference)})."
        return Verdict(HELPS, sentence, closest.baseline)
    if first.difference.high < 0:
        figures = f"{points(first.difference)} points of {name}"
        compared_with = f" compared with {first.baseline.description}" if several else ""
        best = min(comparisons, key=lambda comparison: comparison.difference.mean)
        sentence = f"The synthetic images do harm here: {figures}{compared_with} ({_noise(first.difference)})"
        return Verdict(HARMS, f"{sentence}; use {best.baseline.description} alone.", first.baseline)
    # From here on it is about the best of the baselines.
    adjusted = [
        Comparison(comparison.baseline, comparison.difference.bonferroni(len(comparisons)))
        for comparison in comparisons
    ]
    best = min(adjusted, key=lambda comparison: comparison.difference.high)
    if best.difference.high <= MIN_USEFUL_GAIN:
        return Verdict(NO_HELP, _no_help(first, best, name), best.baseline)
    closest = next(comparison for comparison in adjusted if comparison.baseline is closest.baseline)
    more = "seeds" if closest.difference.seed_fraction > 0.5 else "test images"
    return Verdict(UNDECIDED, f"{_undecided(first, closest, name)}; more {more} would settle it.", closest.baseline)


def at_chance(comparisons: Sequence[Comparison], metric: str, constant: float) -> Verdict:
    """Return the verdict if no training method beats a constant answer.

    Args:
        comparisons: see `verdict`.
        constant: the metric of always answering the most common class, in [0, 1] (`chance`).
    """
    first = comparisons[0]
    name = "accuracy" if metric == ACCURACY else "balanced accuracy"
    sentence = (
        "Undecided: no training method does better than always predicting the most common class "
        f"({100 * constant:.1f} % {name}), so there is nothing to compare ({_size(first.difference)}). More real "
        "images, larger images (--image-size) or longer training of the classifiers (--steps of vaeaug evaluate) "
        "may help."
    )
    return Verdict(UNDECIDED, sentence, first.baseline)


def _too_few_seeds(first: Comparison, name: str) -> str:
    return (
        f"Undecided: the difference is {points(first.difference)} points of {name} over "
        f"{first.baseline.description}, but {_size(first.difference)} are too few for an interval: run with "
        f"--seeds {MIN_SEEDS} or more (5 is the default)."
    )


def _no_help(first: Comparison, best: Comparison, name: str) -> str:
    noise = _noise(best.difference)
    if best.baseline is first.baseline:
        compared_with = ""
    elif first.difference.low > 0:
        how_well = "better" if best.difference.high < 0 else "as well"
        return (
            f"The synthetic images add {points(first.difference)} points of {name} over {first.baseline.description} "
            f"({_level(first.difference)}), but {best.baseline.description} did {how_well}: "
            f"{points(best.difference)} points compared with it ({noise}); use it alone."
        )
    else:
        compared_with = f" compared with {best.baseline.description}"
    return (
        f"The synthetic images do not help here: {points(best.difference)} points of {name}{compared_with} ({noise}); "
        f"use {best.baseline.description} alone."
    )


def _undecided(first: Comparison, closest: Comparison, name: str) -> str:
    noise = _noise(closest.difference)
    if first.difference.low > 0:
        return (
            f"Undecided: the synthetic images add {points(first.difference)} points of {name} over "
            f"{first.baseline.description} ({_level(first.difference)}), but over {closest.baseline.description} the "
            f"difference is within the noise, {points(closest.difference)} points ({noise})"
        )
    return (
        f"Undecided: the difference is within the noise, {points(closest.difference)} points of {name} over "
        f"{closest.baseline.description} ({noise})"
    )


def _noise(difference: Difference) -> str:
    if not difference.is_informative:
        return f"{_size(difference)} are too few for an interval"
    return f"{_level(difference)}; {_size(difference)}"


def _level(difference: Difference) -> str:
    return f"{100 * difference.confidence:.3g} % interval"


def _size(difference: Difference) -> str:
    return f"{difference.seeds} seeds, {difference.images:,} test images"


def points(difference: Difference) -> str:
    """Return a difference in percentage points, `+1.4 +- 0.5`; without the interval if it excludes nothing."""
    mean = f"{100 * difference.mean:+.1f}"
    half_width = difference.half_width
    return mean if half_width is None or not difference.is_informative else f"{mean} +- {100 * half_width:.1f}"

"""Results of the training methods: scores by seed, differences, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaeaug.evaluation.arms import ARMS, CLASSICAL, Arm, compared, named, rivals
from vaeaug.evaluation.chance import any_beats_chance, chance
from vaeaug.evaluation.recognition import Recognition, recognition, shares_right
from vaeaug.evaluation.statistics import MIN_SEEDS, Difference, over_seeds, paired_difference
from vaeaug.evaluation.verdict import HARMS, Comparison, Verdict, at_chance, verdict


@dataclass(frozen=True, slots=True)
class ArmResult:
    """The results of one training method.

    Attributes:
        by_seed: the figures of each seed's classifier.
        difference: of the measure, to the arm without synthetic images; None of that arm itself.
    """

    arm: Arm
    by_seed: Sequence[Recognition]
    difference: Difference | None

    def over_seeds(self, figure: str) -> tuple[float, float | None]:
        """Return the mean of a figure (`accuracy`, `balanced_accuracy`, `macro_f1`) and half its t interval, if any."""
        return over_seeds(np.array([getattr(figures, figure) for figures in self.by_seed]))

    def recall(self) -> NDArray[np.float64]:
        """Return the mean recall of each class, (K,)."""
        recall_K: NDArray[np.float64] = np.mean([figures.recall_K for figures in self.by_seed], axis=0)
        return recall_K


@dataclass(frozen=True, slots=True)
class Utility:
    """Whether synthetic images help a classifier.

    Attributes:
        classes: their names.
        tested_K: test images of each.
        measure: what the verdict is about, one of `MEASURES`.
        chance: the scores of always predicting the most common class.
        arms: the results of each training method.
        with_synthetic: the arm whose difference the verdict is about.
        without: the arm that it is compared with whatever the sizes of the classes.
        rivals: the baselines of the verdict: `without`, and the arms that balance the classes.
        recall_K: class -> how the recall changes between the two; None of a class with fewer than two test images.
    """

    classes: Sequence[str]
    tested_K: NDArray[np.int64]
    measure: str
    chance: Recognition
    arms: Sequence[ArmResult]
    with_synthetic: Arm
    without: Arm
    rivals: Sequence[Comparison]
    recall_K: Sequence[Difference | None]
    verdict: Verdict

    def of(self, arm: Arm) -> ArmResult:
        """Return what an arm came to."""
        return next(entry for entry in self.arms if entry.arm.name == arm.name)


def utility(
    true_N: NDArray[np.int64],
    predicted: Mapping[str, NDArray[np.int64]],
    classes: Sequence[str],
    measure: str,
    pipeline: str = CLASSICAL,
) -> Utility:
    """Compare training methods by the predictions of their classifiers for the test images.

    Args:
        true_N: classes of the test images.
        predicted: arm -> the classes that the classifier of each seed saw in them, (S, N).
        classes: names.
        measure: what the verdict is about, one of `MEASURES`.
        pipeline: the classical augmentation in a sentence, such as "TrivialAugment + mixup".

    Raises:
        ValueError: no arm is to be compared with another, or there are fewer than two seeds or test images.
    """
    pair = compared(predicted)
    if pair is None:
        raise ValueError(f"there is no verdict in {', '.join(predicted)}")
    arms = {name: named(arm, pipeline) for name, arm in ARMS.items() if name in predicted}
    with_synthetic, without = (arms[arm.name] for arm in pair)
    right = {name: shares_right(true_N, predicted_SN, measure) for name, predicted_SN in predicted.items()}
    difference = {name: paired_difference(right[without.name], right_SN) for name, right_SN in right.items()}
    comparisons = [
        Comparison(arms[arm.name], paired_difference(right[arm.name], right[with_synthetic.name]))
        for arm in rivals(right)
    ]
    constant = chance(true_N, len(classes))
    answer = verdict(comparisons, measure)
    decidable = comparisons[0].difference.seeds >= MIN_SEEDS and answer.decision != HARMS
    if decidable and not any_beats_chance(true_N, predicted.values(), measure):
        answer = at_chance(comparisons, measure, getattr(constant, measure.replace("-", "_")))
    return Utility(
        classes=classes,
        tested_K=np.bincount(true_N, minlength=len(classes)),
        measure=measure,
        chance=constant,
        arms=[
            ArmResult(
                arm,
                [recognition(true_N, predicted_N, len(classes)) for predicted_N in predicted[name]],
                None if arm is without else difference[name],
            )
            for name, arm in arms.items()
        ],
        with_synthetic=with_synthetic,
        without=without,
        rivals=comparisons,
        recall_K=_recall_changes(true_N, predicted[without.name], predicted[with_synthetic.name], len(classes)),
        verdict=answer,
    )


def _recall_changes(
    true_N: NDArray[np.int64], before_SN: NDArray[np.int64], after_SN: NDArray[np.int64], classes: int
) -> list[Difference | None]:
    """Return how the recall of each class changes: the accuracy on its own images."""
    changes: list[Difference | None] = []
    for label in range(classes):
        mine_N = true_N == label
        right = [(predicted_SN[:, mine_N] == label).astype(np.float64) for predicted_SN in (before_SN, after_SN)]
        changes.append(paired_difference(*right) if mine_N.sum() > 1 else None)
    return changes


_FIGURES = ("accuracy", "balanced_accuracy", "macro_f1")


def as_json(result: Utility) -> dict[str, Any]:
    """Return everything as JSON values; figures are fractions in [0, 1], and intervals are of 95 %.

    With fewer than three seeds there are no intervals: their ends and widths are None.

    `chance` is the scores of always predicting the most common class of the test images.

    The difference of an arm is that arm less the second of `compared`; under `rivals` it is the first of `compared`
    less the rival.
    """
    return {
        "decision": result.verdict.decision,
        "verdict": result.verdict.sentence,
        "metric": result.measure,
        "compared": [result.with_synthetic.name, result.without.name],
        "rivals": {rival.without.name: _interval(rival.difference) for rival in result.rivals},
        "decided_by": result.verdict.rival.name,
        "test_images": dict(zip(result.classes, result.tested_K.tolist(), strict=True)),
        "chance": {name: getattr(result.chance, name) for name in _FIGURES},
        "arms": {entry.arm.name: _arm(entry, result.classes) for entry in result.arms},
    }


def _arm(entry: ArmResult, classes: Sequence[str]) -> dict[str, Any]:
    means = {name: entry.over_seeds(name) for name in _FIGURES}
    difference = entry.difference
    return {
        **{name: {"mean": mean, "half_interval_over_seeds": half} for name, (mean, half) in means.items()},
        "difference": None
        if difference is None
        else {
            **_interval(difference),
            "share_of_variance_from_seeds": None if difference.half is None else difference.from_seeds,
        },
        "recall": _recall(entry.recall(), classes),
        "by_seed": [
            {**{name: getattr(seed, name) for name in _FIGURES}, "recall": _recall(seed.recall_K, classes)}
            for seed in entry.by_seed
        ],
    }


def _interval(difference: Difference) -> dict[str, float | None]:
    if difference.half is None:
        return {"mean": difference.mean, "low": None, "high": None}
    return {"mean": difference.mean, "low": difference.low, "high": difference.high}


def _recall(recall_K: NDArray[np.float64], classes: Sequence[str]) -> dict[str, float | None]:
    """Return class -> recall; None if it has no test images, for JSON knows no NaN."""
    return {name: None if np.isnan(recall) else float(recall) for name, recall in zip(classes, recall_K, strict=True)}

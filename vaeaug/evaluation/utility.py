"""Results of the training methods: scores by seed, differences, and the verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaeaug.evaluation.arms import ARMS, CLASSICAL, Arm, baselines, compared_arms, with_pipeline_name
from vaeaug.evaluation.chance import any_beats_chance, chance
from vaeaug.evaluation.classifier_metrics import ClassifierMetrics, classifier_metrics, contributions
from vaeaug.evaluation.statistics import MIN_SEEDS, Difference, mean_over_seeds, paired_difference
from vaeaug.evaluation.verdict import HARMS, Comparison, Verdict, at_chance, verdict


@dataclass(frozen=True, slots=True)
class ArmResult:
    """The results of one training method.

    Attributes:
        difference: of the metric, to the arm without synthetic images; None for that arm itself.
    """

    arm: Arm
    by_seed: Sequence[ClassifierMetrics]
    difference: Difference | None

    def mean_over_seeds(self, figure: str) -> tuple[float, float | None]:
        """Return the mean of `accuracy`, `balanced_accuracy` or `macro_f1` and the half width of its t interval."""
        return mean_over_seeds(np.array([getattr(figures, figure) for figures in self.by_seed]))

    def recall(self) -> NDArray[np.float64]:
        """Return the mean recall of each class, (K,)."""
        recall_K: NDArray[np.float64] = np.mean([figures.recall_K for figures in self.by_seed], axis=0)
        return recall_K


@dataclass(frozen=True, slots=True)
class Utility:
    """Whether synthetic images help a classifier.

    Attributes:
        metric: what the verdict is about, one of `METRICS`.
        chance: the scores of always predicting the most common class.
        without: the baseline that is always compared.
        comparisons: with each baseline: `without`, and the arms that balance the classes.
        recall_K: change of each class's recall; None for a class with fewer than two test images.
    """

    classes: Sequence[str]
    test_counts_K: NDArray[np.int64]
    metric: str
    chance: ClassifierMetrics
    arms: Sequence[ArmResult]
    with_synthetic: Arm
    without: Arm
    comparisons: Sequence[Comparison]
    recall_K: Sequence[Difference | None]
    verdict: Verdict

    def of(self, arm: Arm) -> ArmResult:
        """Return the results of an arm."""
        return next(result for result in self.arms if result.arm.name == arm.name)


def utility(
    true_N: NDArray[np.int64],
    predicted: Mapping[str, NDArray[np.int64]],
    classes: Sequence[str],
    metric: str,
    pipeline: str = CLASSICAL,
    classifier: str | None = None,
) -> Utility:
    """Compare training methods by the predictions of their classifiers for the test images.

    Args:
        predicted: arm -> the classes predicted by the classifier of each seed, (S, N).
        metric: what the verdict is about, one of `METRICS`.
        pipeline: the classical augmentation in a sentence, such as "TrivialAugment + mixup".
        classifier: its name, which is added to the verdict; nothing is added if None.

    Raises:
        ValueError: if no pair of arms can be compared, or if there are fewer than two seeds or test images.
    """
    pair = compared_arms(predicted)
    if pair is None:
        raise ValueError(f"there is no verdict in {', '.join(predicted)}")
    arms = {name: with_pipeline_name(arm, pipeline) for name, arm in ARMS.items() if name in predicted}
    with_synthetic, without = (arms[arm.name] for arm in pair)
    scores_SN = {name: contributions(true_N, predicted_SN, metric) for name, predicted_SN in predicted.items()}
    difference = {
        name: paired_difference(scores_SN[without.name], correct_SN) for name, correct_SN in scores_SN.items()
    }
    comparisons = [
        Comparison(arms[arm.name], paired_difference(scores_SN[arm.name], scores_SN[with_synthetic.name]))
        for arm in baselines(scores_SN)
    ]
    constant = chance(true_N, len(classes))
    outcome = verdict(comparisons, metric)
    decidable = comparisons[0].difference.seeds >= MIN_SEEDS and outcome.decision != HARMS
    if decidable and not any_beats_chance(true_N, predicted.values(), metric):
        outcome = at_chance(comparisons, metric, getattr(constant, metric.replace("-", "_")))
    if classifier is not None:
        outcome = dataclasses.replace(outcome, sentence=f"{outcome.sentence} Classifier: {classifier}.")
    return Utility(
        classes=classes,
        test_counts_K=np.bincount(true_N, minlength=len(classes)),
        metric=metric,
        chance=constant,
        arms=[
            ArmResult(
                arm,
                [classifier_metrics(true_N, predicted_N, len(classes)) for predicted_N in predicted[name]],
                None if arm is without else difference[name],
            )
            for name, arm in arms.items()
        ],
        with_synthetic=with_synthetic,
        without=without,
        comparisons=comparisons,
        recall_K=_recall_changes(true_N, predicted[without.name], predicted[with_synthetic.name], len(classes)),
        verdict=outcome,
    )


def _recall_changes(
    true_N: NDArray[np.int64], before_SN: NDArray[np.int64], after_SN: NDArray[np.int64], classes: int
) -> list[Difference | None]:
    changes: list[Difference | None] = []
    for label in range(classes):
        in_class_N = true_N == label
        scores_SN = [
            (predicted_SN[:, in_class_N] == label).astype(np.float64) for predicted_SN in (before_SN, after_SN)
        ]
        changes.append(paired_difference(*scores_SN) if in_class_N.sum() > 1 else None)
    return changes


_FIGURES = ("accuracy", "balanced_accuracy", "macro_f1")


def as_json(result: Utility) -> dict[str, Any]:
    """Return everything as JSON values; metrics are fractions in [0, 1], and intervals are of 95 %.

    With fewer than three seeds there are no intervals: their ends and widths are None.

    The difference of an arm is that arm minus the second of `compared`; under `rivals` it is the first of `compared`
    minus the baseline.
    """
    return {
        "decision": result.verdict.decision,
        "verdict": result.verdict.sentence,
        "metric": result.metric,
        "compared": [result.with_synthetic.name, result.without.name],
        "rivals": {comparison.baseline.name: _interval(comparison.difference) for comparison in result.comparisons},
        "decided_by": result.verdict.baseline.name,
        "test_images": dict(zip(result.classes, result.test_counts_K.tolist(), strict=True)),
        "chance": {name: getattr(result.chance, name) for name in _FIGURES},
        "arms": {entry.arm.name: _arm(entry, result.classes) for entry in result.arms},
    }


def _arm(result: ArmResult, classes: Sequence[str]) -> dict[str, Any]:
    means = {name: result.mean_over_seeds(name) for name in _FIGURES}
    difference = result.difference
    return {
        **{name: {"mean": mean, "half_interval_over_seeds": half_width} for name, (mean, half_width) in means.items()},
        "difference": None
        if difference is None
        else {
            **_interval(difference),
            "share_of_variance_from_seeds": None if difference.half_width is None else difference.seed_fraction,
        },
        "recall": _recall(result.recall(), classes),
        "by_seed": [
            {**{name: getattr(seed, name) for name in _FIGURES}, "recall": _recall(seed.recall_K, classes)}
            for seed in result.by_seed
        ],
    }


def _interval(difference: Difference) -> dict[str, float | None]:
    if difference.half_width is None:
        return {"mean": difference.mean, "low": None, "high": None}
    return {"mean": difference.mean, "low": difference.low, "high": difference.high}


def _recall(recall_K: NDArray[np.float64], classes: Sequence[str]) -> dict[str, float | None]:
    """Return class -> recall; None without test images, because JSON has no NaN."""
    return {name: None if np.isnan(recall) else float(recall) for name, recall in zip(classes, recall_K, strict=True)}

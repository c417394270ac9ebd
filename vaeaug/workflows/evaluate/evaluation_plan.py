"""What an evaluation compares, by which measure and with how many steps: by default chosen from the images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaeaug.errors import name_list
from vaeaug.evaluation.arms import ARMS, Arm, parse_arms
from vaeaug.evaluation.classifier_metrics import ACCURACY, BALANCED_ACCURACY
from vaeaug.evaluation.statistics import MIN_SEEDS
from vaeaug.workflows.evaluate.evaluate_settings import EvaluateSettings
from vaeaug.workflows.evaluate.evaluation_data import EvaluateData
from vaeaug.workflows.run import Run
from vaeaug.workflows.settings import AUTO

IMBALANCE_RATIO = 1.5
"""Ratio of the largest to the smallest class from which the classes count as imbalanced."""

MIN_STEPS, MAX_STEPS = 200, 1200
STEPS_PER_IMAGE = 3  # few images are soon memorized


@dataclass(frozen=True, slots=True)
class Plan:
    """The training methods, the metric of the verdict (one of `METRICS`) and the optimizer steps of each classifier."""

    arms: tuple[Arm, ...]
    metric: str
    steps: int


def plan_evaluation(run: Run[EvaluateSettings], data: EvaluateData) -> Plan:
    """Choose the training methods, the measure, and the steps of each classifier.

    If the classes are imbalanced, methods that balance them without synthetic images are compared too; otherwise
    synthetic images would get credit for what these methods also achieve. Each class then counts equally, because few
    test images of small classes would hardly change the accuracy.

    Raises:
        InputError: if the settings name an arm that does not exist.
    """
    settings = run.settings
    real_K, synthetic_K = (
        np.bincount(part.labels_N, minlength=len(data.classes)) for part in (data.real, data.synthetic)
    )
    imbalanced = _is_imbalanced(real_K)
    if settings.arms == AUTO:
        arms = tuple(arm for arm in ARMS.values() if imbalanced or not arm.balancing)
    else:
        arms = parse_arms(settings.arms)
    if settings.seeds < MIN_SEEDS:
        run.warn(
            f"no intervals and no verdict: {settings.seeds} seeds are too few to estimate the variation between seeds; "
            f"use --seeds {MIN_SEEDS} or more"
        )
    missing = [name for name, count in zip(data.classes, synthetic_K, strict=True) if not count]
    if missing and any(not arm.real for arm in arms):
        run.warn(
            f"there are no synthetic images of {name_list(missing)}, so no classifier is trained on synthetic images "
            "only"
        )
        arms = tuple(arm for arm in arms if arm.real)
    total_K = real_K + synthetic_K
    if imbalanced and _is_imbalanced(total_K):
        run.warn(
            f"with the synthetic images the classes still have between {total_K.min():,} and {total_K.max():,} images; "
            "vaeaug augment --balance fills all classes to the size of the largest"
        )
    metric = settings.metric
    if metric == AUTO:
        metric = BALANCED_ACCURACY if imbalanced else ACCURACY
    steps = settings.steps or min(max(STEPS_PER_IMAGE * len(data.real), MIN_STEPS), MAX_STEPS)
    return Plan(arms, metric, steps)


def _is_imbalanced(counts_K: NDArray[np.int64]) -> bool:
    return bool(counts_K.max() >= IMBALANCE_RATIO * counts_K.min())

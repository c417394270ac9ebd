"""What is compared, by which measure and after how much training, which the images decide where the user does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaeaug.evaluation.arms import ARMS, Arm, parse_arms
from vaeaug.evaluation.recognition import ACCURACY, BALANCED
from vaeaug.evaluation.statistics import MIN_SEEDS
from vaeaug.workflows.evaluate.data import EvaluateData
from vaeaug.workflows.evaluate.settings import EvaluateSettings
from vaeaug.workflows.settings import AUTO

UNBALANCED = 1.5
"""Times that the largest class is as large as the smallest, from which on the classes are not of about one size."""

LEAST_STEPS, MOST_STEPS = 200, 1200
STEPS_AN_IMAGE = 3  # few images are soon known by heart


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared.

    Attributes:
        arms: the ways of training.
        measure: what the verdict is about, one of `MEASURES`.
        steps: of each classifier.
        remarks: what the user should know of it.
    """

    arms: tuple[Arm, ...]
    measure: str
    steps: int
    remarks: tuple[str, ...]


def plan(settings: EvaluateSettings, data: EvaluateData) -> Plan:
    """Choose the ways of training, the measure, and the steps of each classifier.

    Where classes are not of about one size, ways that balance them without synthetic images are compared too, or the
    synthetic images would have credit for what these do as well; and each class counts alike, or a test set with the
    same few images of small classes would hardly tell.

    Raises:
        InputError: the settings name an arm that there is not.
    """
    real_K, made_K = (np.bincount(part.labels_N, minlength=len(data.classes)) for part in (data.real, data.synthetic))
    unbalanced = _unbalanced(real_K)
    if settings.arms == AUTO:
        arms = tuple(arm for arm in ARMS.values() if unbalanced or not arm.balancing)
    else:
        arms = parse_arms(settings.arms)
    remarks = []
    if settings.seeds < MIN_SEEDS:
        remarks.append(
            f"no intervals and no verdict: {settings.seeds} seeds do not tell how much classifiers of other seeds "
            f"would differ; give --seeds {MIN_SEEDS} or more"
        )
    missing = [name for name, count in zip(data.classes, made_K, strict=True) if not count]
    if missing and any(not arm.real for arm in arms):
        remarks.append(f"there are no synthetic images of {', '.join(missing)}, so nothing is trained on these alone")
        arms = tuple(arm for arm in arms if arm.real)
    total_K = real_K + made_K
    if unbalanced and _unbalanced(total_K):
        remarks.append(
            f"with the synthetic images the classes still have between {total_K.min():,} and {total_K.max():,} images; "
            "vaeaug augment --balance makes all as large as the largest"
        )
    measure = settings.metric
    if measure == AUTO:
        measure = BALANCED if unbalanced else ACCURACY
    steps = settings.steps or min(max(STEPS_AN_IMAGE * len(data.real), LEAST_STEPS), MOST_STEPS)
    return Plan(arms, measure, steps, tuple(remarks))


def _unbalanced(counts_K: NDArray[np.int64]) -> bool:
    return bool(counts_K.max() >= UNBALANCED * counts_K.min())

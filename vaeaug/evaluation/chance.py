"""The minimum that any classifier must beat: always predict the most common class of the test images.

If no training method does, a difference between methods says nothing about the synthetic images.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from vaeaug.evaluation.classifier_metrics import ClassifierMetrics, classifier_metrics, contributions
from vaeaug.evaluation.statistics import paired_difference


def chance(true_N: NDArray[np.int64], classes: int) -> ClassifierMetrics:
    """Return the scores of always predicting the most common class.

    Args:
        true_N: classes of the test images, at least one.
        classes: K.
    """
    return classifier_metrics(true_N, _constant(true_N), classes)


def any_beats_chance(true_N: NDArray[np.int64], predicted: Iterable[NDArray[np.int64]], metric: str) -> bool:
    """Return whether some training method beats the constant answer, by its own 95 % interval.

    Args:
        predicted: for each method, the classes predicted by the classifier of each seed, (S, N).
        metric: one of `METRICS`.

    Raises:
        ValueError: if there are fewer than two seeds or test images.
    """
    for predicted_SN in predicted:
        constant_SN = np.broadcast_to(_constant(true_N), predicted_SN.shape)
        parts = [contributions(true_N, answers_SN, metric) for answers_SN in (constant_SN, predicted_SN)]
        if paired_difference(*parts).low > 0:
            return True
    return False


def _constant(true_N: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.full_like(true_N, np.bincount(true_N).argmax())

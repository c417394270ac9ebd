"""How well a classifier recognizes test images: figures from true and predicted classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ACCURACY, BALANCED_ACCURACY = "accuracy", "balanced-accuracy"
METRICS = (ACCURACY, BALANCED_ACCURACY)
"""What a verdict can be about: means over test images, so that an interval can be given for their differences."""


@dataclass(frozen=True, slots=True)
class ClassifierMetrics:
    """Scores of one classifier, all in [0, 1].

    Attributes:
        balanced_accuracy: mean recall of the classes, so that each counts equally.
        macro_f1: mean over the classes of the harmonic mean of precision and recall.
        recall_K: NaN for a class without test images.
    """

    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    recall_K: NDArray[np.float64]


def classifier_metrics(true_N: NDArray[np.int64], predicted_N: NDArray[np.int64], classes: int) -> ClassifierMetrics:
    """Return the scores of a classifier; classes without test images count in none but the accuracy.

    Args:
        true_N: class indices, at least one.
        classes: K.
    """
    correct_K, true_K, predicted_K = (
        np.bincount(labels, minlength=classes).astype(np.float64)
        for labels in (true_N[true_N == predicted_N], true_N, predicted_N)
    )
    present_K = true_K > 0
    recall_K = np.full(classes, np.nan)
    recall_K[present_K] = correct_K[present_K] / true_K[present_K]
    f1_K = 2 * correct_K[present_K] / (true_K + predicted_K)[present_K]
    return ClassifierMetrics(
        accuracy=float((true_N == predicted_N).mean()),
        balanced_accuracy=float(recall_K[present_K].mean()),
        macro_f1=float(f1_K.mean()),
        recall_K=recall_K,
    )


def contributions(true_N: NDArray[np.int64], predicted_SN: NDArray[np.int64], metric: str) -> NDArray[np.float64]:
    """Return the contribution of each test image under each seed, (S, N); their mean over images is the metric."""
    correct_SN: NDArray[np.float64] = (predicted_SN == true_N).astype(np.float64)
    if metric == ACCURACY:
        return correct_SN
    _, class_N, count_K = np.unique(true_N, return_inverse=True, return_counts=True)
    weight_N: NDArray[np.float64] = len(true_N) / (len(count_K) * count_K[class_N])
    return correct_SN * weight_N

"""Filter samples by classifiers that were not trained on their sources, relative to real images.

The real images are divided into folds. For each fold a classifier is trained on the other folds, and its scores of the
images it was not trained on define what is normal. A sample that scores worse than nearly all of these is dropped. Any
other sample is kept, so a class that is hard to recognize keeps its hard images. There are three causes:

    another class    the classifier gives the class less probability than nearly all unseen images of it, and prefers
                     another one.
    far from data    its features are farther from the nearest real image of the class than for nearly all unseen ones.
    near copy        its features are so close to a real image that it adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaeaug.classifier.fit import Classifier
from vaeaug.nn.distances import nearest

COPY_CAUSE = "near copy"
CAUSES = ("another class", "far from data", COPY_CAUSE)
"""Why a sample is dropped, in the order of the checks."""

MISLABELLED_FRACTION = 0.01
"""Fraction of unseen real images that would be dropped for their class. A larger one leaves only images that are easy
to recognize, and classifiers learn less from them (docs/benchmarks.md).
"""

OUTLIER_FRACTION = 0.02
"""Fraction of unseen real images that would be dropped for their distance."""

MIN_UNSEEN = 10
"""Number of unseen images of a class below which the scores of all classes define what is normal."""

COPY_DISTANCE = 0.25
"""Fraction of the median distance of an unseen image to the nearest one, below which a sample counts as a copy."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A classifier and the indices of the real images that it was not trained on."""

    classifier: Classifier
    unseen: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _NormalRange:
    """The normal range of a class in a fold.

    Attributes:
        features_RF: of all real images of the class.
        min_probability: below it an image counts as another class.
        max_distance: above it an image is far from the data.
        min_distance: below it an image is a copy.
    """

    features_RF: NDArray[np.float32]
    min_probability: float
    max_distance: float
    min_distance: float


class ClassifierFilter:
    """Decides which samples to drop, given the real images as the classifiers take them."""

    def __init__(self, folds: Sequence[Fold], pixels_NHWC: NDArray[np.uint8], labels_N: NDArray[np.int64]) -> None:
        self._classifiers = [fold.classifier for fold in folds]
        self._fold_N = np.zeros(len(labels_N), np.int64)
        for number, fold in enumerate(folds):
            self._fold_N[fold.unseen] = number
        features = [fold.classifier.embeddings(pixels_NHWC) for fold in folds]
        self._normal_ranges = [
            _normal_ranges(*pair, pixels_NHWC, labels_N) for pair in zip(folds, features, strict=True)
        ]
        self._features_NF, self._labels_N = features[0], labels_N

    def verdicts(self, pixels_BHWC: NDArray[np.uint8], label: int, sources_B: Sequence[int | None]) -> list[str | None]:
        """Return for each sample why it is dropped, or None.

        Args:
            sources_B: the index of the real image that each sample was made from, or None. A sample is checked by the
                classifier that was not trained on its source; without a source, by the first one.
        """
        fold_B = np.array([0 if source is None else self._fold_N[source] for source in sources_B])
        verdicts: list[str | None] = [None] * len(pixels_BHWC)
        for fold in np.unique(fold_B):
            rows = np.flatnonzero(fold_B == fold)
            normal, classifier = self._normal_ranges[fold].get(label), self._classifiers[fold]
            if normal is None:
                continue
            probabilities_MK = classifier.probabilities(pixels_BHWC[rows])
            features_MF = classifier.embeddings(pixels_BHWC[rows])
            _, distance_M = nearest(features_MF, normal.features_RF)
            mislabelled_M = (probabilities_MK[:, label] < normal.min_probability) & (
                probabilities_MK.argmax(axis=1) != label
            )
            for row, mislabelled, distance in zip(rows, mislabelled_M, distance_M, strict=True):
                causes = (mislabelled, distance > normal.max_distance, distance < normal.min_distance)
                verdicts[row] = next((cause for cause, applies in zip(CAUSES, causes, strict=True) if applies), None)
        return verdicts

    def nearest(self, pixels_BHWC: NDArray[np.uint8], label: int) -> NDArray[np.int64]:
        """Return the index of the nearest real image of a class for each sample, (B,), by the first classifier."""
        rows_R = np.flatnonzero(self._labels_N == label)
        features_BF = self._classifiers[0].embeddings(pixels_BHWC)
        nearest_B, _ = nearest(features_BF, self._features_NF[rows_R])
        indices_B: NDArray[np.int64] = rows_R[nearest_B]
        return indices_B


def _normal_ranges(
    fold: Fold, features_NF: NDArray[np.float32], pixels_NHWC: NDArray[np.uint8], labels_N: NDArray[np.int64]
) -> dict[int, _NormalRange]:
    labels_U = labels_N[fold.unseen]
    probability_U = fold.classifier.probabilities(pixels_NHWC[fold.unseen])[np.arange(len(labels_U)), labels_U]
    distance_U = np.full(len(labels_U), np.nan)
    seen_N = ~np.isin(np.arange(len(labels_N)), fold.unseen)
    classes = np.unique(labels_N[seen_N]).tolist()
    for label in classes:
        rows = np.flatnonzero(labels_U == label)
        if len(rows):
            seen = np.flatnonzero((labels_N == label) & seen_N)
            _, distance_U[rows] = nearest(features_NF[fold.unseen[rows]], features_NF[seen])
    normal = {}
    for label in classes:
        rows = np.flatnonzero(labels_U == label)
        reference = rows if len(rows) >= MIN_UNSEEN else np.flatnonzero(np.isfinite(distance_U))
        normal[label] = _NormalRange(
            features_RF=features_NF[labels_N == label],
            min_probability=float(np.quantile(probability_U[reference], MISLABELLED_FRACTION)),
            max_distance=float(np.quantile(distance_U[reference], 1 - OUTLIER_FRACTION)),
            min_distance=float(COPY_DISTANCE * np.median(distance_U[reference])),
        )
    return normal

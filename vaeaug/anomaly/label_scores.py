"""The most likely class of each image, and how surprising its label is.

There are two methods. **features**: class densities in the space of latent features, fitted to the labelled images
themselves; they find wrong labels in the training images, which the networks may have memorized. **evidence**: the
likelihood under the networks; for images that the model was not trained on, however few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaeaug.anomaly.label_densities import LabelDensities, fit_densities, scorable_classes
from vaeaug.anomaly.score_images import UNKNOWN, Scores, distinguishes_classes
from vaeaug.models.store import StoredModel

FEATURES, EVIDENCE, NOT_SCORED = "features", "evidence", "nobody"


@dataclass(frozen=True, slots=True)
class LabelScores:
    """Label scores of N images.

    Attributes:
        label_surprise_N: float32, in nats; NaN if an image has no label that can be scored.
        likeliest_N: int64, the most likely class, as the model counts them; -1 if it cannot be determined.
    """

    label_surprise_N: NDArray[np.float32]
    likeliest_N: NDArray[np.int64]


def choose_label_method(requested: str, model: StoredModel, labels_N: NDArray[np.int64]) -> str:
    """Return how labels are scored: `features` if two classes have enough images, otherwise `evidence`.

    It is `nobody` if the requested method is not possible or if there are no labels.

    Args:
        requested: one of `columns.LABEL_METHODS`.
        labels_N: as the model counts classes; -1 if the class is not known.
    """
    if not (labels_N >= 0).any():
        return NOT_SCORED
    if requested != EVIDENCE and len(scorable_classes(labels_N)):
        return FEATURES
    return EVIDENCE if requested != FEATURES and distinguishes_classes(model) else NOT_SCORED


def score_labels(
    parts: Callable[[], Iterable[Scores]], labels_N: NDArray[np.int64], model: StoredModel, method: str
) -> LabelScores:
    """Score the labels of images, given the scores of the images in parts.

    Args:
        parts: each call restarts the iteration over the scores of all images, in order.
        method: of `choose_label_method`.
    """
    densities = None
    if method == FEATURES:
        densities = fit_densities(lambda: _labelled(parts, labels_N), scorable_classes(labels_N))
    scored = [
        _score_part(scores, part_labels_N, model, method, densities)
        for scores, part_labels_N in _with_labels(parts, labels_N)
    ]
    return LabelScores(
        np.concatenate([part.label_surprise_N for part in scored]),
        np.concatenate([part.likeliest_N for part in scored]),
    )


def _score_part(
    scores: Scores, labels_N: NDArray[np.int64], model: StoredModel, method: str, densities: LabelDensities | None
) -> LabelScores:
    distinguishes = distinguishes_classes(model)
    likeliest_N = np.full(len(labels_N), UNKNOWN, np.int64)
    surprise_N = np.full(len(labels_N), np.nan, np.float32)
    unlabelled = labels_N == UNKNOWN
    if distinguishes:
        likeliest_N[unlabelled] = scores.measured_as_N[unlabelled]
    if densities is not None:
        scored_rows = np.flatnonzero(np.isin(labels_N, densities.classes_K))
        log_density_MK = densities.log_density(scores.features_ND[scored_rows])
        likeliest_N[scored_rows] = densities.classes_K[log_density_MK.argmax(axis=1)]
        surprise_N[scored_rows] = label_surprise(
            log_density_MK, np.searchsorted(densities.classes_K, labels_N[scored_rows])
        )
    elif method == EVIDENCE:
        scored_rows = np.flatnonzero(~unlabelled)
        likeliest_N[scored_rows] = scores.evidence_NK[scored_rows].argmax(axis=1)
        surprise_N[scored_rows] = label_surprise(scores.evidence_NK[scored_rows], labels_N[scored_rows])
    return LabelScores(surprise_N, likeliest_N)


def label_surprise(evidence_NK: NDArray[np.floating], labels_N: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the evidence of the best other class minus that of the label, (N,), in nats.

    `evidence_NK` is the log-evidence of at least two classes.
    """
    rows = np.arange(len(labels_N))
    others_NK = np.array(evidence_NK, dtype=np.float64)
    label_evidence_N = others_NK[rows, labels_N]
    others_NK[rows, labels_N] = -np.inf
    surprise_N: NDArray[np.float32] = (others_NK.max(axis=1) - label_evidence_N).astype(np.float32)
    return surprise_N


def _with_labels(
    parts: Callable[[], Iterable[Scores]], labels_N: NDArray[np.int64]
) -> Iterator[tuple[Scores, NDArray[np.int64]]]:
    start = 0
    for scores in parts():
        stop = start + len(scores.measured_as_N)
        yield scores, labels_N[start:stop]
        start = stop


def _labelled(
    parts: Callable[[], Iterable[Scores]], labels_N: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    for scores, part_labels_N in _with_labels(parts, labels_N):
        yield scores.features_ND, part_labels_N

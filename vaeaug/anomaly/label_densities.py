"""Class densities in the space of latent features, fitted to the labelled images, to find wrong labels.

A network that was trained on a wrong label explains the image by it: on Fashion-MNIST with flipped labels the evidence
of the networks finds a third of the flips, these densities four fifths (docs/benchmarks.md). Features are encoded
without labels (`features_of`). A class is a Gaussian with its own mean, and a covariance between its own and that of
all classes (regularized discriminant analysis; Friedman 1989):

    log p(f|y) = log N(f; m_y, S_y),  S_y = (n_y C_y + n_0 C) / (n_y + n_0),  n_0 = 4 D

Features are first reduced to their D leading principal components, D at most 64 and a tenth of the images. Sums run
over parts of the images, so that memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_IMAGES = 5
"""Minimum number of labelled images for which the labels of a class are scored."""

MAX_COMPONENTS = 64
IMAGES_PER_COMPONENT = 10
PRIOR_IMAGES_PER_COMPONENT = 4
"""The common covariance counts as so many images a component."""

VARIANCE_FLOOR = 0.01
"""Added to every variance, as a fraction of the mean variance: no class has zero variance in any direction."""

Parts = Callable[[], Iterable[tuple[NDArray[np.float32], NDArray[np.int64]]]]
"""Each call restarts the iteration over parts: features (n, F) and labels (n,), -1 for none."""


@dataclass(frozen=True, slots=True)
class LabelDensities:
    """A Gaussian for each class with enough images.

    Attributes:
        classes_K: the classes, as the model counts them, ascending.
        whiteners_KDD: W with (f - m) W of unit covariance.
        log_scales_K: half the log-determinant of each covariance.
    """

    mean_F: NDArray[np.float64]
    components_FD: NDArray[np.float64]
    classes_K: NDArray[np.int64]
    means_KD: NDArray[np.float64]
    whiteners_KDD: NDArray[np.float64]
    log_scales_K: NDArray[np.float64]

    def log_density(self, features_NF: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return log p(f|y) of each class, (N, K), in nats up to one constant."""
        f_ND = (features_NF - self.mean_F) @ self.components_FD
        columns = [
            -0.5 * np.square((f_ND - mean_D) @ whitener_DD).sum(axis=1) - log_scale
            for mean_D, whitener_DD, log_scale in zip(self.means_KD, self.whiteners_KDD, self.log_scales_K, strict=True)
        ]
        return np.stack(columns, axis=1)


def scorable_classes(labels_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the classes with labels that can be scored, ascending: none, or at least two."""
    classes, counts = np.unique(labels_N[labels_N >= 0], return_counts=True)
    classes_K = classes[counts >= MIN_IMAGES]
    return classes_K if len(classes_K) > 1 else classes_K[:0]


def fit_densities(parts: Parts, classes_K: NDArray[np.int64]) -> LabelDensities:
    """Fit one Gaussian per class of `scorable_classes`."""
    mean_F, components_FD = _components(parts, classes_K)
    class_count = len(classes_K)
    dim = components_FD.shape[1]
    count_K, sum_KD, square_KDD = np.zeros(class_count), np.zeros((class_count, dim)), np.zeros((class_count, dim, dim))
    for features_NF, labels_N in parts():
        f_ND = (features_NF - mean_F) @ components_FD
        for k, label in enumerate(classes_K):
            class_f_ND = f_ND[labels_N == label]
            count_K[k] += len(class_f_ND)
            sum_KD[k] += class_f_ND.sum(axis=0)
            square_KDD[k] += class_f_ND.T @ class_f_ND
    means_KD = sum_KD / count_K[:, None]
    scatter_KDD = square_KDD - count_K[:, None, None] * means_KD[:, :, None] * means_KD[:, None, :]
    common_DD = scatter_KDD.sum(axis=0) / count_K.sum()
    floor_DD = (VARIANCE_FLOOR * np.trace(common_DD) / dim + np.finfo(np.float32).tiny) * np.eye(dim)
    prior = PRIOR_IMAGES_PER_COMPONENT * dim
    covariance_KDD = (scatter_KDD + prior * common_DD) / (count_K + prior)[:, None, None] + floor_DD
    roots_KDD = np.linalg.cholesky(covariance_KDD)
    return LabelDensities(
        mean_F,
        components_FD,
        classes_K,
        means_KD,
        np.linalg.inv(roots_KDD).transpose(0, 2, 1),
        np.log(np.diagonal(roots_KDD, axis1=1, axis2=2)).sum(axis=1),
    )


def _components(parts: Parts, classes_K: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean (F,) and the leading principal components (F, D) of the features."""
    count, sum_F, square_FF = 0, np.zeros(()), np.zeros(())
    for features_NF, labels_N in parts():
        class_features_NF = features_NF[np.isin(labels_N, classes_K)].astype(np.float64)
        count, sum_F, square_FF = (
            count + len(class_features_NF),
            sum_F + class_features_NF.sum(axis=0),
            square_FF + class_features_NF.T @ class_features_NF,
        )
    mean_F = sum_F / count
    dim = max(1, min(MAX_COMPONENTS, len(mean_F), count // IMAGES_PER_COMPONENT))
    _, vectors_FF = np.linalg.eigh(square_FF / count - np.outer(mean_F, mean_F))
    return mean_F, vectors_FF[:, ::-1][:, :dim]  # eigh sorts ascending

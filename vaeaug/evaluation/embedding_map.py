"""Real and synthetic images in two dimensions: PCA of their features, or UMAP if it is installed.

The axes are fitted to the real images only, so that synthetic images outside the data are visible.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaeaug.evaluation.embedding import Embedded
from vaeaug.seeds import seed_of

MAX_POINTS = 3000
"""Real images on a map, and synthetic ones, at most; drawn at random, in each class the same fraction."""


@dataclass(frozen=True, slots=True)
class EmbeddingMap:
    """Images as points. `real_count` and `synthetic_count` are the numbers of images, shown or not.

    Attributes:
        method: how they were projected, in words.
        classes: names, by class index.
    """

    method: str
    classes: Sequence[str]
    real_N2: NDArray[np.float64]
    real_labels_N: NDArray[np.int64]
    synthetic_M2: NDArray[np.float64]
    synthetic_labels_M: NDArray[np.int64]
    real_count: int
    synthetic_count: int


def embedding_map(
    embedding: str, real: Embedded, synthetic: Embedded, classes: Sequence[str], *, seed: int, method: str | None = None
) -> EmbeddingMap:
    """Project the features of real and synthetic images to two dimensions.

    Args:
        real: at least two images.
        method: `pca` or `umap`; if None, `umap` if umap-learn is installed, otherwise `pca`.
    """
    method = method or ("umap" if importlib.util.find_spec("umap") else "pca")
    real_N, synthetic_M = (_subsample(images.labels_N, seed) for images in (real, synthetic))
    project = _umap if method == "umap" else _pca
    method_text, real_N2, synthetic_M2 = project(real.features_NF[real_N], synthetic.features_NF[synthetic_M], seed)
    return EmbeddingMap(
        f"{method_text} of the {embedding}",
        tuple(classes),
        real_N2,
        real.labels_N[real_N],
        synthetic_M2,
        synthetic.labels_N[synthetic_M],
        len(real),
        len(synthetic),
    )


_Projected = tuple[str, NDArray[np.float64], NDArray[np.float64]]


def _pca(real_NF: NDArray[np.float32], synthetic_MF: NDArray[np.float32], seed: int) -> _Projected:  # noqa: ARG001 (nothing is drawn)
    """Project onto the two directions in which the real images vary most."""
    mean_F = real_NF.mean(axis=0, dtype=np.float64)
    centred_NF = real_NF - mean_F
    _, singular_R, axes_RF = np.linalg.svd(centred_NF, full_matrices=False)
    axes_2F = np.zeros((2, real_NF.shape[1]))
    axes_2F[: min(2, len(axes_RF))] = axes_RF[:2]
    # The sign of an axis is anybody's choice: the largest weight is made positive, the same on every machine.
    axes_2F *= np.where(axes_2F[np.arange(2), np.abs(axes_2F).argmax(axis=1)] < 0, -1.0, 1.0)[:, None]
    explained = (singular_R[:2] ** 2).sum() / max((singular_R**2).sum(), np.finfo(np.float64).tiny)
    method_text = f"First two principal components ({100 * explained:.0f} % of the real images' variance)"
    return method_text, centred_NF @ axes_2F.T, (synthetic_MF - mean_F) @ axes_2F.T


def _umap(real_NF: NDArray[np.float32], synthetic_MF: NDArray[np.float32], seed: int) -> _Projected:
    """Fit UMAP to the real images and transform the synthetic ones (McInnes et al. 2018)."""
    umap: Any = importlib.import_module("umap")  # not among the dependencies, and it takes seconds to import
    reducer = umap.UMAP(
        n_neighbors=min(15, len(real_NF) - 1), random_state=seed_of(seed, "umap") % 2**32, n_jobs=1, transform_seed=0
    )
    real_N2 = reducer.fit_transform(real_NF).astype(np.float64)
    return (
        "UMAP (distances between groups carry little meaning)",
        real_N2,
        reducer.transform(synthetic_MF).astype(np.float64),
    )


def _subsample(labels_N: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return at most `MAX_POINTS` indices in order: the same fraction of each class, at least one."""
    if len(labels_N) <= MAX_POINTS:
        return np.arange(len(labels_N))
    rows = []
    for label in np.unique(labels_N):
        in_class = np.flatnonzero(labels_N == label)
        order = np.random.default_rng(seed_of(seed, "map", int(label))).permutation(len(in_class))
        rows.append(in_class[order[: max(1, len(in_class) * MAX_POINTS // len(labels_N))]])
    return np.sort(np.concatenate(rows))

"""How similar synthetic images are to real ones, and whether they cover the variety of the real ones.

    FID (Heusel et al. 2017)     Frechet distance between Gaussians fitted to both; 0 is equal. It falls with the number
                                 of images, so only compare figures for equal numbers.
    KID (Binkowski et al. 2018)  unbiased squared maximum mean discrepancy; about 0 is equal, also for few images.
    precision, recall (Kynkaanniemi et al. 2019): fraction of synthetic images within the manifold of the real ones, and
                                 the reverse: closer to one of the others than its k-th nearest neighbour.
    density, coverage (Naeem et al. 2020): how densely real images surround synthetic ones (1 is as densely as each
                                 other), and fraction of real images with a synthetic one nearby.

FID and KID are implemented here and tested against torchmetrics, which draws KID's subsets from the global random
state, requires equal numbers, and takes roots of slightly negative eigenvalues if images are fewer than features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaeaug.evaluation.embedding import Embedded
from vaeaug.nn.distances import blocks, neighbour_distance
from vaeaug.seeds import seed_of

NEIGHBOURS = 5
"""k, as in Naeem et al. 2020."""

ROWS = 4096
"""Images whose features are used at a time."""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Similarity of two sets of images. A figure is None if there are too few images for it.

    Attributes:
        fid: Frechet distance of the features, 0 or more.
        kid: squared maximum mean discrepancy; by chance it may be below 0.
        precision: in [0, 1], like `recall` and `coverage`.
        density: 0 or more.
    """

    real: int
    others: int
    fid: float | None
    kid: float | None
    precision: float | None
    recall: float | None
    density: float | None
    coverage: float | None


@dataclass(frozen=True, slots=True)
class FidelityReport:
    """Similarity of synthetic and real images, overall and by class.

    Attributes:
        held_out: the same for as many held-out real images, if there are any: the score of a perfect sampler.
        by_class: classes without synthetic images are missing.
    """

    embedding: str
    neighbours: int
    overall: Fidelity
    held_out: Fidelity | None
    by_class: Mapping[str, Fidelity]


def measure_fidelity(
    embedding: str,
    real: Embedded,
    synthetic: Embedded,
    classes: Sequence[str],
    *,
    held_out: Embedded | None = None,
    neighbours: int = NEIGHBOURS,
    seed: int = 0,
) -> FidelityReport:
    """Compare synthetic images with real training images.

    The figures depend on the number of images. So at most as many synthetic as real images of a class are compared,
    and, over all classes, as many synthetic as held-out images of each class. The real images are drawn with the same
    class proportions, otherwise the figures would measure the difference in proportions.

    `held_out` are real images that neither the model nor the embedding was trained on.
    """
    reference = held_out if held_out is not None and len(held_out) else None
    counts_K = np.minimum(_counts(real, classes), _counts(synthetic, classes))
    by_class = {}
    for label, (name, count) in enumerate(zip(classes, counts_K, strict=True)):
        if count:
            class_count_K = np.where(np.arange(len(classes)) == label, count, 0)
            class_NF = real.features_NF[real.labels_N == label]
            by_class[name] = fidelity(class_NF, _subsample(synthetic, class_count_K, seed), neighbours=neighbours)
    if reference is not None:
        counts_K = np.minimum(counts_K, _counts(reference, classes))
    present_K = counts_K > 0
    ratio = min(_counts(real, classes)[present_K] / counts_K[present_K], default=0.0)
    matched_NF = _subsample(real, np.floor(ratio * counts_K + 1e-9).astype(np.int64), seed)
    return FidelityReport(
        embedding=embedding,
        neighbours=neighbours,
        overall=fidelity(matched_NF, _subsample(synthetic, counts_K, seed), neighbours=neighbours),
        held_out=None
        if reference is None
        else fidelity(matched_NF, _subsample(reference, counts_K, seed), neighbours=neighbours),
        by_class=by_class,
    )


def fidelity(
    real_NF: NDArray[np.floating], others_MF: NDArray[np.floating], *, neighbours: int = NEIGHBOURS
) -> Fidelity:
    """Compare features with features of real images, without equalizing the numbers of images."""
    pair = min(len(real_NF), len(others_MF)) >= 2
    manifold = prdc(real_NF, others_MF, neighbours) if min(len(real_NF), len(others_MF)) > neighbours else (None,) * 4
    return Fidelity(
        len(real_NF),
        len(others_MF),
        frechet_distance(real_NF, others_MF) if pair else None,
        kernel_distance(real_NF, others_MF) if pair else None,
        *manifold,
    )


def frechet_distance(a_NF: NDArray[np.floating], b_MF: NDArray[np.floating], *, rows: int = ROWS) -> float:
    """Return the squared Frechet distance of Gaussians fitted to two sets of features (Heusel et al. 2017, eq. 6).

    The trace of the root of the covariances' product is the sum of the singular values of A B', where A'A and B'B are
    the covariances. This avoids a matrix root, which loses digits if there are fewer images than features.

    Args:
        rows: images that are used at a time; the distance does not depend on it.
    """
    a_F, a_RF = _moments(a_NF, rows)
    b_F, b_RF = _moments(b_MF, rows)
    shared = np.linalg.svd(a_RF @ b_RF.T, compute_uv=False).sum()
    distance = ((a_F - b_F) ** 2).sum() + (a_RF**2).sum() + (b_RF**2).sum() - 2 * shared
    return max(0.0, float(distance))


def _moments(a_NF: NDArray[np.floating], rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean (F,) and a root R (at most F, F) of the covariance R'R, by QR of successive blocks of rows."""
    mean_F = a_NF.mean(axis=0, dtype=np.float64)
    root_RF = np.empty((0, a_NF.shape[1]))
    for start in range(0, len(a_NF), rows):
        rows_RF = np.concatenate([root_RF, a_NF[start : start + rows] - mean_F])
        root_RF = np.linalg.qr(rows_RF, mode="r")  # type: ignore[assignment] # numpy's types know one mode
    return mean_F, root_RF / np.sqrt(len(a_NF) - 1)


def kernel_distance(a_NF: NDArray[np.floating], b_MF: NDArray[np.floating], *, rows: int = ROWS // 4) -> float:
    """Return the unbiased squared maximum mean discrepancy under the kernel (x'y / F + 1)^3 (Binkowski et al. 2018).

    All pairs are used, which equals the mean over all subsets.

    Args:
        rows: images that are compared with all others at a time; the distance does not depend on it.
    """
    n, m = len(a_NF), len(b_MF)
    within = _kernel_sum(a_NF, a_NF, True, rows) / (n * (n - 1)) + _kernel_sum(b_MF, b_MF, True, rows) / (m * (m - 1))
    return within - 2 * _kernel_sum(a_NF, b_MF, False, rows) / (n * m)


def _kernel_sum(a_NF: NDArray[np.floating], b_MF: NDArray[np.floating], exclude_self: bool, rows: int) -> float:
    """Return the sum of the kernel over all pairs; `exclude_self` leaves out the diagonal."""
    total = 0.0
    b_MF = b_MF.astype(np.float64) / b_MF.shape[1]
    for start in range(0, len(a_NF), rows):
        part_BF = a_NF[start : start + rows].astype(np.float64)
        kernel_BM = (part_BF @ b_MF.T + 1) ** 3
        total += float(kernel_BM.sum())
        if exclude_self:
            total -= float(kernel_BM[np.arange(len(part_BF)), start + np.arange(len(part_BF))].sum())
    return total


def prdc(
    real_NF: NDArray[np.floating], others_MF: NDArray[np.floating], k: int = NEIGHBOURS
) -> tuple[float, float, float, float]:
    """Return precision, recall, density and coverage; there must be more than `k` of each."""
    real_N, others_M = neighbour_distance(real_NF, k), neighbour_distance(others_MF, k)
    around_M = np.zeros(len(others_MF), np.int64)  # real images that have it within reach
    recalled = covered = 0
    for part, distance_BM in blocks(real_NF, others_MF):
        within_BM = distance_BM <= real_N[part, None]
        around_M += within_BM.sum(axis=0)
        covered += int(within_BM.any(axis=1).sum())
        recalled += int((distance_BM <= others_M).any(axis=1).sum())
    n = len(real_NF)
    return float((around_M > 0).mean()), recalled / n, float(around_M.mean() / k), covered / n


def _counts(images: Embedded, classes: Sequence[str]) -> NDArray[np.int64]:
    return np.bincount(images.labels_N, minlength=len(classes))


def _subsample(images: Embedded, counts_K: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
    rows = []
    for label, count in enumerate(counts_K):
        in_class = np.flatnonzero(images.labels_N == label)
        order = np.random.default_rng(seed_of(seed, "fidelity", label)).permutation(len(in_class))
        rows.append(np.sort(in_class[order[:count]]))
    return images.features_NF[np.concatenate(rows)]

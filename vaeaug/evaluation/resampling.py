"""Small classes enlarged to the size of the largest: by repetition, or by interpolation (SMOTE)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vaeaug.seeds import seed_of

NEIGHBOURS = 5
"""Of an image, towards one of which a new image is set (k of Chawla et al. 2002)."""

MAX_CHUNK_VALUES = 2**23
"""Values of the images that are made at a time, for each of which the arithmetic takes some 12 bytes."""


def oversampled(labels_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return indices of images; those of smaller classes are repeated until all classes have the same size."""
    largest = int(np.bincount(labels_N).max())
    return np.concatenate([np.resize(np.flatnonzero(labels_N == label), largest) for label in np.unique(labels_N)])


def smote(
    pixels_NHWC: NDArray[Any], labels_N: NDArray[np.int64], seed: int, *, chunk_values: int = MAX_CHUNK_VALUES
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the images (first) and new ones of the smaller classes, so that all classes have the same size.

    A new image is x + u (x' - x): x is an image of the class, x' one of its `NEIGHBOURS` nearest neighbours in the
    class by the distance between pixels, and u uniform in [0, 1]. The only image of a class is repeated.

        N. V. Chawla, K. W. Bowyer, L. O. Hall, W. P. Kegelmeyer. SMOTE: Synthetic Minority Over-sampling Technique.
        Journal of Artificial Intelligence Research 16, 2002.

    Args:
        pixels_NHWC: uint8; or features of images, float32 (N, V, D), of which the new ones are not rounded.
        chunk_values: values of the images that are made at a time; it changes no image.
    """
    counts_K = np.bincount(labels_N)
    missing_K = np.where(counts_K > 0, counts_K.max() - counts_K, 0)
    pixels, labels = [pixels_NHWC], [labels_N]
    for label in np.flatnonzero(missing_K):
        class_NHWC = pixels_NHWC[labels_N == label]
        pixels.append(
            _interpolated(class_NHWC, int(missing_K[label]), seed_of(seed, "smote", int(label)), chunk_values)
        )
        labels.append(np.full(missing_K[label], label, labels_N.dtype))
    return np.concatenate(pixels), np.concatenate(labels)


def _interpolated(pixels_NHWC: NDArray[Any], count: int, seed: int, chunk_values: int) -> NDArray[Any]:
    """Return new images between those of one class, in chunks of bounded memory."""
    images, *shape = pixels_NHWC.shape
    if images == 1:
        return np.repeat(pixels_NHWC, count, axis=0)
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415 (costs seconds in every worker, for one arm only)

    rows_ND = pixels_NHWC.reshape(images, -1).astype(np.float32)
    with threadpool_limits(1):  # one thread: the same neighbours, bit for bit, on any number of cores
        search = NearestNeighbors(n_neighbors=min(NEIGHBOURS, images - 1)).fit(rows_ND)
        neighbours_NK = search.kneighbors(return_distance=False)  # of each image, without itself
    rng = np.random.default_rng(seed)
    first_M = rng.integers(images, size=count)
    second_M = neighbours_NK[first_M, rng.integers(neighbours_NK.shape[1], size=count)]
    u_M1 = rng.random((count, 1), dtype=np.float32)
    new_MD = np.empty((count, rows_ND.shape[1]), pixels_NHWC.dtype)
    for chunk in np.array_split(np.arange(count), -(-new_MD.size // chunk_values)):
        x_CD = rows_ND[first_M[chunk]]
        between_CD = x_CD + u_M1[chunk] * (rows_ND[second_M[chunk]] - x_CD)
        new_MD[chunk] = np.rint(between_CD) if pixels_NHWC.dtype == np.uint8 else between_CD
    return new_MD.reshape(count, *shape)

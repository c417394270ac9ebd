"""Classes of few images made as large as the largest: the same images again, or new ones between them (SMOTE)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vaeaug.seeds import seed_of

NEIGHBOURS = 5
"""Of an image, towards one of which a new image is set (k of Chawla et al. 2002)."""

PIECE_VALUES = 2**23
"""Values of the images that SMOTE makes at a time, for each of which its arithmetic takes some 30 bytes."""


def oversampled(labels_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where images stand, those of smaller classes again and again until all have as many as the largest."""
    most = int(np.bincount(labels_N).max())
    return np.concatenate([np.resize(np.flatnonzero(labels_N == label), most) for label in np.unique(labels_N)])


def smote(
    pixels_NHWC: NDArray[np.uint8], labels_N: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images and new ones of the smaller classes, so that all have as many as the largest.

    A new image is x + u (x' - x), with x an image of the class, x' one of its nearest neighbours in the class by the
    distance between pixels, and u uniform in [0, 1]: a cross-fade. Where an image has no more than `NEIGHBOURS` others
    in its class, all are neighbours; one that is alone in its class is shown again.

        N. V. Chawla, K. W. Bowyer, L. O. Hall, W. P. Kegelmeyer. SMOTE: Synthetic Minority Over-sampling Technique.
        Journal of Artificial Intelligence Research 16, 2002.

    Args:
        pixels_NHWC: uint8.
        labels_N: class indices; classes without images stay without.
        seed: of the new images.

    Returns:
        Pixels and labels, the given ones first.
    """
    counts_K = np.bincount(labels_N)
    missing_K = np.where(counts_K > 0, counts_K.max() - counts_K, 0)
    pixels, labels = [pixels_NHWC], [labels_N]
    for label in np.flatnonzero(missing_K):
        mine_NHWC = pixels_NHWC[labels_N == label]
        pixels.append(_between(mine_NHWC, int(missing_K[label]), seed_of(seed, "smote", int(label))))
        labels.append(np.full(missing_K[label], label, labels_N.dtype))
    return np.concatenate(pixels), np.concatenate(labels)


def _between(pixels_NHWC: NDArray[np.uint8], count: int, seed: int) -> NDArray[np.uint8]:
    """Return new images between those of one class, a piece after the other to keep within memory."""
    from imblearn.over_sampling import SMOTE  # noqa: PLC0415 (imports most of scikit-learn, for one arm)

    images, *shape = pixels_NHWC.shape
    if images == 1:
        return np.repeat(pixels_NHWC, count, axis=0)
    # imbalanced-learn wants a second class, which it leaves as it is; and floats, for differences of uint8 wrap around.
    rows_ND = np.concatenate([pixels_NHWC, np.zeros_like(pixels_NHWC[:1])]).reshape(images + 1, -1).astype(np.float32)
    member_N = np.arange(images + 1) < images
    size = max(1, PIECE_VALUES // rows_ND.shape[1])
    made = []
    for first in range(0, count, size):
        wanted = min(size, count - first)
        sampler = SMOTE(
            sampling_strategy={True: images + wanted},
            random_state=seed_of(seed, first) % 2**32,
            k_neighbors=min(NEIGHBOURS, images - 1),
        )
        with threadpool_limits(1):  # one thread: the same neighbours, bit for bit, on any number of cores
            resampled_MD, _ = sampler.fit_resample(rows_ND, member_N)
        made.append(np.rint(resampled_MD[images + 1 :]).astype(np.uint8).reshape(wanted, *shape))
    return np.concatenate(made)

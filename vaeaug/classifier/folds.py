"""Stratified folds, so that what judges an image has not seen it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vaeaug.seeds import seed_of


def stratified_folds(labels_N: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold, 0 ... folds - 1, of each image: every class is spread evenly over them.

    Where a class has fewer images than there are folds, some folds hold none of it out.

    Args:
        labels_N: class indices.
        folds: how many.
        seed: of the order in which images are dealt out.
    """
    fold_N = np.empty(len(labels_N), np.int64)
    for label in np.unique(labels_N):
        mine = np.random.default_rng(seed_of(seed, "folds", int(label))).permutation(np.flatnonzero(labels_N == label))
        # Each class begins at another fold, or small classes would all be held out of the first ones.
        fold_N[mine] = (np.arange(len(mine)) + int(label)) % folds
    return fold_N

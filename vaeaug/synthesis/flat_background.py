"""Classes of images with a background of one colour: icons, drawings, scans, microscopy.

A sum of other images of the class leaves faint outlines on such a background. So a background pixel that is surrounded
by background keeps its value, unless the change is large enough to make it foreground.

A class has a flat background if, in most of its images, at least `MIN_BACKGROUND_FRACTION` of the pixels have the
colour that is most frequent at their borders: more than 0.25 for icons, drawings and clothes (Fashion-MNIST), less than
0.01 for photographs (CIFAR-10).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

NOISE = 8 / 255
"""Greatest distance from the background's colour, in any channel on a scale from 0 to 1, of a pixel that surely is
background: what JPEG compression and a quiet sensor leave."""

FOREGROUND = 3 * NOISE
"""Distance from which on a pixel surely is foreground."""

MIN_BACKGROUND_FRACTION = 0.15
"""Fraction of background pixels that at least half of the images of a class reach."""

SURROUNDINGS = 1 / 28
"""Standard deviation of the Gaussian that weights a pixel's surroundings, as a fraction of the longer side."""

NEAR, FAR = 0.3, 0.6
"""Fraction of background around a background pixel up to which it may change freely, and from which on it is kept."""

KEEP_BELOW, CHANGE_ABOVE = 0.5, 1.0
"""Size of a change, averaged over the surroundings and as a fraction of the contrast, up to which a background pixel is
kept, and from which on it becomes foreground."""

MAX_IMAGES = 64
"""Number of images of a class that are examined, evenly spaced."""

_WORKING_SIDE = 128  # surroundings are averaged at this size at most, because a wide Gaussian is slow
_BINS = 32  # per channel


@dataclass(frozen=True, slots=True)
class FlatBackground:
    """The background of a class.

    Attributes:
        colour_C: float32, in [0, 1], C = 1 or 3.
        contrast: median distance of foreground pixels from it, in the most different channel, in (0, 1].
    """

    colour_C: NDArray[np.float32]
    contrast: float

    def limited(self, x_HWC: NDArray[np.float32], change_HWC: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a change that leaves the background clean: between 0 and the given change at each pixel."""
        height, width = x_HWC.shape[:2]
        background_HW = 1 - _smoothstep(_largest(x_HWC - self.colour_C), NOISE, FOREGROUND)
        scale = min(1.0, _WORKING_SIDE / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        around_hw, change_hwC = (_averaged(part, size) for part in (background_HW, change_HWC))
        moved_hw = _smoothstep(_largest(change_hwC) / self.contrast, KEEP_BELOW, CHANGE_ABOVE)
        kept_hw = _smoothstep(around_hw[..., 0], NEAR, FAR) * (1 - moved_hw)
        kept_HW = background_HW * cv2.resize(kept_hw, (width, height), interpolation=cv2.INTER_LINEAR)
        limited_HWC: NDArray[np.float32] = change_HWC * (1 - kept_HW[..., None])
        return limited_HWC


def flat_background(pixels_NHWC: NDArray[np.uint8], rows_M: NDArray[np.int64]) -> FlatBackground | None:
    """Return the background of a class, or None if its images have no flat background or nothing on it."""
    examined = np.linspace(0, len(rows_M) - 1, min(len(rows_M), MAX_IMAGES)).round().astype(int)
    images_NHWC = pixels_NHWC[rows_M[examined]]
    colour_C = _most_frequent(_borders(images_NHWC))
    distances_NHW = np.stack([_largest(image_HWC.astype(np.float32) / 255 - colour_C) for image_HWC in images_NHWC])
    fraction_N = (distances_NHW <= NOISE).mean(axis=(1, 2))
    foreground = distances_NHW[distances_NHW >= FOREGROUND]
    if np.median(fraction_N) < MIN_BACKGROUND_FRACTION or not len(foreground):
        return None
    return FlatBackground(colour_C, float(np.median(foreground)))


def _borders(images_NHWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the outermost pixels of images, (P, C)."""
    sides = (images_NHWC[:, 0], images_NHWC[:, -1], images_NHWC[:, :, 0], images_NHWC[:, :, -1])
    return np.concatenate([side_NPC.reshape(-1, images_NHWC.shape[3]) for side_NPC in sides])


def _most_frequent(pixels_PC: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the most frequent colour, in [0, 1]: the median of the fullest bin of a coarse histogram."""
    bin_P = np.zeros(len(pixels_PC), np.int64)
    for values_P in pixels_PC.T:
        bin_P = bin_P * _BINS + values_P // (256 // _BINS)
    fullest = np.bincount(bin_P).argmax()
    colour_C: NDArray[np.float32] = (np.median(pixels_PC[bin_P == fullest], axis=0) / 255).astype(np.float32)
    return colour_C


def _averaged(image: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return an image (H, W) or (H, W, C), averaged over the surroundings of each pixel, as (h, w, C)."""
    width, height = size
    if image.shape[:2] != (height, width):
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)
    blurred = cv2.GaussianBlur(image, (0, 0), SURROUNDINGS * max(size))
    return np.asarray(blurred, np.float32).reshape(height, width, -1)


def _largest(difference_HWC: NDArray[np.float32]) -> NDArray[np.float32]:
    largest_HW: NDArray[np.float32] = np.abs(difference_HWC).max(axis=2)
    return largest_HW


def _smoothstep(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """Return 0 up to `low`, 1 from `high` on, and a smooth transition between them."""
    t = np.clip((values - low) / (high - low), 0, 1)
    step: NDArray[np.float32] = t * t * (3 - 2 * t)
    return step

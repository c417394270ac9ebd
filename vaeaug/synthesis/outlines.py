"""Changes of near-binary images: only their outlines move, and not far.

A change of a silhouette that is added as it is leaves pieces of other outlines in its background and holes in its body.
Classes of shapes differ by their outlines, so such changes also teach a classifier that outlines do not matter. Here
the change decides only in which direction, and how far, the outline of the real image moves: each pixel is taken from

    x + sigma c g / (g^2 + c^2)

with s the image smoothed by sigma, on a scale from 0 to 1 between the two levels, g = sigma grad s, and c the change,
smoothed alike. It is the displacement that explains an intensity difference c where the slope is g (the "demons" of
Thirion 1998, Image matching as a diffusion process, eq. 4). It is never longer than sigma / 2, and away from outlines,
where s is constant, it has no effect.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SMOOTHING = 1 / 28
"""sigma, as a fraction of the longer side."""

MAX_CHANGE = 0.4
"""Largest |c|: the largest |g| of a smoothed step, 1 / sqrt(2 pi). A larger c would move an outline less."""

_TINY = 1e-12


def move_outlines(position_HWC: NDArray[np.float32], change_HWC: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a near-binary image with moved outlines.

    Args:
        position_HWC: the real image, 0 at the lower level and 1 at the upper one; its channels are equal.
        change_HWC: what a sampler would add to it, on the same scale.
    """
    height, width = position_HWC.shape[:2]
    sigma = SMOOTHING * max(height, width)
    smooth_HW, change_HW = (
        cv2.GaussianBlur(np.ascontiguousarray(image_HWC.mean(axis=2)), (0, 0), sigma)
        for image_HWC in (position_HWC, change_HWC)
    )
    change_HW = np.clip(change_HW, -MAX_CHANGE, MAX_CHANGE)
    down_HW, right_HW = (sigma * slope_HW for slope_HW in np.gradient(smooth_HW))
    factor_HW = sigma * change_HW / (down_HW**2 + right_HW**2 + change_HW**2 + _TINY)
    y_HW, x_HW = np.mgrid[:height, :width].astype(np.float32)
    moved_HWC = cv2.remap(
        position_HWC,
        (x_HW + factor_HW * right_HW).astype(np.float32),
        (y_HW + factor_HW * down_HW).astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    ).reshape(position_HWC.shape)  # of one channel, OpenCV drops the axis
    within_HWC: NDArray[np.float32] = np.clip(moved_HWC, position_HWC.min(), position_HWC.max())
    return within_HWC

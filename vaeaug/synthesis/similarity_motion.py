"""Changes of near-binary images: a small motion of the whole image.

Adding a change to a silhouette would leave pieces of other outlines, and bending its outline would blur what
distinguishes classes of shapes. So the change only determines how the image moves: by the shift t, rotation r and
growth g that explain most of it,

    min over t, r, g of  sum over pixels of (grad s . u - c)^2,    u(x, y) = t + g (x, y) + r (-y, x),

with s the smoothed image and c the smoothed change (Lucas & Kanade, IJCAI 1981; one step, with parametric motion as in
Bergen et al., ECCV 1992). Interpolation softens edges, so contrast is raised until gray is as rare as before.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SMOOTHING = 1 / 28
"""Standard deviation of the smoothing, as a fraction of the longer side."""

MAX_MOTION = 0.04
"""Largest displacement of a pixel, as a fraction of the longer side; a longer one is shortened as a whole. Three times
as much cost 0.4 +- 0.4 points beside full classical augmentation (docs/benchmarks.md)."""

DAMPING = 0.02
"""Weight of the squares of t, g and r in the sum, as a fraction of their mean weight there (ridge regression)."""

MAX_GAIN = 4.0
"""Largest factor by which contrast is raised."""

_BISECTIONS = 8
_WORKING_SIDE = 128  # at which a motion is found: finer detail does not change it
_TINY = 1e-12


def moved(position_HWC: NDArray[np.float32], change_HWC: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a near-binary image, 0 at the lower level and 1 at the upper one, moved by what a sampler would add."""
    height, width = position_HWC.shape[:2]
    right, down, growth, turn = _motion(position_HWC, change_HWC)
    # A pixel at (x, y) is taken from (x, y) + u, with x and y counted from the centre.
    inverse_23 = np.array([[1 + growth, -turn, 0], [turn, 1 + growth, 0]])
    centre = np.array([width - 1, height - 1]) / 2
    inverse_23[:, 2] = centre + max(height, width) / 2 * np.array([right, down]) - inverse_23[:, :2] @ centre
    result = cv2.warpAffine(
        position_HWC,
        inverse_23,
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    ).reshape(position_HWC.shape)  # of one channel, OpenCV drops the axis
    return as_sharp(np.clip(result, position_HWC.min(), position_HWC.max()), position_HWC)


def _motion(position_HWC: NDArray[np.float32], change_HWC: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the shifts to the right and down, in halves of the longer side, the growth, and the turn in radians."""
    s_HW, c_HW = (_smooth(image_HWC) for image_HWC in (position_HWC, change_HWC))
    height, width = s_HW.shape
    half = max(height, width) / 2  # the unit of lengths, in which the four weigh about alike
    y_HW, x_HW = np.mgrid[:height, :width].astype(np.float64)
    x_HW, y_HW = (x_HW - (width - 1) / 2) / half, (y_HW - (height - 1) / 2) / half
    down_HW, right_HW = (half * slope_HW for slope_HW in np.gradient(s_HW.astype(np.float64)))
    # The slopes along the four: each column is grad s . u of a unit.
    columns = (right_HW, down_HW, right_HW * x_HW + down_HW * y_HW, down_HW * x_HW - right_HW * y_HW)
    design_N4 = np.stack(columns, axis=-1).reshape(-1, 4)
    normal_44 = design_N4.T @ design_N4
    damping = DAMPING * np.trace(normal_44) / 4 + _TINY
    motion_4: NDArray[np.float64] = np.linalg.solve(normal_44 + damping * np.eye(4), design_N4.T @ c_HW.ravel())
    right, down, growth, turn = np.abs(motion_4)
    longest = np.hypot(right, down) + np.hypot(growth, turn) * np.hypot(height, width) / (2 * half)
    return motion_4 * min(1.0, 2 * MAX_MOTION / max(float(longest), _TINY))


def _smooth(image_HWC: NDArray[np.float32]) -> NDArray[np.float32]:
    image_HW = np.ascontiguousarray(image_HWC.mean(axis=2))
    height, width = image_HW.shape
    factor = _WORKING_SIDE / max(height, width)
    if factor < 1:
        size = (max(1, round(factor * width)), max(1, round(factor * height)))
        image_HW = np.asarray(cv2.resize(image_HW, size, interpolation=cv2.INTER_AREA), np.float32)
    smooth_HW: NDArray[np.float32] = np.asarray(cv2.GaussianBlur(image_HW, (0, 0), SMOOTHING * max(image_HW.shape)))
    return smooth_HW


def as_sharp(image_HWC: NDArray[np.float32], source_HWC: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image with contrast raised around 1/2 until it has no more gray than its source (bisection)."""
    max_gray = _gray(source_HWC)
    low, high = 1.0, MAX_GAIN
    if _gray(image_HWC) <= max_gray:
        return image_HWC
    for _ in range(_BISECTIONS):
        gain = (low + high) / 2
        if _gray(_raised(image_HWC, gain)) > max_gray:
            low = gain
        else:
            high = gain
    return _raised(image_HWC, high)


def _raised(image_HWC: NDArray[np.float32], gain: float) -> NDArray[np.float32]:
    """Return values between 0 and 1 moved away from 1/2, the others as they are."""
    inside_HWC = np.clip(image_HWC, 0, 1)
    raised_HWC: NDArray[np.float32] = np.clip(0.5 + gain * (inside_HWC - 0.5), 0, 1) + (image_HWC - inside_HWC)
    return raised_HWC


def _gray(image_HWC: NDArray[np.float32]) -> float:
    """Return the mean of p (1 - p): 0 if every pixel is at one of the levels."""
    inside_HWC = np.clip(image_HWC, 0, 1)
    return float((inside_HWC * (1 - inside_HWC)).mean())

"""Changes of near-binary images: a small affine motion of the whole image.

A change of a silhouette that is added as it is leaves pieces of other outlines in its background and holes in its body.
Even one that only bends its outline blurs what tells classes of shapes apart. Here the change decides how the image
moves instead: by the affine displacement u(x) = t + A x that explains most of it,

    min over t, A of  sum over pixels of (grad s . u - c)^2,

with s the smoothed image and c the smoothed change (B. D. Lucas, T. Kanade. An iterative image registration technique
with an application to stereo vision. IJCAI 1981; one step, with the affine model of J. R. Bergen et al. Hierarchical
model-based motion estimation. ECCV 1992). So a silhouette is shifted, turned, scaled and sheared towards others of its
class, and lines stay straight. Interpolation softens edges, so contrast is raised until gray is as rare as before.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SMOOTHING = 1 / 28
"""Standard deviation of the smoothing, as a fraction of the longer side."""

MAX_MOTION = 0.12
"""Largest displacement of a pixel, as a fraction of the longer side; a longer one is shortened as a whole."""

DAMPING = 0.02
"""Weight of |t|^2 + |A|^2 in the sum, as a fraction of the mean weight of their components (ridge regression)."""

MAX_GAIN = 4.0
"""Largest factor by which contrast is raised."""

_BISECTIONS = 8
_TINY = 1e-12


def moved(position_HWC: NDArray[np.float32], change_HWC: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a near-binary image, moved.

    Args:
        position_HWC: the real image, 0 at the lower level and 1 at the upper one; its channels are equal.
        change_HWC: what a sampler would add to it, on the same scale.
    """
    height, width = position_HWC.shape[:2]
    side = max(height, width)
    s_HW, c_HW = (
        cv2.GaussianBlur(np.ascontiguousarray(image_HWC.mean(axis=2)), (0, 0), SMOOTHING * side)
        for image_HWC in (position_HWC, change_HWC)
    )
    down_HW, right_HW = np.gradient(s_HW)
    y_HW, x_HW = np.mgrid[:height, :width].astype(np.float32)
    basis_3HW = np.stack([np.ones_like(x_HW), (2 * x_HW - width + 1) / side, (2 * y_HW - height + 1) / side])
    design_N6 = np.concatenate([right_HW * basis_3HW, down_HW * basis_3HW]).reshape(6, -1).T.astype(np.float64)
    normal_66 = design_N6.T @ design_N6
    damping = DAMPING * np.trace(normal_66) / 6 + _TINY
    motion_6 = np.linalg.solve(normal_66 + damping * np.eye(6), design_N6.T @ c_HW.ravel().astype(np.float64))
    right_HW, down_HW = np.tensordot(motion_6.reshape(2, 3), basis_3HW, 1)
    shorter = min(1.0, MAX_MOTION * side / max(float(np.hypot(right_HW, down_HW).max()), _TINY))
    result = cv2.remap(
        position_HWC,
        (x_HW + shorter * right_HW).astype(np.float32),
        (y_HW + shorter * down_HW).astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    ).reshape(position_HWC.shape)  # of one channel, OpenCV drops the axis
    return _as_sharp(np.clip(result, position_HWC.min(), position_HWC.max()), position_HWC)


def _as_sharp(image_HWC: NDArray[np.float32], source_HWC: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image whose contrast around 1/2 is raised until it has no more gray than its source (bisection)."""
    most = _gray(source_HWC)
    low, high = 1.0, MAX_GAIN
    if _gray(image_HWC) <= most:
        return image_HWC
    for _ in range(_BISECTIONS):
        gain = (low + high) / 2
        if _gray(_raised(image_HWC, gain)) > most:
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
    """Return the mean of p (1 - p): 0 where every pixel is at one of the levels."""
    inside_HWC = np.clip(image_HWC, 0, 1)
    return float((inside_HWC * (1 - inside_HWC)).mean())

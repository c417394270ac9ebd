"""Blend a completion into an image without a visible seam: only pixels in the hole are changed.

The residual (visible pixels minus completion) is extended into the hole:

- `feather`: the residual of the nearest visible pixel, smoothed and faded out over a few pixels.
- `poisson`: the harmonic function with that residual on the hole's edge, which keeps all gradients of the completion
  (Perez et al. 2003, eq. 2 to 4).
- `none`: no correction.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vaeaug.inpainting.nearest import nearest_visible

BLENDS = ("feather", "poisson", "none")

FADE = 4.0
"""Pixels of the model over which `feather` fades."""

_SMOOTH = 1.0
"""Standard deviation in pixels of the model of what smooths the residual."""

_MAX_STEPS, _TOLERANCE = 2000, 1e-4
"""Of the conjugate gradients; a level of an 8-bit image is 4e-3."""


def blend(
    visible_HWC: NDArray[np.float32],
    completion_HWC: NDArray[np.float32],
    missing_HW: NDArray[np.bool_],
    method: str,
    scale: float = 1.0,
) -> NDArray[np.float32]:
    """Return the completion inside the holes, without a seam, and the visible pixels elsewhere; values in [0, 1].

    Args:
        visible_HWC: values in [0, 1]; the content of its holes is ignored.
        scale: image pixels per model pixel, which sets the width of the seam.
    """
    missing_HW1 = missing_HW[..., None]
    if method == "none" or missing_HW.all() or not missing_HW.any():
        return np.where(missing_HW1, completion_HWC, visible_HWC)
    residual_HWC = np.where(missing_HW1, np.float32(0), visible_HWC - completion_HWC)
    if method == "poisson":
        correction_HWC = _harmonic(residual_HWC, missing_HW)
    else:
        correction_HWC = _fading(residual_HWC, missing_HW, max(scale, 1.0))
    return np.where(missing_HW1, (completion_HWC + correction_HWC).clip(0, 1), visible_HWC)


def _fading(residual_HWC: NDArray[np.float32], missing_HW: NDArray[np.bool_], scale: float) -> NDArray[np.float32]:
    """Carry the nearest residual into the hole, smoothed, fading linearly."""
    index_HW, distance_HW = nearest_visible(missing_HW)
    nearest_HWC = residual_HWC.reshape(-1, residual_HWC.shape[2])[index_HW]
    smooth = cv2.GaussianBlur(nearest_HWC, (0, 0), _SMOOTH * scale, borderType=cv2.BORDER_REPLICATE)
    weight_HW = (1 - (distance_HW - 1) / np.float32(FADE * scale)).clip(0, 1)
    correction_HWC: NDArray[np.float32] = smooth.reshape(residual_HWC.shape) * weight_HW[..., None]
    return correction_HWC


def _harmonic(residual_HWC: NDArray[np.float32], missing_HW: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Solve Laplace's equation in the hole, with the residual next to it and no flow over the image's border."""
    rows, columns = np.flatnonzero(missing_HW.any(axis=1)), np.flatnonzero(missing_HW.any(axis=0))
    box = np.s_[max(rows[0] - 1, 0) : rows[-1] + 2, max(columns[0] - 1, 0) : columns[-1] + 2]
    free_HW1 = missing_HW[box][..., None].astype(np.float64)
    known_HWC = residual_HWC[box].astype(np.float64)
    target = -free_HW1 * _laplacian(known_HWC)
    solution, step = np.zeros_like(known_HWC), target.copy()
    remaining = target.copy()
    power = (remaining**2).sum(axis=(0, 1))
    for _ in range(_MAX_STEPS):  # conjugate gradients, each channel by itself
        if np.abs(remaining).max() < _TOLERANCE:
            break
        applied = free_HW1 * _laplacian(step)
        length = power / np.maximum((step * applied).sum(axis=(0, 1)), 1e-30)
        solution += length * step
        remaining -= length * applied
        power, before = (remaining**2).sum(axis=(0, 1)), power
        step = remaining + power / np.maximum(before, 1e-30) * step
    correction_HWC = np.zeros_like(residual_HWC)
    correction_HWC[box] = solution
    return correction_HWC


def _laplacian(values_HWC: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.zeros_like(values_HWC)
    for axis in (0, 1):
        difference = np.diff(values_HWC, axis=axis)
        lower, upper = (np.s_[:-1], np.s_[1:]) if axis == 0 else (np.s_[:, :-1], np.s_[:, 1:])
        result[lower] -= difference
        result[upper] += difference
    return result

"""For every pixel the nearest visible one."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def nearest_visible(missing_HW: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the flat index of every pixel's nearest visible pixel, (H, W), and its distance in pixels, (H, W).

    Distances are Euclidean within 2 % (Borgefors 1986, a mask of 5x5). At least one pixel must be visible.
    """
    distance_HW, label_HW = cv2.distanceTransformWithLabels(
        missing_HW.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    visible = np.flatnonzero(~missing_HW.reshape(-1))
    index = np.empty(label_HW.max() + 1, dtype=np.int64)
    index[label_HW.reshape(-1)[visible]] = visible
    return index[label_HW], np.asarray(distance_HW, dtype=np.float32)


def extended(values_HWC: NDArray[np.float32], missing_HW: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return an image whose holes are filled with the nearest visible value; all 0 if nothing is visible."""
    if missing_HW.all():
        return np.zeros_like(values_HWC)
    index_HW, _ = nearest_visible(missing_HW)
    return values_HWC.reshape(-1, values_HWC.shape[2])[index_HW]

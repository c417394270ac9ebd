"""A real image deformed at its own size by a smooth field that was learned at a smaller one."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class ImageDeformation:
    """How one image is deformed; see `vaeaug.Deformation`.

    Attributes:
        displacement_HW2: to the right and down, as fractions of the width and the height, on a coarse grid.
        log_gain_HW: on the same grid, or None.
    """

    displacement_HW2: NDArray[np.float32]
    log_gain_HW: NDArray[np.float32] | None = None

    def moved(
        self, x_HWC: NDArray[np.float32], alpha_HW: NDArray[np.uint8] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8] | None]:
        """Return the moved colours and opacity, without the gain (bicubic; the border continues outside).

        Colours stay within the range of the image. The colours of transparent pixels do not enter those of visible
        ones, because colours are weighted by their opacity.
        """
        height, width = x_HWC.shape[:2]
        places = self._places(height, width)
        if alpha_HW is None:
            moved_HWC = np.clip(_remapped(x_HWC, places, cv2.INTER_CUBIC), x_HWC.min(), x_HWC.max())
            moved_alpha_HW = None
        else:
            opacity_HW1 = alpha_HW[..., None].astype(np.float32) / np.float32(255)
            moved_opacity_HW1 = _remapped(opacity_HW1, places, cv2.INTER_LINEAR)
            weighted_HWC = _remapped(x_HWC * opacity_HW1, places, cv2.INTER_LINEAR)
            plain_HWC = _remapped(x_HWC, places, cv2.INTER_LINEAR)
            visible = moved_opacity_HW1 > 0
            moved_HWC = np.where(visible, weighted_HWC / np.where(visible, moved_opacity_HW1, 1), plain_HWC)
            moved_alpha_HW = np.round(moved_opacity_HW1[..., 0] * 255).astype(np.uint8)
        return moved_HWC, moved_alpha_HW

    def gained(self, moved_HWC: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return moved colours times the gain; values may exceed 1."""
        if self.log_gain_HW is None:
            return moved_HWC
        gain_HW: NDArray[np.float32] = np.exp(_resized(self.log_gain_HW, *moved_HWC.shape[:2]))
        return moved_HWC * gain_HW[..., None]

    def _places(self, height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return where each pixel is taken from: columns and rows."""
        displacement_HW2 = _resized(self.displacement_HW2, height, width)
        rows_HW, columns_HW = np.mgrid[:height, :width].astype(np.float32)
        return columns_HW + width * displacement_HW2[..., 0], rows_HW + height * displacement_HW2[..., 1]


def _resized(field: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _remapped(
    image_HWC: NDArray[np.float32], places: tuple[NDArray[np.float32], NDArray[np.float32]], interpolation: int
) -> NDArray[np.float32]:
    remapped = cv2.remap(image_HWC, *places, interpolation=interpolation, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(remapped, np.float32).reshape(image_HWC.shape)  # of one channel, OpenCV drops the axis

"""Drawn images of more than 8 bits: what a decoder shows, as the values of a 16-bit gray file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vaeaug.dataset.levels import Levels


def sixteen_bit_pixels(
    pixels_HWC: NDArray[Any], height: int, width: int, levels: Levels, value_range: tuple[int, int]
) -> NDArray[np.uint16]:
    """Return a generated image (uint8, or float32 in [0, 1]) as uint16 (height, width, 1), clipped to `value_range`."""
    shades_HW = pixels_HWC.astype(np.float32).mean(axis=2)
    if pixels_HWC.dtype == np.uint8:
        shades_HW /= 255
    image = Image.fromarray(shades_HW)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return levels.from_shades(np.asarray(image)[..., None], value_range)

"""The values of gray image files of more than 8 bits, as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, SAMPLEFORMAT, TiffImageFile

from vaeaug.dataset.levels import DeepValues
from vaeaug.dataset.opening import UnreadableImageError

DEEP_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
"""Pillow's modes of gray images of more than 8 bits."""

_UNSIGNED_16_AS_32 = frozenset({"PNG", "PPM", "JPEG2000"})  # formats whose 16 bits Pillow may open in mode I
_UNSIGNED = 1  # TIFF 6.0, section 19: SampleFormat of unsigned integers, the default
_MIN_IS_WHITE = 0


def deep_values(image: Image.Image) -> DeepValues:
    """Return the values of a loaded image of one of `DEEP_MODES`, larger is brighter; none may be NaN or infinite."""
    values_HW: NDArray[Any] = np.asarray(image)
    unsigned_16 = image.mode.startswith("I;16") or (image.mode == "I" and image.format in _UNSIGNED_16_AS_32)
    if unsigned_16:
        values_HW = values_HW.astype(np.uint16, copy=False)
    elif image.mode == "F" and not np.isfinite(values_HW).all():
        raise UnreadableImageError("some of its values are not numbers (NaN or infinity)")
    if isinstance(image, TiffImageFile):
        if image.mode == "I" and image.tag_v2.get(SAMPLEFORMAT, (_UNSIGNED,))[0] == _UNSIGNED:
            values_HW = values_HW.view(np.uint32)
        if unsigned_16 and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == _MIN_IS_WHITE:
            (bits,) = image.tag_v2.get(BITSPERSAMPLE, (16,))
            values_HW = np.uint16((1 << bits) - 1) - values_HW
    return DeepValues(values_HW, unsigned_16)

"""PNG files that show where an image differs from its reconstruction."""

from __future__ import annotations

import io
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vaeaug.export.layout import cut_name

if TYPE_CHECKING:
    from numpy.typing import NDArray


def map_name(file_name: str) -> str:
    """Return the path of the map of an image, relative to OUT: `maps/<file_name>.png`; the image's suffix is kept."""
    path = PurePosixPath("maps", file_name)
    return path.with_name(cut_name(path.name, ".png")).as_posix()


def encode_error_map(error_HW: NDArray[np.float32], height: int, width: int) -> bytes:
    """Return a gray PNG of absolute errors in [0, 1], resized (bilinear) to the size of the image's file."""
    errors = Image.fromarray(np.ascontiguousarray(error_HW, dtype=np.float32))
    if errors.size != (width, height):
        errors = errors.resize((width, height), Image.Resampling.BILINEAR)
    levels_HW = np.clip(np.round(255 * np.asarray(errors)), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(levels_HW).save(buffer, "PNG")
    return buffer.getvalue()

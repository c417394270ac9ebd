"""Animations, of which the first frame is completed."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.opening import UnreadableImageError, opened
from vaeaug.inpainting.files.opening import CompletedFile
from vaeaug.inpainting.files.provenance import Provenance
from vaeaug.inpainting.files.samples import Samples

_UNMARKED = Provenance({}, "")


def check_later_frames(file: CompletedFile, samples: Samples, missing_HW: NDArray[np.bool_]) -> None:
    """Raise UnreadableImageError if later frames of an animation show parts of the first frame inside the holes."""
    shape_HWC = (*missing_HW.shape, 3)
    filled = (samples.filled(missing_HW, np.full(shape_HWC, level, dtype=np.float32)) for level in (0.0, 1.0))
    dark, bright = (file.rewritten({0: values}, _UNMARKED) for values in filled)
    for number, (one, other) in enumerate(zip(_later_frames(dark), _later_frames(bright), strict=True), start=2):
        if one != other:
            raise UnreadableImageError(
                f"it is an animation, and the holes of its first frame would show in frame {number}, which stores "
                "only the pixels that change; save its frames as separate files, each with a mask"
            )


def _later_frames(data: bytes) -> Iterator[bytes]:
    with opened(data, math.inf) as image:
        for number in range(1, getattr(image, "n_frames", 1)):
            image.seek(number)
            yield image.convert("RGBA").tobytes()

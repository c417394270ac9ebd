"""Classes of constant images: all identical, or each a single flat colour. No model can learn from them."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.image_cache import ImageCache
from vaeaug.errors import quoted

_CHUNK = 256  # images compared at a time


class Constant(Enum):
    """How the images of a class are constant; the value completes "all images of the class are"."""

    BLACK = "black"
    IDENTICAL = "identical"
    FLAT = "a single flat colour each"


def constant_class(pixels_NHWC: NDArray[np.uint8], indices_N: NDArray[np.int64]) -> Constant | None:
    """Return how some images (at least one) are constant, or None."""
    first_HWC = np.asarray(pixels_NHWC[indices_N[0]])
    flat, identical = True, len(indices_N) > 1
    for start in range(0, len(indices_N), _CHUNK):
        chunk_BHWC = pixels_NHWC[indices_N[start : start + _CHUNK]]
        flat = flat and bool((chunk_BHWC == chunk_BHWC[:, :1, :1]).all())
        identical = identical and bool((chunk_BHWC == first_HWC).all())
        if not (flat or identical):
            return None
    if flat and identical and not first_HWC.any():
        return Constant.BLACK
    return Constant.IDENTICAL if identical else Constant.FLAT


def constant_warnings(cache: ImageCache) -> list[str]:
    """Return a warning for each kind of constant training images at the cache's size."""
    kinds = {label: constant_class(cache.pixels_NHWC, cache.indices("train", label)) for label in cache.classes}
    _, height, width, _ = cache.pixels_NHWC.shape
    warnings = []
    for kind in Constant:
        labels = [label for label, found in kinds.items() if found is kind]
        if not labels:
            continue
        if len(labels) == len(kinds):
            subject = "all classes" if len(labels) > 1 else f"the only class {labels[0]!r}"
        else:
            subject = f"the class{'es' if len(labels) > 1 else ''} {quoted(labels)}"
        warnings.append(
            f"all training images of {subject} are {kind.value}{' within each' if _per_class(kind, labels) else ''} "
            f"(at {width}x{height} pixels), so a model cannot learn anything from them; check that these are the "
            "right files"
        )
    return warnings


def _per_class(kind: Constant, labels: list[str]) -> bool:
    return kind is Constant.IDENTICAL and len(labels) > 1

"""Holes from a COCO annotation file: everything annotated is missing, whatever its category.

Annotations outline pixels (`segmentation`) by polygons, edges included, or by run lengths in either of COCO's forms, or
else by a `bbox`. `file_name` is the path of an image relative to the folder of images, or the end of that path if it is
unique. Other image sizes follow the rule of `masks`. Format: cocodataset.org; `rleFrString` in its `maskApi.c`.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.decode import UnreadableImageError
from vaeaug.errors import InputError
from vaeaug.inpainting.masks import resized
from vaeaug.inpainting.picture import Picture
from vaeaug.inpainting.sources import Holes

_SUBPIXEL_BITS = 4
_COORDINATE_BITS = 24  # so that a coordinate in parts of pixels fits into OpenCV's 32 bits

MAX_PIXELS = 2**28
"""Of an image that a file may speak of: more than any image that is read has."""

_DAMAGED = (ValueError, KeyError, TypeError, IndexError, OverflowError, AttributeError)
"""Exceptions raised by damaged annotations."""


class CocoFile:
    """The annotations of a COCO file; raises InputError if it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            images, annotations = values["images"], values["annotations"]
            self._by_name: dict[str, dict[str, Any]] = {str(image["file_name"]): image for image in images}
            self._annotated: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
            for annotation in annotations:
                self._annotated[annotation["image_id"]].append(annotation)
            self._check_complete()
        except OSError as error:
            raise InputError(f"the COCO file {path} cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise InputError(
                f"{path} is not a COCO annotation file ({reason}); such a file has `images` and `annotations`"
            ) from None

    def holes(self, file_name: str, picture: Picture) -> Holes:
        """Return the annotated pixels of an image; UnreadableImageError if an annotation is damaged or does not fit."""
        if picture.page:  # COCO has no pages: annotations are of the first one
            return Holes(np.zeros(picture.size, dtype=np.bool_), "")
        image = self._by_name.get(file_name) or self._by_name.get(PurePosixPath(file_name).name)
        if image is None or not self._annotated.get(image["id"]):
            return Holes(np.zeros(picture.size, dtype=np.bool_), "")
        try:
            height, width = _size(image, picture)
            missing_HW = np.zeros((height, width), dtype=np.bool_)
            for annotation in self._annotated[image["id"]]:
                missing_HW |= annotation_mask(annotation, height, width)
        except _DAMAGED as error:
            raise UnreadableImageError(f"its annotation in {self.path.name} is damaged ({error})") from error
        return Holes(resized(missing_HW, *picture.size), self.path.name)

    def check_unambiguous(self, file_names: Sequence[str]) -> None:
        """Raise InputError if several images match one name of the COCO file."""
        ending: defaultdict[str, list[str]] = defaultdict(list)
        for name in file_names:
            if name not in self._by_name:
                ending[PurePosixPath(name).name].append(name)
        for name, found in ending.items():
            if name in self._by_name and len(found) > 1:
                raise InputError(
                    f"{self.path.name} names {name!r}, but both {found[0]} and {found[1]} end with it; write paths "
                    "relative to the folder of images into file_name"
                )

    def no_holes_message(self) -> str:
        """Return the error message if no image has a hole."""
        first = next(iter(self._by_name), None)
        names = "it lists no images" if first is None else f"its first file_name is {first!r}"
        return f"{self.path} annotates none of the images ({names}); file_name is relative to the folder of images"

    def _check_complete(self) -> None:
        """Check that all parts that are needed later exist; `__init__` reports the exceptions as damage."""
        for image in self._by_name.values():
            hash(image["id"])


def annotation_mask(annotation: dict[str, Any], height: int, width: int) -> NDArray[np.bool_]:
    """Return the pixels of one annotation, shape (height, width); damaged ones raise the usual exceptions of Python."""
    outline = annotation.get("segmentation")
    if isinstance(outline, dict):
        rows, columns = outline["size"]
        counts = outline["counts"]
        lengths = counts if isinstance(counts, list) else decode_counts(str(counts))
        return run_lengths(lengths, int(rows), int(columns), (height, width))
    if outline and any(outline):  # editors leave empty polygons behind
        return _polygons(outline, height, width)
    x, y, across, down = (float(value) for value in annotation["bbox"])
    mask_HW = np.zeros((height, width), dtype=np.bool_)
    mask_HW[max(math.floor(y), 0) : math.ceil(y + down), max(math.floor(x), 0) : math.ceil(x + across)] = True
    return mask_HW


def _size(image: dict[str, Any], picture: Picture) -> tuple[int, int]:
    stated = [image.get("height"), image.get("width")]
    height, width = (
        actual if value is None else int(value) for value, actual in zip(stated, picture.size, strict=True)
    )
    if min(height, width) < 1 or height * width > MAX_PIXELS:
        raise ValueError(f"its size is {width}x{height}")
    return height, width


def run_lengths(lengths: Sequence[int], rows: int, columns: int, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return a mask from run lengths: zeros and ones in turn, zeros first, column by column; ValueError if damaged."""
    if (rows, columns) != size:
        raise ValueError(f"run lengths of {columns}x{rows} for an image of {size[1]}x{size[0]}")
    if sum(lengths) != rows * columns or min(lengths) < 0:
        raise ValueError(f"run lengths of {sum(lengths)} pixels for {rows * columns}")
    flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return flat.reshape(columns, rows).T.copy()


def decode_counts(text: str) -> list[int]:
    """Return the run lengths of COCO's compressed form; ValueError if it is damaged.

    Five bits per character (its code less 48), low ones first; the sixth bit means that more follow, and the fifth bit
    of the last character is the sign. From the fourth number on, each is the difference to the number two before.
    """
    lengths: list[int] = []
    number, shift = 0, 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise ValueError(f"run lengths have the character {character!r}")
        number |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            number -= 1 << shift
        lengths.append(number + lengths[-2] if len(lengths) > 2 else number)
        number, shift = 0, 0
    if shift:
        raise ValueError("run lengths are truncated")
    return lengths


def _polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> NDArray[np.bool_]:
    """Return the pixels in any of some polygons, each x, y, x, y, ... in pixels from the corner of the image."""
    mask_HW = np.zeros((height, width), dtype=np.uint8)
    limit = float(2**_COORDINATE_BITS)
    for polygon in filter(len, polygons):
        corners = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
        if not (np.abs(corners) < limit).all():
            raise ValueError("a polygon has a corner with invalid coordinates")
        # OpenCV counts from the centre of the first pixel.
        points = np.round((corners - 0.5) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillPoly(mask_HW, [points], (1,), shift=_SUBPIXEL_BITS)
    return mask_HW.astype(np.bool_)

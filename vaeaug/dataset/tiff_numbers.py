"""Numeric TIFF files that Pillow does not read: 64-bit, big-endian unsigned 32-bit, signed 8-bit.

NumPy users write them (`tifffile.imwrite` of a float64 array). OpenCV decodes them into images of floats.
"""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    IMAGELENGTH,
    IMAGEWIDTH,
    SAMPLEFORMAT,
    SAMPLESPERPIXEL,
    ImageFileDirectory_v2,
)

_INT, _FLOAT = 2, 3  # TIFF 6.0, section 19: SampleFormat; 1 is unsigned
_READ = frozenset({(8, _INT), (32, 1), (32, _INT), (32, _FLOAT), (64, 1), (64, _INT), (64, _FLOAT)})
_KINDS = {1: "unsigned", _INT: "signed", _FLOAT: "float"}
_MAX_PAGES = 10_000


class NumbersError(Exception):
    """Such a TIFF is not supported either; the message says what it contains."""


def is_signed_8_bit(image: Image.Image) -> bool:
    """Return whether an image is a TIFF whose signed bytes Pillow takes for unsigned ones."""
    tags = getattr(image, "tag_v2", {})
    return image.mode == "L" and tags.get(SAMPLEFORMAT) == (_INT,)


class TiffNumbers:
    """The first page of a numeric TIFF, not yet decoded.

    Attributes:
        size: width and height, as stored.
    """

    def __init__(self, data: bytes) -> None:
        """Read the tags of a TIFF file; raise NumbersError if its pixels are not supported, or Pillow's errors."""
        self._data = data
        pages = _pages(data)
        tags = pages[0]
        self._frames = len(pages)
        self._orientation = tags.get(ExifTags.Base.Orientation, 1)
        self.size: tuple[int, int] = (tags[IMAGEWIDTH], tags[IMAGELENGTH])
        bits, kinds = tags.get(BITSPERSAMPLE, (1,)), tags.get(SAMPLEFORMAT, (1,))
        samples = tags.get(SAMPLESPERPIXEL, 1)
        if samples != 1 or (bits[0], kinds[0]) not in _READ:
            kind = _KINDS.get(kinds[0], "other")
            raise NumbersError(
                f"a TIFF image of {samples} x {bits[0]}-bit {kind} values per pixel, which is not supported; save it "
                "as 8-bit RGB or gray, or as 16-bit gray"
            )

    def decode(self) -> Image.Image:
        """Return the image in mode `F`, its orientation in its EXIF; raise ValueError if the file is damaged."""
        values = cv2.imdecode(np.frombuffer(self._data, np.uint8), cv2.IMREAD_UNCHANGED)
        if values is None:
            raise ValueError("the file is truncated or damaged")
        image = Image.fromarray(values.astype(np.float32))
        image.format = "TIFF"
        image.getexif()[ExifTags.Base.Orientation] = self._orientation
        setattr(image, "n_frames", self._frames)  # noqa: B010 (Pillow's images of files have it)
        return image


def _pages(data: bytes) -> list[Any]:
    stream = io.BytesIO(data)
    header = stream.read(16 if data[2:3] == b"\x2b" or data[3:4] == b"\x2b" else 8)
    pages: list[Any] = []
    tags = ImageFileDirectory_v2(header)
    seen: set[int] = set()
    while tags.next and tags.next not in seen and len(pages) < _MAX_PAGES:
        seen.add(tags.next)
        stream.seek(tags.next)
        following = ImageFileDirectory_v2(header)
        following.load(stream)
        pages.append(following)
        tags = following
    return pages

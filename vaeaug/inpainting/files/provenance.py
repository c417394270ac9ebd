"""What is written into a completed file about itself, and what its source says about its orientation."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import ExifTags, Image


@dataclass(frozen=True, slots=True)
class Provenance:
    """The mark of a completed image.

    Attributes:
        text: keyword -> value, for formats with texts (PNG).
        packet: an XMP packet that says the same: one `rdf:Description`.
    """

    text: Mapping[str, str]
    packet: str


def orientation_of(data: bytes) -> int:
    """Return the EXIF orientation of an image file, 1 to 8, as its decoder applies it; 1 where it says nothing."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except (SyntaxError, ValueError, OSError, KeyError, TypeError, struct.error):
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1

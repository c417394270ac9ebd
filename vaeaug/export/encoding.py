"""Formats of synthetic images and of rewritten copies: PNG, JPEG and WebP files, each with its provenance mark.

In JPEG and WebP files the fields of PNG text chunks are XMP properties (`source_type`; XMP Specification, Part 3). JPEG
files are baseline with standard Huffman tables, which every reader decodes.
"""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from vaeaug.dataset.jpeg_tables import JpegTables
from vaeaug.dataset.mark import JPEG_XMP
from vaeaug.export.png import Mode, encode_png, fitted, is_complete_png
from vaeaug.export.source_type import packet_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from vaeaug.dataset.palette import IndexedColours

Format = Literal["PNG", "JPEG", "WEBP"]

SUFFIXES: dict[Format, str] = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}
JPEG_QUALITY, WEBP_QUALITY = 95, 90
"""Quality of lossy files if neither a source file nor the user determines it."""

_JPEG_END = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How pixels are written to a file.

    Attributes:
        quality: 1 to 100, of a lossy file; None uses `tables`, or the default of the format.
        tables: quantization tables of a JPEG file.
    """

    format: Format = "PNG"
    quality: int | None = None
    tables: JpegTables | None = None

    @property
    def suffix(self) -> str:
        """Of the file's name."""
        return SUFFIXES[self.format]


PNG = Encoding()


def encode_image(
    pixels_HWC: NDArray[np.uint8] | NDArray[np.uint16],
    height: int,
    width: int,
    mode: Mode,
    encoding: Encoding,
    text: Mapping[str, str] | None,
    colours: IndexedColours | None = None,
) -> bytes:
    """Return the file of an image; the same arguments give the same bytes.

    Args:
        mode: `L` or `RGB` for JPEG files, `RGB` for WebP files, any for PNG files.
        text: keyword -> value; the file is also marked as synthetic. None for a copy of a real image.
    """
    if encoding.format == "PNG":
        return encode_png(pixels_HWC, height, width, mode, text, colours)
    if mode not in ("L", "RGB") or (mode == "L" and encoding.format == "WEBP"):
        raise ValueError(f"a {encoding.format} file cannot store mode {mode}")
    exact_HWC = fitted(pixels_HWC, height, width, mode)
    image = Image.fromarray(exact_HWC[:, :, 0] if mode == "L" else exact_HWC)
    packet = b"" if text is None else packet_of(text)
    stream = io.BytesIO()
    if encoding.format == "JPEG":
        image.save(stream, "JPEG", **_jpeg_options(encoding, mode), extra=_app1(packet) if packet else b"")
    else:
        quality = WEBP_QUALITY if encoding.quality is None else encoding.quality
        image.save(stream, "WEBP", quality=quality, method=4, **({"xmp": packet} if packet else {}))
    return stream.getvalue()


def is_complete(path: Path) -> bool:
    """Return whether a PNG, JPEG or WebP file exists and is not truncated, as after a power failure."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
            length = file.seek(0, os.SEEK_END)
            file.seek(max(0, length - 12))
            tail = file.read(12)
    except OSError:
        return False
    if head.startswith(b"\x89PNG"):
        return is_complete_png(tail)
    if head.startswith(b"\xff\xd8"):
        return tail.endswith(_JPEG_END)
    return head.startswith(b"RIFF") and len(head) == 12 and struct.unpack_from("<I", head, 4)[0] + 8 == length


def _jpeg_options(encoding: Encoding, mode: Mode) -> dict[str, Any]:
    tables = encoding.tables
    if encoding.quality is None and tables is not None:
        listed = [list(table) for table in tables.quantization]
        return {"qtables": listed, "subsampling": tables.subsampling} if mode == "RGB" else {"qtables": listed[:1]}
    options: dict[str, Any] = {"quality": JPEG_QUALITY if encoding.quality is None else encoding.quality}
    if mode == "RGB":
        options["subsampling"] = "4:4:4" if tables is None else tables.subsampling
    return options


def _app1(packet: bytes) -> bytes:
    content = JPEG_XMP + packet
    return b"\xff\xe1" + struct.pack(">H", 2 + len(content)) + content

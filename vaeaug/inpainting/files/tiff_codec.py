"""The bytes of a strip or tile of a TIFF file, decompressed and compressed again.

libtiff, which Pillow has, does the work: the bytes of a row are taken for the pixels of an 8-bit gray image (for CCITT
codes of a bilevel image), so the meaning of the file's own samples does not matter.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vaeaug.dataset.opening import UnreadableImageError, opened, room_for
from vaeaug.inpainting.files.directory import Structure

NONE, LZW, DEFLATE, OLD_DEFLATE, PACKBITS, LZMA, ZSTD = 1, 5, 8, 32946, 32773, 34925, 50000
CCITT = {2: "tiff_ccitt", 3: "group3", 4: "group4"}
_BYTES = {LZW: "tiff_lzw", PACKBITS: "packbits", LZMA: "lzma", ZSTD: "zstd"}
KNOWN = frozenset({NONE, DEFLATE, OLD_DEFLATE, *CCITT, *_BYTES})
"""Compressions that lose nothing and are written again as they were."""

_STRIP_OFFSETS, _STRIP_BYTES = 273, 279


def expanded(
    data: bytes, compression: int, row_bytes: int, rows: int, width: int, options: Mapping[int, int]
) -> bytes | None:
    """Return the bytes of some rows, or None if they cannot be decompressed; `options` are further tags."""
    length = row_bytes * rows
    if compression == NONE:
        return data[:length] if len(data) >= length else None
    if compression in (DEFLATE, OLD_DEFLATE):
        try:
            plain = zlib.decompressobj().decompress(data, length)
        except zlib.error:
            return None
        return plain if len(plain) == length else None
    bilevel = compression in CCITT
    try:
        one_strip = _file(data, compression, width if bilevel else row_bytes, rows, bilevel, options)
        with opened(one_strip, math.inf) as image, room_for(image):
            plain = image.tobytes()
    except UnreadableImageError:
        return None
    return plain if len(plain) == length else None


def compressed(
    data: bytes, compression: int, row_bytes: int, rows: int, width: int, options: Mapping[int, int]
) -> bytes:
    """Return some rows compressed; arguments as of `expanded`."""
    if compression == NONE:
        return data
    if compression in (DEFLATE, OLD_DEFLATE):
        return zlib.compress(data, 6)
    bilevel = compression in CCITT
    size = (width if bilevel else row_bytes, rows)
    image = Image.frombytes("1" if bilevel else "L", size, data)
    stream = io.BytesIO()
    kind = CCITT[compression] if bilevel else _BYTES[compression]
    image.save(stream, "TIFF", compression=kind, strip_size=len(data) + 1, tiffinfo=dict(options))
    written = stream.getvalue()
    structure = Structure(written)
    entries = structure.chain()[0].entries
    (start,), (length,) = structure.values(entries[_STRIP_OFFSETS]), structure.values(entries[_STRIP_BYTES])
    return written[start : start + length]


def with_predictor(rows_HX: NDArray[np.uint8], kind: str, samples: int, predictor: int) -> NDArray[np.uint8]:
    """Return rows as differences from the pixel to the left (TIFF 6.0, section 14; for floats Technical Note 3)."""
    if predictor == 3:
        planes_HX = _in_planes(rows_HX, kind)
        planes_HX[:, samples:] -= planes_HX[:, :-samples].copy()
        return planes_HX
    numbers = rows_HX.copy().view(_whole(kind))
    numbers[:, samples:] -= numbers[:, :-samples].copy()
    return numbers.view(np.uint8)


def without_predictor(rows_HX: NDArray[np.uint8], kind: str, samples: int, predictor: int) -> NDArray[np.uint8]:
    """Return rows of which `with_predictor` gives these."""
    whole = np.dtype(np.uint8) if predictor == 3 else _whole(kind)
    numbers = rows_HX.copy().view(whole)
    height, length = numbers.shape
    pixels = numbers.reshape(height, length // samples, samples)
    summed = np.cumsum(pixels, axis=1, dtype=whole.newbyteorder("=")).astype(whole).reshape(height, length)
    return _from_planes(summed, kind) if predictor == 3 else summed.view(np.uint8)


def _whole(kind: str) -> np.dtype[np.unsignedinteger]:
    return np.dtype(kind[0] + "u" + kind[2:])


def _in_planes(rows_HX: NDArray[np.uint8], kind: str) -> NDArray[np.uint8]:
    """Return the most significant bytes of a row's floats first, then the next ones."""
    height, size = len(rows_HX), int(kind[2:])
    numbers = rows_HX.reshape(height, -1, size)
    ordered = numbers if kind[0] == ">" else numbers[..., ::-1]
    return np.ascontiguousarray(ordered.swapaxes(1, 2)).reshape(height, -1)


def _from_planes(rows_HX: NDArray[np.uint8], kind: str) -> NDArray[np.uint8]:
    height, size = len(rows_HX), int(kind[2:])
    numbers = rows_HX.reshape(height, size, -1).swapaxes(1, 2)
    ordered = numbers if kind[0] == ">" else numbers[..., ::-1]
    return np.ascontiguousarray(ordered).reshape(height, -1)


def _file(data: bytes, compression: int, width: int, rows: int, bilevel: bool, options: Mapping[int, int]) -> bytes:
    fields = {
        256: width,
        257: rows,
        258: 1 if bilevel else 8,
        259: compression,
        262: 1,
        **options,
        _STRIP_OFFSETS: 0,
        277: 1,
        278: rows,
        _STRIP_BYTES: len(data),
    }
    fields[_STRIP_OFFSETS] = 8 + 2 + 12 * len(fields) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(fields.items()))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(fields)) + entries + bytes(4) + data

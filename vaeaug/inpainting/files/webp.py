"""Lossless and animated WebP files: the first frame is replaced, all other chunks are kept.

Source: WebP Container Specification (developers.google.com/speed/webp/docs/riff_container).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vaeaug.dataset.opening import UnreadableImageError, opened
from vaeaug.dataset.rules import DEFAULT_RULES, DecodeRules
from vaeaug.dataset.traits import read_traits
from vaeaug.inpainting.files.decoded import decoded_samples
from vaeaug.inpainting.files.exif import completed_exif
from vaeaug.inpainting.files.provenance import Provenance
from vaeaug.inpainting.files.samples import Samples
from vaeaug.inpainting.files.xmp import merged

_CODES = (b"VP8 ", b"VP8L", b"ALPH")
_HAS_ALPHA, _HAS_EXIF, _HAS_XMP = 0x10, 0x08, 0x04
_FRAME_HEADER = 16

Chunk = tuple[bytes, bytes]


class WebpFile:
    """A WebP file that can store a completed image without loss."""

    suffixes = (".webp",)
    changed = False

    def __init__(self, data: bytes, rules: DecodeRules = DEFAULT_RULES) -> None:
        self._rules = rules
        self._data = data
        self._chunks = list(_chunks(data[12:]))
        frames = [content for kind, content in self._chunks if kind == b"ANMF"]
        self.pages = 1
        self.frames = max(len(frames), 1)
        with opened(data, rules.max_megapixels) as image:
            self._width, self._height = image.size
        if frames:
            left, top, width, height = (_uint24(frames[0], 3 * number) for number in range(4))
            if (left, top, width + 1, height + 1) != (0, 0, self._width, self._height):
                raise UnreadableImageError(
                    "the first frame of the animation does not cover the whole image; save its frames as separate files"
                )

    def view(self, page: int) -> bytes:  # noqa: ARG002 (there is one)
        """Return the file."""
        return self._data

    def samples(self, page: int) -> Samples:  # noqa: ARG002 (there is one)
        """Return the pixels of the first frame in the order of the file."""
        orientation = read_traits(self._data, self._rules.max_megapixels).orientation
        return decoded_samples(self._data, self._rules, orientation)

    def rewritten(self, pages: Mapping[int, NDArray[Any]], provenance: Provenance) -> bytes:
        """Return the file with another first frame, stored without loss, and the mark of vaeaug."""
        values_HWS = pages[0]
        stream = io.BytesIO()
        image = Image.fromarray(np.ascontiguousarray(values_HWS if values_HWS.shape[2] > 1 else values_HWS[..., 0]))
        image.save(stream, "WEBP", lossless=True, exact=True, method=4)
        code = next(content for kind, content in _chunks(stream.getvalue()[12:]) if kind == b"VP8L")
        kept: list[Chunk] = []
        packet: bytes | None = None
        flags = _HAS_XMP | (_HAS_ALPHA if values_HWS.shape[2] == 4 else 0)
        stored = False
        for kind, content in self._chunks:
            if kind == b"VP8X":
                flags |= content[0]
            elif kind == b"XMP ":
                packet = content
            elif kind == b"EXIF":
                exif = completed_exif(content)
                kept += [] if exif is None else [(kind, exif)]
            elif kind in _CODES:
                kept += [] if stored else [(b"VP8L", code)]
                stored = True
            elif kind == b"ANMF" and not stored:
                others = b"".join(_chunk(*each) for each in _chunks(content[_FRAME_HEADER:]) if each[0] not in _CODES)
                kept.append((kind, content[:_FRAME_HEADER] + _chunk(b"VP8L", code) + others))
                stored = True
            else:
                kept.append((kind, content))
        if all(kind != b"EXIF" for kind, _ in kept):
            flags &= ~_HAS_EXIF
        size = struct.pack("<I", self._width - 1)[:3] + struct.pack("<I", self._height - 1)[:3]
        body = b"".join(
            _chunk(kind, content)
            for kind, content in [
                (b"VP8X", bytes([flags, 0, 0, 0]) + size),
                *kept,
                (b"XMP ", merged(packet, provenance.packet).encode()),
            ]
        )
        return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def is_lossless_or_animated(data: bytes) -> bool:
    """Return whether a WebP file can be completed in its own format."""
    kinds = {kind for kind, _ in _chunks(data[12:])}
    return b"ANMF" in kinds or (b"VP8L" in kinds and b"VP8 " not in kinds)


def _chunks(data: bytes) -> Iterator[Chunk]:
    offset = 0
    while offset + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, offset)
        yield kind, data[offset + 8 : offset + 8 + length]
        offset += 8 + length + length % 2


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _uint24(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 3], "little")

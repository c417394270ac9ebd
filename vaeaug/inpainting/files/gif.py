"""GIF files: the first frame's indices are replaced, all other blocks are kept.

Sources: GIF89a specification; XMP Specification, Part 3, section 1.1.2 (the application extension).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vaeaug.dataset.opening import UnreadableImageError, opened, room_for
from vaeaug.dataset.rules import DEFAULT_RULES, DecodeRules
from vaeaug.inpainting.files.provenance import Provenance
from vaeaug.inpainting.files.samples import Samples
from vaeaug.inpainting.files.xmp import merged

_XMP_HEADER = b"\x21\xff\x0bXMP DataXMP"
_MAGIC_TRAILER = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
"""What lets a reader that skips blocks by their lengths find the end of an XMP packet."""

_GRAPHIC_CONTROL, _IMAGE, _EXTENSION = 0xF9, 0x2C, 0x21
_INTERLACED = 0x40


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the first frame is: its control block or descriptor, descriptor, colour table, codes and their end."""

    begin: int
    descriptor: int
    table: int
    colours: int
    codes: int
    end: int
    transparent: int | None


class GifFile:
    """A GIF file; UnreadableImageError if it is damaged or its first frame does not cover it."""

    suffixes = (".gif",)
    changed = False

    def __init__(self, data: bytes, rules: DecodeRules = DEFAULT_RULES) -> None:
        self._rules = rules
        self._whole = data
        self._data, self._packet = _without_packet(data)
        data = self._data
        try:
            self._frame, self.frames = self._scan()
        except IndexError:
            raise UnreadableImageError("it is truncated") from None
        self.pages = 1
        offset = self._frame.descriptor
        left, top, self._width, self._height = (_uint16(data, offset + 1 + 2 * number) for number in range(4))
        if (left, top, self._width, self._height) != (0, 0, _uint16(data, 6), _uint16(data, 8)):
            raise UnreadableImageError("its first frame does not cover the whole image; save its frames as PNG files")

    def view(self, page: int) -> bytes:  # noqa: ARG002 (there is one)
        """Return the file."""
        return self._whole

    def samples(self, page: int) -> Samples:  # noqa: ARG002 (there is one)
        """Return the indices of the first frame."""
        frame, data = self._frame, self._data
        descriptor = bytearray(data[frame.descriptor : frame.descriptor + 10])
        descriptor[9] &= _INTERLACED
        # With another colour table of all 256 colours Pillow returns the indices as they are.
        table = bytes(value for index in range(256) for value in (index, 255 - index, 7))
        first_frame_file = (
            b"GIF89a" + data[6:10] + b"\xf7\0\0" + table + bytes(descriptor) + data[frame.codes : frame.end] + b";"
        )
        with opened(first_frame_file, self._rules.max_megapixels) as image, room_for(image):
            values_HW = np.asarray(image)
        colours = np.frombuffer(data[frame.table : frame.table + 3 * frame.colours], dtype=np.uint8)
        table_K4 = np.full((len(colours) // 3, 4), 255, dtype=np.uint8)
        table_K4[:, :3] = colours.reshape(-1, 3)
        if frame.transparent is not None and frame.transparent < len(table_K4):
            table_K4[frame.transparent, 3] = 0
        return Samples(values_HW[..., None], "indexed", table_K4=table_K4)

    def rewritten(self, pages: Mapping[int, NDArray[Any]], provenance: Provenance) -> bytes:
        """Return the file with another first frame and the mark of vaeaug."""
        data, frame = bytearray(self._data), self._frame
        image = Image.fromarray(np.ascontiguousarray(pages[0][..., 0]))
        image.putpalette(bytes(value for index in range(256) for value in (index, 255 - index, 7)))
        stream = io.BytesIO()
        image.save(stream, "GIF", optimize=False, interlace=0)
        written = GifFile(stream.getvalue())
        data[frame.descriptor + 9] &= ~_INTERLACED & 0xFF
        data[frame.codes : frame.end] = stream.getvalue()[written._frame.codes : written._frame.end]
        packet = merged(self._packet, provenance.packet).encode().replace(b"\0", b"")
        data[:6] = b"GIF89a"  # extensions came with this version
        data[frame.begin : frame.begin] = _XMP_HEADER + packet + _MAGIC_TRAILER
        return bytes(data)

    def _scan(self) -> tuple[_Frame, int]:
        data = self._data
        table, colours = 13, _table_size(data[10])
        offset = table + 3 * colours
        begin: int | None = None
        transparent: int | None = None
        first: _Frame | None = None
        frames = 0
        while offset < len(data) and data[offset] in (_EXTENSION, _IMAGE):
            start = offset
            if data[offset] == _EXTENSION:
                if data[offset + 1] == _GRAPHIC_CONTROL and first is None:
                    begin = start
                    transparent = data[offset + 6] if data[offset + 3] & 1 else None
                offset = _after_blocks(data, offset + 2)
                continue
            own_colours = _table_size(data[offset + 9])
            codes = offset + 10 + 3 * own_colours
            offset = _after_blocks(data, codes + 1)
            frames += 1
            if first is None:
                where = (start + 10, own_colours) if own_colours else (table, colours)
                first = _Frame(start if begin is None else begin, start, *where, codes, offset, transparent)
        if first is None:
            raise UnreadableImageError("it has no frame")
        return first, frames


def _without_packet(data: bytes) -> tuple[bytes, bytes | None]:
    """Return a file without its XMP packet, and the packet."""
    begin = data.find(_XMP_HEADER)
    end = data.find(_MAGIC_TRAILER, begin)
    if begin < 0 or end < 0:
        return data, None
    return data[:begin] + data[end + len(_MAGIC_TRAILER) :], data[begin + len(_XMP_HEADER) : end]


def _after_blocks(data: bytes, offset: int) -> int:
    while length := data[offset]:
        offset += 1 + length
    return offset + 1


def _table_size(flags: int) -> int:
    return 2 << (flags & 7) if flags & 0x80 else 0


def _uint16(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 2], "little")

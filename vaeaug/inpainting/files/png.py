"""PNG and APNG files: pixels are replaced, and all chunks are kept that remain true.

Left out are the time of the last change, signatures, and private chunks that are marked unsafe to copy (W3C, PNG Third
Edition, section 14.2).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.mark import PREFIX, XMP_KEYWORD
from vaeaug.dataset.opening import UnreadableImageError, opened, room_for
from vaeaug.dataset.rules import DEFAULT_RULES, DecodeRules
from vaeaug.dataset.traits import read_traits
from vaeaug.inpainting.files.colour import Space
from vaeaug.inpainting.files.exif import completed_exif
from vaeaug.inpainting.files.png_rows import encoded_rows
from vaeaug.inpainting.files.provenance import Provenance
from vaeaug.inpainting.files.samples import Samples
from vaeaug.inpainting.files.xmp import merged

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_DEEP = {2: "RGB", 4: "LA", 6: "RGBA"}  # colour types of which Pillow drops the low byte
_KEPT = frozenset(
    b"PLTE IDAT tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD sPLT acTL fcTL fdAT oFFs pCAL sCAL hIST eXIf".split()
)
_LEFT_OUT = frozenset([b"tIME", b"dSIG", b"caBX"])  # no longer true of other pixels

Chunk = tuple[bytes, bytes]


class PngFile:
    """A PNG file; UnreadableImageError if it is damaged."""

    suffixes = (".png", ".apng")
    changed = False

    def __init__(self, data: bytes, rules: DecodeRules = DEFAULT_RULES) -> None:
        self._rules = rules
        self._data = data
        self._chunks = list(_chunks(data))
        if not self._chunks or self._chunks[0][0] != b"IHDR" or len(self._chunks[0][1]) != 13:
            raise UnreadableImageError("its PNG header is damaged")
        header = struct.unpack(">IIBBBBB", self._chunks[0][1])
        self._width, self._height, self._depth, self._type, _, _, self._interlaced = header
        self.pages = 1
        frames = self._first(b"acTL")
        self.frames = struct.unpack_from(">I", frames)[0] if frames and len(frames) >= 4 else 1

    def view(self, page: int) -> bytes:  # noqa: ARG002 (there is one)
        """Return the file."""
        return self._data

    def samples(self, page: int) -> Samples:  # noqa: ARG002 (there is one)
        """Return the pixels as they are stored."""
        spaces: dict[int, Space] = {0: "gray", 2: "rgb", 3: "indexed", 4: "gray", 6: "rgb"}
        if self._type not in spaces:
            raise UnreadableImageError(f"it has the unknown PNG colour type {self._type}")
        max_value = float(2**self._depth - 1)
        key = self._first(b"tRNS")
        channels = _CHANNELS[self._type]
        keyed = key is not None and self._type in (0, 2) and len(key) >= 2 * channels
        return Samples(
            self._decoded(),
            spaces[self._type],
            white=max_value,
            alpha=channels - 1 if self._type in (4, 6) else None,
            opaque=max_value,
            table_K4=self._table() if self._type == 3 else None,
            key=struct.unpack_from(f">{channels}H", key) if keyed and key is not None else None,
            orientation=read_traits(self._data, self._rules.max_megapixels).orientation,
            profile=self._profile(),
        )

    def rewritten(self, pages: Mapping[int, NDArray[Any]], provenance: Provenance) -> bytes:
        """Return the file with other pixels and the mark of vaeaug."""
        header = self._chunks[0][1]
        rows = encoded_rows(pages[0], self._depth, indexed=self._type == 3, interlaced=bool(self._interlaced))
        return assembled(header, self._chunks[1:], zlib.compress(rows, 6), provenance)

    def _first(self, kind: bytes) -> bytes | None:
        return next((content for name, content in self._chunks if name == kind), None)

    def _decoded(self) -> NDArray[Any]:
        """Return the stored samples, (H, W, S), from the pixel chunks only."""
        bare = SIGNATURE + b"".join(
            chunk(kind, content) for kind, content in self._chunks if kind in (b"IHDR", b"PLTE", b"IDAT")
        )
        bare += chunk(b"IEND", b"")
        if self._depth == 16 and self._type in _DEEP:
            decoded = cv2.imdecode(np.frombuffer(bare, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
            if decoded is None or decoded.dtype != np.uint16:
                raise UnreadableImageError("its pixels of 16 bits cannot be decoded")
            order = {"RGB": [2, 1, 0], "LA": [0, -1], "RGBA": [2, 1, 0, 3]}[_DEEP[self._type]]
            return np.ascontiguousarray(decoded[..., order])
        with opened(bare, self._rules.max_megapixels) as image, room_for(image):
            values = np.asarray(image)
        if self._depth == 16:
            values = values.astype(np.uint16)
        elif self._type == 0 and self._depth < 8:
            steps = 1 if self._depth == 1 else 255 // (2**self._depth - 1)
            values = values.astype(np.uint8) // np.uint8(steps)
        return values.reshape(self._height, self._width, -1)

    def _table(self) -> NDArray[np.uint8]:
        """Return the colour table, (K, 4)."""
        colours = self._first(b"PLTE") or b""
        table_K4 = np.full((len(colours) // 3, 4), 255, dtype=np.uint8)
        table_K4[:, :3] = np.frombuffer(colours[: 3 * len(table_K4)], dtype=np.uint8).reshape(-1, 3)
        opacity = (self._first(b"tRNS") or b"")[: len(table_K4)]
        table_K4[: len(opacity), 3] = np.frombuffer(opacity, dtype=np.uint8)
        return table_K4

    def _profile(self) -> bytes | None:
        content = self._first(b"iCCP")
        if content is None:
            return None
        try:
            return zlib.decompressobj().decompress(content.partition(b"\0")[2][1:], 1 << 26)
        except zlib.error:
            return None


def assembled(
    header: bytes,
    others: Iterable[Chunk],
    pixels: bytes,
    provenance: Provenance,
    *,
    upright: bool = False,
) -> bytes:
    """Return a PNG file.

    Args:
        header: content of IHDR.
        others: all other chunks of the source; one IDAT among them marks the position of the pixels.
        pixels: the compressed rows.
        provenance: replaces an earlier mark of vaeaug, but not the `Software` of the source.
        upright: whether the pixels are upright now, so that orientations in EXIF and XMP are reset.
    """
    before: list[Chunk] = []
    after: list[Chunk] = []
    packet: bytes | None = None
    texts = dict(provenance.text)
    for kind, content in others:
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            keyword = content.partition(b"\0")[0].decode("latin-1")
            if keyword == XMP_KEYWORD:
                packet = _itxt(content)
                continue
            if keyword.startswith(f"{PREFIX}:"):
                continue
            texts.pop("Software" if keyword == "Software" else "", None)
        elif kind in _LEFT_OUT or (kind not in _KEPT and not kind[3:].islower()):
            continue
        elif kind == b"IDAT":
            after += [] if after else [(kind, pixels)]
            continue
        kept = completed_exif(content, upright=upright) if kind == b"eXIf" else content
        if kept is not None:
            (after or before).append((kind, kept))
    marks = [(b"iTXt", _international(XMP_KEYWORD, merged(packet, provenance.packet, upright=upright)))]
    marks += [text_chunk(keyword, value) for keyword, value in texts.items()]
    # Texts may stand anywhere between IHDR and IEND; before the colour table they are found without reading pixels.
    return b"".join(
        [
            SIGNATURE,
            chunk(b"IHDR", header),
            *(chunk(kind, content) for kind, content in [*marks, *before, *after]),
            chunk(b"IEND", b""),
        ]
    )


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk with its length and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))


def text_chunk(keyword: str, value: str) -> Chunk:
    """Return a text as a chunk: tEXt if it is printable Latin-1, otherwise iTXt."""
    if value.isprintable():
        try:
            return b"tEXt", keyword.encode("latin-1") + b"\0" + value.encode("latin-1")
        except UnicodeEncodeError:
            pass
    return b"iTXt", _international(keyword, value)


def _international(keyword: str, value: str) -> bytes:
    text = value.replace("\0", "\\0").encode(errors="backslashreplace")
    return keyword.encode("latin-1") + b"\0\0\0\0\0" + text


def _itxt(content: bytes) -> bytes | None:
    """Return the text of an iTXt chunk, or None if it is damaged."""
    _, _, rest = content.partition(b"\0")
    parts = rest[2:].split(b"\0", 2)
    if len(parts) < 3:
        return None
    if rest[:1] != b"\1":
        return parts[2]
    try:
        return zlib.decompressobj().decompress(parts[2], 1 << 26)
    except zlib.error:
        return None


def _chunks(data: bytes) -> Iterator[Chunk]:
    """Yield the chunks up to IEND; one that is cut off ends them."""
    offset = len(SIGNATURE)
    while offset + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        if kind == b"IEND" or offset + 12 + length > len(data):
            return
        yield kind, data[offset + 8 : offset + 8 + length]
        offset += 12 + length

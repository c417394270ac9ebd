"""The provenance mark of an image file that vaeaug wrote: read from PNG, JPEG, WebP, TIFF and GIF files.

PNG files have one text chunk per field (`vaeaug:synthetic`, ...), other files XMP properties of `NAMESPACE`; both are
read in every format. Sources: PNG (Third Edition), section 11.3.3; XMP Specification, Part 3.
"""

from __future__ import annotations

import html
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

NAMESPACE = "urn:vaeaug:provenance/1.0/"
"""Of the XMP properties."""

PREFIX = "vaeaug"
"""Of the XMP properties and of the keywords of PNG text chunks."""

XMP_KEYWORD = "XML:com.adobe.xmp"
"""Keyword of the PNG chunk that holds an XMP packet."""

JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
"""First bytes of the JPEG APP1 segment that holds an XMP packet."""

_MAX_TEXT_BYTES = 1 << 20  # bytes of a text that is decompressed: a mark has a few hundred
_SOURCE_TYPE = re.compile(r"""digitalsourcetype/(\w+)""")
_ATTRIBUTE = re.compile(rf"""\b{PREFIX}:(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_ELEMENT = re.compile(rf"<{PREFIX}:(\w+)>([^<]*)</{PREFIX}:\1>")


@dataclass(frozen=True, slots=True)
class Mark:
    """The provenance mark in a file.

    Attributes:
        fields: name without prefix -> value: always `synthetic` (`true` or `partly`), sometimes others.
        source_type: IPTC digital source type, such as `trainedAlgorithmicMedia`, or empty.
    """

    fields: Mapping[str, str]
    source_type: str

    @property
    def synthetic(self) -> str:
        """`true` or `partly`."""
        return self.fields["synthetic"]


def read_mark(data: bytes) -> Mark | None:
    """Return the mark of an image file, even of a damaged one, or None if there is no mark of vaeaug."""
    fields: dict[str, str] = {}
    packets: list[str] = []
    for keyword, text in _texts(data):
        if keyword == XMP_KEYWORD:
            packets.append(text)
        elif keyword.startswith(f"{PREFIX}:"):
            fields[keyword.removeprefix(f"{PREFIX}:")] = text
    for packet in packets:
        if NAMESPACE in packet:
            fields = _properties(packet) | fields
    if fields.get("synthetic") not in ("true", "partly"):
        return None
    types = (found.group(1) for packet in packets if (found := _SOURCE_TYPE.search(packet)))
    return Mark(fields, next(types, ""))


def _properties(packet: str) -> dict[str, str]:
    found = {match[1]: match[2] or match[3] or "" for match in _ATTRIBUTE.finditer(packet)}
    found |= {match[1]: match[2] for match in _ELEMENT.finditer(packet)}
    return {name: html.unescape(value) for name, value in found.items()}


def _texts(data: bytes) -> Iterator[tuple[str, str]]:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        yield from _png_texts(data)
        return
    packets: Iterator[bytes]
    if data.startswith(b"\xff\xd8"):
        packets = (part.removeprefix(JPEG_XMP) for part in _jpeg_app1(data) if part.startswith(JPEG_XMP))
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        packets = (part for kind, part in _riff_chunks(data) if kind == b"XMP ")
    elif data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"GIF8")):
        packets = _bare_packets(data)
    else:
        return
    for packet in packets:
        yield XMP_KEYWORD, packet.decode(errors="replace")


def _png_texts(data: bytes) -> Iterator[tuple[str, str]]:
    offset = 8
    while offset + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        if kind in (b"tEXt", b"iTXt", b"zTXt"):
            keyword, _, rest = data[offset + 8 : offset + 8 + length].partition(b"\0")
            text = _png_text(kind, rest)
            if text is not None:
                yield keyword.decode("latin-1"), text
        offset += 12 + length


def _png_text(kind: bytes, rest: bytes) -> str | None:
    """Return the text of a chunk after its keyword; None if it is damaged or too long for a mark."""
    if kind == b"tEXt":
        return rest.decode("latin-1")
    if kind == b"zTXt":
        inflated = _inflated(rest[1:])
        return None if inflated is None else inflated.decode("latin-1")
    compressed, (_, _, text) = rest[:1] == b"\1", _split_itxt(rest[2:])
    plain = _inflated(text) if compressed else text
    return None if plain is None else plain.decode(errors="replace")


def _split_itxt(rest: bytes) -> tuple[bytes, bytes, bytes]:
    language, _, rest = rest.partition(b"\0")
    keyword, _, text = rest.partition(b"\0")
    return language, keyword, text


def _inflated(data: bytes) -> bytes | None:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, _MAX_TEXT_BYTES)
    except zlib.error:
        return None
    return None if inflater.unconsumed_tail else text


def _jpeg_app1(data: bytes) -> Iterator[bytes]:
    offset = 2
    while offset + 4 <= len(data) and data[offset] == 0xFF:
        marker = data[offset + 1]
        if marker == 0xFF:  # a fill byte
            offset += 1
            continue
        if marker in (0xD9, 0xDA):  # end of image, start of scan
            return
        (length,) = struct.unpack_from(">H", data, offset + 2)
        if marker == 0xE1:
            yield data[offset + 4 : offset + 2 + length]
        offset += 2 + length


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset = 12
    while offset + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, offset)
        yield kind, data[offset + 8 : offset + 8 + length]
        offset += 8 + length + length % 2


def _bare_packets(data: bytes) -> Iterator[bytes]:
    """Yield XMP packets found by their first and last words, as formats store them uncompressed."""
    start = data.find(b"<x:xmpmeta")
    while start >= 0:
        end = data.find(b"</x:xmpmeta>", start)
        if end < 0:
            return
        yield data[start:end]
        start = data.find(b"<x:xmpmeta", end)

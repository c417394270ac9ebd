"""Remove from a PNG what Pillow would refuse: more than 1 MB of text or of colour profile.

Editors (XMP) and image generators (prompts) write such files. EXIF orientation is kept and moved before the pixels. It
is read from `eXIf`, from ImageMagick's `Raw profile type exif`, and from XMP.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_TEXT = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_XMP = b"XML:com.adobe.xmp"
_RAW_EXIF = (b"Raw profile type exif", b"Raw profile type APP1")
_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')
_PILLOW_LIMIT, _INFLATE_LIMIT = (
    1_000_000,
    64_000_000,
)  # bytes that Pillow inflates itself; and that are inflated here at most


def strip_text(data: bytes) -> tuple[bytes, bytes | None]:
    """Return a PNG without text, with EXIF before its pixels, and its colour profile if that had to be removed.

    All other chunks stay unchanged, and so does everything after a damaged chunk.
    """
    kept: list[memoryview] = []
    exif = profile = None
    raw_exif: bytes | None = None
    orientation = 0
    for kind, body, whole in _chunks(data):
        if kind in _TEXT:
            keyword = bytes(body[:80]).split(b"\0", 1)[0]
            if keyword == _XMP and not orientation:
                orientation = _orientation_in(_text(kind, body))
            elif keyword in _RAW_EXIF and raw_exif is None:
                raw_exif = _from_hex(_text(kind, body))
        elif kind == b"eXIf":
            exif = bytes(body) if exif is None else exif
        elif kind == b"iCCP" and (inflated := _long_profile(body)) is not None:
            profile = inflated
        else:
            kept.append(whole)
            continue
    if exif is None:
        exif = raw_exif
    if exif is None and orientation > 1:
        exif = struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    if sum(map(len, kept)) + len(SIGNATURE) == len(data) or not kept:
        return data, None
    chunks = [bytes(kept[0]), *([] if exif is None else [_chunk(b"eXIf", exif)]), *map(bytes, kept[1:])]
    return b"".join([SIGNATURE, *chunks]), profile


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, memoryview]]:
    """Yield kind, body and whole of each chunk; everything from a damaged one on is one chunk without a kind."""
    view = memoryview(data)
    offset = len(SIGNATURE)
    while offset < len(data):
        end = len(data) + 1
        if offset + 12 <= len(data):
            (length,) = struct.unpack_from(">I", data, offset)
            end = offset + 12 + length
        if end > len(data):
            yield b"", view[offset:offset], view[offset:]
            return
        yield bytes(view[offset + 4 : offset + 8]), view[offset + 8 : end - 4], view[offset:end]
        offset = end


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _text(kind: bytes, body: memoryview) -> bytes:
    """Return the text of a chunk, inflated as far as `_INFLATE_LIMIT`; nothing if it is damaged."""
    _, _, rest = bytes(body).partition(b"\0")
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _inflated(rest[1:], _INFLATE_LIMIT) or b""
    compressed, rest = rest[:1] == b"\x01", rest[2:]
    text = rest.split(b"\0", 2)[2] if rest.count(b"\0") >= 2 else b""
    return (_inflated(text, _INFLATE_LIMIT) or b"") if compressed else text


def _inflated(data: bytes, limit: int) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(data, limit)
    except zlib.error:
        return None


def _orientation_in(xmp: bytes) -> int:
    found = _ORIENTATION.search(xmp)
    return int(found[1]) if found else 0


def _from_hex(text: bytes) -> bytes | None:
    """Return the EXIF that ImageMagick writes in hexadecimal after a name and a length."""
    try:
        exif = bytes.fromhex("".join(text.decode("latin-1").split("\n")[3:]))
    except ValueError:
        return None
    return exif.removeprefix(b"Exif\0\0")


def _long_profile(body: memoryview) -> bytes | None:
    """Return a colour profile that is too long for Pillow; otherwise None."""
    _, _, rest = bytes(body).partition(b"\0")
    inflated = _inflated(rest[1:], _INFLATE_LIMIT)
    return inflated if inflated is not None and len(inflated) > _PILLOW_LIMIT else None

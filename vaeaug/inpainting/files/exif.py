"""EXIF of a completed image: that of its source without the thumbnail, which shows the image as it was."""

from __future__ import annotations

from vaeaug.inpainting.files.directory import ORIENTATION, DamagedError, Structure

_HEADER = b"Exif\0\0"
_THUMBNAIL, _THUMBNAIL_LENGTH = 513, 514


def completed_exif(exif: bytes, *, upright: bool = False) -> bytes | None:
    """Return EXIF data from the byte order mark on, or None if they are damaged; if `upright`, with orientation 1."""
    data = bytearray(exif.removeprefix(_HEADER))
    try:
        structure = Structure(data)
        chain = structure.chain()
        for directory in chain[1:]:
            start = structure.values(directory.entries.get(_THUMBNAIL))
            length = structure.values(directory.entries.get(_THUMBNAIL_LENGTH))
            if start and length:
                end = min(start[0] + length[0], len(data))
                data[start[0] : end] = bytes(max(end - start[0], 0))
        if chain:
            data[chain[0].next_link : chain[0].next_link + len(structure.offset(0))] = structure.offset(0)
            entry = chain[0].entries.get(ORIENTATION)
            if upright and entry is not None and entry.kind == 3 and entry.count == 1:
                data[entry.offset : entry.offset + 2] = structure.packed("H", 1)
    except DamagedError:
        return None
    return bytes(data)

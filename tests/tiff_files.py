"""TIFF files of any type of number, written by hand: one strip, not compressed (TIFF 6.0, section 2)."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

_KINDS = {"u": 1, "i": 2, "f": 3}
_SHORT, _LONG = 3, 4


def tiff(
    values: NDArray[np.generic], *, white_is_zero: bool = False, pages: int = 1, extra: tuple[tuple[int, int], ...] = ()
) -> bytes:
    """Return a TIFF whose pages hold `values` (H, W), of the byte order of their type.

    Args:
        values: of any type of number.
        white_is_zero: their photometric interpretation.
        pages: number of pages.
        extra: more tags of the pages that follow the first: number and value.
    """
    order = ">" if values.dtype.str[0] == ">" else "<"
    data = values.tobytes()
    out = (b"MM" if order == ">" else b"II") + struct.pack(order + "HI", 42, 8 + len(data)) + data
    for page in range(pages):
        tags = [
            (256, _LONG, values.shape[1]),
            (257, _LONG, values.shape[0]),
            (258, _SHORT, values.dtype.itemsize * 8),
            (259, _SHORT, 1),
            (262, _SHORT, 0 if white_is_zero else 1),
            (273, _LONG, 8),
            (277, _SHORT, 1),
            (278, _LONG, values.shape[0]),
            (279, _LONG, len(data)),
            (339, _SHORT, _KINDS[values.dtype.kind]),
        ]
        tags += [(number, _LONG, value) for number, value in extra if page]
        out += struct.pack(order + "H", len(tags))
        for number, kind, value in sorted(tags):
            field = struct.pack(order + "HH", value, 0) if kind == _SHORT else struct.pack(order + "I", value)
            out += struct.pack(order + "HHI", number, kind, 1) + field
        out += struct.pack(order + "I", len(out) + 4 if page < pages - 1 else 0)
    return out

"""How strongly a JPEG file was compressed: its quantization tables and chroma subsampling, to compress others alike.

ITU-T T.81, annex A.3.4 (quantization) and A.1.1 (sampling factors).
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image, JpegImagePlugin

Subsampling = Literal["4:4:4", "4:2:2", "4:2:0"]

_SUBSAMPLING: dict[int, Subsampling] = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}
_SAMPLED = 64  # files that are looked at for the typical one


@dataclass(frozen=True, slots=True)
class JpegTables:
    """How a JPEG file was compressed.

    Attributes:
        quantization: one table for the luma and, unless the file is gray, one for each chroma component that has a
            table of its own; 64 values each, in the order of Pillow's `quantization`.
        subsampling: of the chroma components; `4:4:4` for a gray file and for factors that Pillow does not write.
    """

    quantization: tuple[tuple[int, ...], ...]
    subsampling: Subsampling


def read_jpeg_tables(data: bytes) -> JpegTables | None:
    """Return the tables of a JPEG file; None for another format or a file without usable tables.

    Args:
        data: the file's content.
    """
    if not data.startswith(b"\xff\xd8"):
        return None
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            return _tables(image)
    except Exception:  # Pillow raises nearly everything on broken content
        return None


def typical_tables(paths: Iterable[Path]) -> JpegTables | None:
    """Return the tables of the typical JPEG file: of the median of their luma quantization, summed.

    Args:
        paths: files of any format, in a fixed order. Of more than 64, 64 at equal distances are read, and of each only
            the header.

    Returns:
        None if no file is a JPEG file with usable tables.
    """
    listed = list(paths)
    step = max(1, -(-len(listed) // _SAMPLED))
    found = [tables for path in listed[::step] if (tables := _tables_of(path)) is not None]
    found.sort(key=lambda tables: (sum(tables.quantization[0]), tables.quantization, tables.subsampling))
    return found[len(found) // 2] if found else None


def _tables_of(path: Path) -> JpegTables | None:
    """Return the tables of a file; only its header is read."""
    try:
        with Image.open(path, formats=("JPEG",)) as image:
            return _tables(image)
    except Exception:
        return None


def _tables(image: Any) -> JpegTables | None:
    """Return the tables of an opened JPEG file."""
    tables, layers = image.quantization, image.layer
    if not layers or any(layer[3] not in tables for layer in layers):
        return None
    ordered = [tuple(int(value) for value in tables[layer[3]]) for layer in layers]
    if len(layers) == 4:  # CMYK: no table is one of chroma
        ordered = ordered[:1]
    if any(len(table) != 64 or not all(1 <= value <= 255 for value in table) for table in ordered):
        return None  # 16-bit tables are no baseline JPEG, which not every reader takes
    while len(ordered) > 1 and ordered[-1] == ordered[-2]:
        ordered.pop()
    return JpegTables(tuple(ordered), _SUBSAMPLING.get(JpegImagePlugin.get_sampling(image), "4:4:4"))

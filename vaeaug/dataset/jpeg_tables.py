"""The quantization tables and chroma subsampling of a JPEG file (ITU-T T.81), to compress other images alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image, JpegImagePlugin

Subsampling = Literal["4:4:4", "4:2:2", "4:2:0"]

_SUBSAMPLING: dict[int, Subsampling] = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}


@dataclass(frozen=True, slots=True)
class JpegTables:
    """How a JPEG file was compressed.

    Attributes:
        quantization: one table for the luma and one for each chroma component with its own; 64 values from 1 to 255
            each, in the order of Pillow's `quantization`.
        subsampling: `4:4:4` for a gray file and for factors that Pillow does not write.
    """

    quantization: tuple[tuple[int, ...], ...]
    subsampling: Subsampling

    def to_json(self) -> dict[str, Any]:
        """Return the tables as JSON values: 128 hexadecimal digits each."""
        return {"quantization": [bytes(table).hex() for table in self.quantization], "subsampling": self.subsampling}


def tables_from_json(values: Mapping[str, Any]) -> JpegTables:
    """Return tables from `JpegTables.to_json`; raise KeyError or ValueError if they are damaged."""
    tables = tuple(tuple(bytes.fromhex(table)) for table in values["quantization"])
    if not 1 <= len(tables) <= 3 or any(len(table) != 64 or 0 in table for table in tables):
        raise ValueError("damaged quantization tables")
    return JpegTables(tables, _SUBSAMPLING[list(_SUBSAMPLING.values()).index(values["subsampling"])])


def tables_of(image: Image.Image) -> JpegTables | None:
    """Return the tables of an opened file, or None if it is not a JPEG file or its tables have 16 bits."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return None
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

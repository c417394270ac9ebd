"""An image as one of a dataset: upright, opaque, in sRGB, with nothing else of its file."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from vaeaug.dataset.decode import decode_full
from vaeaug.dataset.rules import DEFAULT_RULES, DecodeRules
from vaeaug.dataset.traits import read_traits
from vaeaug.inpainting.files.decoded import decoded_samples
from vaeaug.inpainting.files.png import assembled
from vaeaug.inpainting.files.png_rows import encoded_rows
from vaeaug.inpainting.files.provenance import Provenance
from vaeaug.inpainting.files.samples import Samples


class PlainFile:
    """An image file that is completed as a plain PNG file: its first page, in 8-bit gray or RGB.

    Deep gray is stored in 16 bits (`vaeaug.dataset.levels`), and opaque indices keep their colour table.

    Args:
        data: its content.
        rules: by which it is decoded.

    Raises:
        UnreadableImageError: it is no image.
    """

    suffixes = (".png",)
    pages = 1
    changed = True

    def __init__(self, data: bytes, rules: DecodeRules = DEFAULT_RULES) -> None:
        self._rules = rules
        self._data = data
        self.frames = read_traits(data, rules.max_megapixels).frames

    def view(self, page: int) -> bytes:  # noqa: ARG002 (there is one)
        """Return the file."""
        return self._data

    def samples(self, page: int) -> Samples:  # noqa: ARG002 (there is one)
        """Return the pixels, set upright.

        Raises:
            UnreadableImageError: they cannot be decoded.
        """
        full = decode_full(self._data, self._rules)
        if full.traits.mode == "P" and not (full.traits.transparent or full.traits.profile):
            return decoded_samples(self._data, self._rules)
        black, white = (0.0, 255.0) if full.levels is None else full.levels.stored
        return Samples(full.pixels_HWC, "gray" if full.pixels_HWC.shape[2] == 1 else "rgb", black, white)

    def rewritten(self, pages: Mapping[int, NDArray[Any]], provenance: Provenance) -> bytes:
        """Return a PNG file with other pixels and our mark."""
        values_HWS = pages[0]
        height, width, samples = values_HWS.shape
        table_K4 = self.samples(0).table_K4
        kind = 3 if table_K4 is not None else {1: 0, 3: 2}[samples]
        table = [] if table_K4 is None else [(b"PLTE", table_K4[:, :3].tobytes())]
        header = struct.pack(">IIBBBBB", width, height, 8 * values_HWS.dtype.itemsize, kind, 0, 0, 0)
        rows = encoded_rows(values_HWS, 8 * values_HWS.dtype.itemsize, indexed=kind == 3, interlaced=False)
        return assembled(header, [*table, (b"IDAT", b"")], zlib.compress(rows, 6), provenance)

"""PNG files of completed images, each of which says that a part of it is synthetic.

Unlike `png`, which writes drawn images fast, this keeps whatever the source file stores: 16-bit gray, alpha, palettes.
Provenance: IPTC's `compositeWithTrainedAlgorithmicMedia` (`source_type`).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, PngImagePlugin

from vaeaug.export.source_type import XMP_KEYWORD, SourceType, xmp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def encode_completed(
    stored: NDArray[Any], mode: str, text: Mapping[str, str], table_K4: NDArray[np.uint8] | None = None
) -> bytes:
    """Return a PNG file; the same arguments give the same bytes.

    Args:
        stored: uint8 (H, W) in modes `L` and `P`, (H, W, 2) in `LA`, (H, W, 3) in `RGB`, (H, W, 4) in `RGBA`; uint16
            (H, W) in `I;16`.
        mode: of the file, in Pillow's words.
        text: keyword -> value, written as text chunks. `vaeaug:synthetic` = `partly` and the IPTC digital source type
            are always there.
        table_K4: the colour table of mode `P`, uint8 RGBA.
    """
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(XMP_KEYWORD, xmp(SourceType.COMPOSITE))
    for keyword, value in {"vaeaug:synthetic": "partly", **text}.items():
        chunks.add_text(keyword, value.replace("\0", "\\0").encode(errors="backslashreplace").decode())
    stream = io.BytesIO()
    options: dict[str, Any] = {"pnginfo": chunks}
    if table_K4 is None:
        image = Image.fromarray(stored)
    else:
        image = Image.frombytes("P", (stored.shape[1], stored.shape[0]), np.ascontiguousarray(stored).tobytes())
        image.putpalette(table_K4[:, :3].tobytes())
        if (table_K4[:, 3] < 255).any():
            options["transparency"] = table_K4[:, 3].tobytes()
    if image.mode != mode:
        raise ValueError(f"pixels of shape {stored.shape} and {stored.dtype} are mode {image.mode}, not {mode}")
    image.save(stream, "PNG", **options)
    return stream.getvalue()


def encode_gray(levels_HW: NDArray[np.uint8], text: Mapping[str, str]) -> bytes:
    """Return a gray PNG file of figures, which is no image of anything."""
    chunks = PngImagePlugin.PngInfo()
    for keyword, value in text.items():
        chunks.add_text(keyword, value)
    stream = io.BytesIO()
    Image.fromarray(levels_HW).save(stream, "PNG", pnginfo=chunks)
    return stream.getvalue()

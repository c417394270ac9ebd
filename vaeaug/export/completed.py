"""Files of completed images, each of which says that a part of it is synthetic.

Unlike `png`, which writes drawn images, this keeps the source file except for the pixels in its holes
(`vaeaug.inpainting.files`). Provenance: IPTC's `compositeWithTrainedAlgorithmicMedia` (`source_type`).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from PIL import Image, PngImagePlugin

from vaeaug.dataset.mark import read_mark
from vaeaug.export.source_type import SourceType, properties_of, xmp
from vaeaug.inpainting.files.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from vaeaug.inpainting.files.opening import CompletedFile


def encode_completed(file: CompletedFile, pages: Mapping[int, NDArray[Any]], text: Mapping[str, str]) -> bytes:
    """Return a completed file; the same arguments give the same bytes.

    Args:
        pages: page number -> samples with the holes filled.
        text: keyword -> value, written as PNG text chunks and XMP properties; the marks of a (partly) synthetic image
            are added.
    """
    before = read_mark(file.view(0))
    whole = before is not None and before.synthetic == "true"
    fields = {"vaeaug:synthetic": "true" if whole else "partly", **text}
    packet = xmp(SourceType.TRAINED if whole else SourceType.COMPOSITE, properties_of(fields))
    return file.rewritten(pages, Provenance(fields, packet))


def encode_gray(levels_HW: NDArray[np.uint8], text: Mapping[str, str]) -> bytes:
    """Return a gray PNG file of figures, which is not an image of anything."""
    chunks = PngImagePlugin.PngInfo()
    for keyword, value in text.items():
        chunks.add_text(keyword, value)
    stream = io.BytesIO()
    Image.fromarray(levels_HW).save(stream, "PNG", pnginfo=chunks)
    return stream.getvalue()

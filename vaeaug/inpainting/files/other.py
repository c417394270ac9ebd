"""Files of formats that cannot store a completed image.

JPEG and lossy WebP would change its visible pixels; BMP and others cannot store the mark. Their completions are upright
PNG files (for CMYK images, TIFF files) with the metadata of the source.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from vaeaug.dataset.opening import opened
from vaeaug.dataset.rules import DEFAULT_RULES, DecodeRules
from vaeaug.dataset.traits import traits_of
from vaeaug.inpainting.files.decoded import decoded_samples
from vaeaug.inpainting.files.exif import completed_exif
from vaeaug.inpainting.files.png import Chunk, assembled, text_chunk
from vaeaug.inpainting.files.png_rows import encoded_rows
from vaeaug.inpainting.files.provenance import Provenance
from vaeaug.inpainting.files.samples import Samples
from vaeaug.inpainting.files.xmp import merged

_XMP = 700
_IPTC_RESOURCE = 0x0404
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by samples per pixel
_PER_METRE = 1 / 0.0254


class OtherFile:
    """A file that is completed in another format."""

    changed = True

    def __init__(self, data: bytes, rules: DecodeRules = DEFAULT_RULES) -> None:
        self._rules = rules
        self._data = data
        with opened(data, rules.max_megapixels) as image:
            self.frames = traits_of(image, data).frames
            self._info = dict(image.info)
            self._cmyk = image.mode == "CMYK"
        self.pages = 1
        self.suffixes = (".tif", ".tiff") if self._cmyk else (".png",)

    def view(self, page: int) -> bytes:  # noqa: ARG002 (there is one)
        """Return the file."""
        return self._data

    def samples(self, page: int) -> Samples:  # noqa: ARG002 (there is one)
        """Return the upright pixels."""
        return decoded_samples(self._data, self._rules)

    def rewritten(self, pages: Mapping[int, NDArray[Any]], provenance: Provenance) -> bytes:
        """Return a PNG or TIFF file with other pixels, the metadata of the source, and the mark of vaeaug."""
        if self._cmyk:
            return self._tiff(pages[0], provenance)
        values_HWS = pages[0]
        table_K4 = self.samples(0).table_K4
        depth = 8 * values_HWS.dtype.itemsize
        height, width, samples = values_HWS.shape
        kind = 3 if table_K4 is not None else _COLOUR_TYPES[samples]
        chunks = self._metadata()
        if table_K4 is not None:
            chunks.append((b"PLTE", table_K4[:, :3].tobytes()))
            if (table_K4[:, 3] < 255).any():
                chunks.append((b"tRNS", table_K4[:, 3].tobytes()))
        header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
        rows = encoded_rows(values_HWS, depth, indexed=table_K4 is not None, interlaced=False)
        return assembled(header, [*chunks, (b"IDAT", b"")], zlib.compress(rows, 6), provenance, upright=True)

    def _metadata(self) -> list[Chunk]:
        info = self._info
        chunks: list[Chunk] = []
        if profile := info.get("icc_profile"):
            chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(profile)))
        if dpi := info.get("dpi"):
            across, down = (round(float(value) * _PER_METRE) for value in dpi)
            if across > 0 and down > 0:
                chunks.append((b"pHYs", struct.pack(">IIB", across, down, 1)))
        if exif := info.get("exif"):
            chunks.append((b"eXIf", exif))
        if packet := info.get("xmp"):
            text = packet if isinstance(packet, bytes) else str(packet).encode()
            chunks.append((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text))
        if comment := info.get("comment"):
            words = comment if isinstance(comment, str) else bytes(comment).decode(errors="replace")
            chunks.append(text_chunk("Comment", words))
        resources = info.get("photoshop")
        if isinstance(resources, dict) and isinstance(iptc := resources.get(_IPTC_RESOURCE), bytes):
            # As ImageMagick and ExifTool keep IPTC in PNG files.
            listed = f"\niptc\n{len(iptc):8}\n" + "\n".join(_lines(iptc.hex())) + "\n"
            chunks.append((b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(listed.encode())))
        return chunks

    def _tiff(self, values_HWS: NDArray[Any], provenance: Provenance) -> bytes:
        fields = TiffImagePlugin.ImageFileDirectory_v2()
        packet = self._info.get("xmp")
        fields[_XMP] = merged(packet if isinstance(packet, bytes) else None, provenance.packet, upright=True).encode()
        options: dict[str, Any] = {}
        if self._info.get("icc_profile"):
            options["icc_profile"] = self._info["icc_profile"]
        if self._info.get("dpi"):
            options["dpi"] = self._info["dpi"]
        exif = completed_exif(self._info["exif"], upright=True) if self._info.get("exif") else None
        if exif is not None:
            options["exif"] = exif
        stream = io.BytesIO()
        image = Image.fromarray(np.ascontiguousarray(values_HWS), "CMYK")
        image.save(stream, "TIFF", compression="tiff_adobe_deflate", tiffinfo=fields, **options)
        return stream.getvalue()


def _lines(text: str) -> list[str]:
    return [text[start : start + 72] for start in range(0, len(text), 72)]

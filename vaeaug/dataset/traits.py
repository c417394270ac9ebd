"""The traits of an image file before it is decoded, for which readers may see another image than we do."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import BITSPERSAMPLE, TiffImageFile

from vaeaug.dataset.colour import is_visible_profile
from vaeaug.dataset.deep import DEEP_MODES
from vaeaug.dataset.jpeg_tables import JpegTables, tables_from_json, tables_of
from vaeaug.dataset.opening import opened
from vaeaug.dataset.rules import MAX_MEGAPIXELS, RGB

_GRAY = DEEP_MODES | {"1", "L", "LA", "La"}
_ALPHA = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_TRANSPOSED = frozenset({5, 6, 7, 8})  # EXIF orientations that swap height and width
_NEW_SUBFILE_TYPE, _REDUCED = 254, 1  # TIFF 6.0, section 8: bit 0 marks a smaller version of another page
_LOSSY_FORMATS = frozenset({"JPEG", "MPO", "HEIF", "AVIF"})


@dataclass(frozen=True, slots=True)
class FileTraits:
    """The traits of an image file.

    Attributes:
        format: Pillow's name, such as `PNG` or `MPO`.
        orientation: EXIF, 1 to 8; 1 is upright.
        frames: animation frames or pages, without smaller versions, previews and gain maps.
        transparent: it has an alpha channel or a transparent colour.
        profile: it has a colour profile that visibly differs from sRGB.
        deep: more than 8 bits per channel.
    """

    format: str
    mode: str
    orientation: int
    frames: int
    transparent: bool
    profile: bool
    deep: bool
    lossy: bool
    jpeg: JpegTables | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the traits as JSON values."""
        return {name: getattr(self, name) for name in FileTraits.__dataclass_fields__} | {
            "jpeg": None if self.jpeg is None else self.jpeg.to_json()
        }


def traits_from_json(values: Mapping[str, Any]) -> FileTraits:
    """Return traits from `FileTraits.to_json`; raise KeyError, TypeError or ValueError if they are damaged."""
    jpeg = values["jpeg"]
    return FileTraits(**{**values, "jpeg": None if jpeg is None else tables_from_json(jpeg)})


@dataclass(frozen=True, slots=True)
class Header:
    """Size (upright) and traits of an image before its pixels are decoded."""

    height: int
    width: int
    traits: FileTraits

    def gray(self, background: RGB) -> bool:
        """Return whether the file is gray, even if it is transparent over a background."""
        over_colour = self.traits.transparent and len(set(background)) > 1 and not self.deep_gray
        return self.traits.mode in _GRAY and not over_colour

    @property
    def indexed(self) -> bool:
        """Whether the file has a colour table, and no alpha channel next to it."""
        return self.traits.mode == "P"

    @property
    def deep_gray(self) -> bool:
        """Whether the file is gray with more than 8 bits (`levels.py`)."""
        return self.traits.mode in DEEP_MODES


def read_header(data: bytes, max_megapixels: float = MAX_MEGAPIXELS) -> Header:
    """Return an image's size and traits without decoding its pixels; raises as `opened`."""
    with opened(data, max_megapixels) as image:
        traits = traits_of(image, data)
        width, height = image.size
        if traits.orientation in _TRANSPOSED and not isinstance(image, TiffImageFile):
            height, width = width, height
        return Header(height, width, traits)


def read_traits(data: bytes, max_megapixels: float = MAX_MEGAPIXELS) -> FileTraits:
    """Return the traits of an image file; raises as `opened`."""
    return read_header(data, max_megapixels).traits


def traits_of(image: Image.Image, data: bytes) -> FileTraits:
    """Return the traits of an opened file whose pixels are not loaded yet."""
    return FileTraits(
        format=image.format or "",
        mode=image.mode,
        orientation=orientation_of(image),
        frames=_frames(image),
        transparent=image.mode in _ALPHA or "transparency" in image.info,
        profile=is_visible_profile(image),
        deep=image.mode in DEEP_MODES or _is_deep_colour(image, data),
        lossy=_is_lossy(image, data),
        jpeg=tables_of(image),
    )


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 if EXIF is broken, and for a loaded TIFF, which Pillow turns upright."""
    if image.format == "PNG" and "exif" not in image.info:  # Pillow would decode the pixels to look behind them, where
        return 1  # none is left (`png_chunks.py`)
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except (SyntaxError, ValueError, OSError, KeyError, TypeError, struct.error):
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _frames(image: Image.Image) -> int:
    try:
        frames = int(getattr(image, "n_frames", 1))
        if frames > 1 and (isinstance(image, TiffImageFile) or image.format == "MPO"):
            size = image.size
            frames = 1 + sum(_is_a_page(image, number, size) for number in range(1, frames))
            image.seek(0)
    except (EOFError, OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error):
        return 1  # what follows the first is damaged; it is not read
    return frames


def _is_a_page(image: Image.Image, number: int, size: tuple[int, int]) -> bool:
    """Return whether what follows the first page or frame is one too: no smaller version, preview or gain map."""
    image.seek(number)
    if isinstance(image, TiffImageFile):
        kind: int = image.tag_v2.get(_NEW_SUBFILE_TYPE, 0)
        return not kind & _REDUCED
    return image.size == size


def _is_deep_colour(image: Image.Image, data: bytes) -> bool:
    """Return whether Pillow reads only the high byte of each channel."""
    if image.format == "PNG":
        return data[24:25] == b"\x10"
    if isinstance(image, TiffImageFile):
        bits = image.tag_v2.get(BITSPERSAMPLE, (1,))
        return any(each > 8 for each in bits)
    return False


def _is_lossy(image: Image.Image, data: bytes) -> bool:
    if image.format == "WEBP":
        return b"VP8 " in (data[12:16], *_webp_kinds(data))
    if image.format == "JPEG2000":  # ITU-T T.800: the transformation in marker COD, 0 for the irreversible one
        offset = data.find(b"\xff\x52")
        return offset >= 0 and data[offset + 13 : offset + 14] == b"\0"
    return image.format in _LOSSY_FORMATS or "jpeg" in str(image.info.get("compression", ""))


def _webp_kinds(data: bytes) -> list[bytes]:
    kinds = []
    offset = 12
    while offset + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, offset)
        kinds.append(kind)
        if kind == b"ANMF":  # the frame's chunks follow its header of 16 bytes
            offset += 24
            continue
        offset += 8 + length + length % 2
    return kinds

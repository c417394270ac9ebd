"""Turn the bytes of an image file into 8-bit gray or RGB pixels, by fixed rules.

The rules, by the file's mode:

- **gray** (8-bit, bilevel, gray with alpha, 16-bit, 32-bit, float) becomes gray; **everything else** becomes RGB, even
  where its channels are equal, because synthetic images are written in the mode of the user's files. A palette image
  is gray if all its pixels are.
- **alpha**, and a transparent colour or palette entry, is composed over white.
- **16-bit gray** is scaled from the full range of the type: 65535 becomes 255, rounded. (Of 48-bit RGB, Pillow keeps
  the high byte.)
- **32-bit integers**: values within 0 ... 255 are taken as they are, within 0 ... 65535 as 16-bit; a PNG is always
  16-bit. Other values are refused, since nobody can tell their range.
- **float**: values within 0 ... 1 are multiplied by 255, within 0 ... 255 taken as they are, both rounded; others are
  refused.
- **CMYK, YCbCr, LAB** become RGB by Pillow's conversion; colour profiles are not applied.
- **Orientation** in EXIF is applied. Of several frames or pages the first is taken.
- The **format** is read from the content, whatever the name says: PNG, JPEG, BMP, WebP, TIFF.
- **Decompression bombs**: more pixels than Pillow's `Image.MAX_IMAGE_PIXELS` are refused before they are decoded.

Resizing is to exactly (height, width), whatever the image's own proportions, with an antialiased Lanczos filter. A JPEG
of more than twice that size is decoded at a reduced size first (its own scaling by powers of two). Images of an indexed
dataset (`palette.py`) are resized by taking the nearest pixel instead, so that no colours are mixed.
"""

from __future__ import annotations

import io
import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from vaeaug.dataset.palette import MOST_COLOURS, ColourTable

DECODE_RULE = 2
"""Raised whenever a change above or in `palette.py` changes pixels, so that caches by another rule are not used."""

Mode = Literal["L", "RGB"]

_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF")  # MPO, the JPEG of many phones, is opened as JPEG
_GRAY = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
_TRANSPOSED = frozenset({5, 6, 7, 8})  # EXIF orientations that swap height and width
_TURNS = {  # EXIF orientation -> what sets the image upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadableImageError(Exception):
    """An image file cannot be decoded; the message is the reason, a few words."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes of an image file tell.

    Attributes:
        height: in pixels, after the rotation that EXIF asks for as far as the first bytes tell it.
        width: likewise.
        gray: the file's mode is a gray one.
        indexed: the file has a colour table.
    """

    height: int
    width: int
    gray: bool
    indexed: bool


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A decoded and resized image.

    Attributes:
        pixels_HWC: uint8, C = 1 for mode `L` and 3 for `RGB`.
        height: of the file's image in pixels, after EXIF rotation and before resizing.
        width: likewise.
        mode: `L` or `RGB`, by the file's mode.
    """

    pixels_HWC: NDArray[np.uint8]
    height: int
    width: int
    mode: Mode


def read_file(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        UnreadableImageError: it is missing, may not be read, is empty, or is no regular file.
    """
    try:
        with open(path, "rb", opener=_open_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise UnreadableImageError("not a regular file")
            data = stream.read()
    except OSError as error:
        raise UnreadableImageError((error.strerror or str(error)).lower()) from error
    if not data:
        raise UnreadableImageError("the file is empty")
    return data


def read_header(data: bytes) -> Header:
    """Return an image's size and kind without decoding its pixels.

    Raises:
        UnreadableImageError: this is no image in a format that is read, or a decompression bomb.
    """
    try:
        with _opened(data) as image:
            width, height = image.size
            # A PNG may carry its EXIF behind the pixels and a TIFF is turned by Pillow: decoding knows better.
            early = image.format != "TIFF" and ("exif" in image.info or image.format in ("JPEG", "MPO"))
            if early and _orientation(image) in _TRANSPOSED:
                height, width = width, height
            return Header(height, width, image.mode in _GRAY, image.mode == "P")
    except UnreadableImageError:
        raise
    except Exception as error:
        raise UnreadableImageError(_reason(error)) from error


def decode(data: bytes, height: int, width: int, *, indexed: bool = False) -> DecodedImage:
    """Decode an image file and resize it.

    Args:
        data: the file's content.
        height: of the result, in pixels.
        width: of the result, in pixels.
        indexed: resize as images of an indexed dataset are, so that every pixel has a colour of the file.

    Returns:
        The pixels by the rules above, a function of the arguments alone.

    Raises:
        UnreadableImageError: the content cannot be decoded; says why.
    """
    try:
        with _opened(data) as image:
            file_width, file_height = image.size
            side = 2 * max(height, width)
            if not indexed:
                image.draft(None, (side, side))
            image.load()
            if image.format == "TIFF":  # Pillow turns it while it loads it
                file_width, file_height = image.size
            orientation = _orientation(image)
            if orientation in _TRANSPOSED:
                file_width, file_height = file_height, file_width
            turned = image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
            plain = eight_bit(turned, image.format or "")
    except UnreadableImageError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly everything on broken content
        raise UnreadableImageError(_reason(error)) from error
    mode: Mode = "L" if plain.mode == "L" else "RGB"
    if plain.size != (width, height):
        if indexed:
            plain = plain.resize((width, height), Image.Resampling.NEAREST)
        else:
            plain = plain.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels = np.asarray(plain, dtype=np.uint8).reshape(height, width, -1)
    return DecodedImage(pixels, file_height, file_width, mode)


def decode_upright(data: bytes) -> Image.Image:
    """Decode an image file at its own size and in its own mode, set upright as its EXIF asks.

    Its `format` is the file's and its `info` holds the file's transparency. `eight_bit` makes it what `decode` resizes.

    Raises:
        UnreadableImageError: as `decode`.
    """
    try:
        with _opened(data) as image:
            image.load()
            orientation = _orientation(image)
            upright = image.transpose(_TURNS[orientation]) if orientation in _TURNS else image.copy()
            upright.format = image.format
            return upright
    except UnreadableImageError:
        raise
    except Exception as error:
        raise UnreadableImageError(_reason(error)) from error


def read_colour_table(data: bytes) -> ColourTable | None:
    """Return the colours of a palette file as `decode` gives them, and which of them it uses; None for other files.

    Raises:
        UnreadableImageError: as `decode`.
    """
    try:
        with _opened(data) as image:
            image.load()
            if image.mode != "P":
                return None
            used_K = np.bincount(np.asarray(image).reshape(-1), minlength=MOST_COLOURS) > 0
            listed = image.getpalette() or []
            every = Image.frombytes("P", (MOST_COLOURS, 1), bytes(range(MOST_COLOURS)))
            every.putpalette(listed)
            every.info |= image.info  # its transparency
            colours_K3 = np.asarray(eight_bit(every, "").convert("RGB"))[0]
    except UnreadableImageError:
        raise
    except Exception as error:
        raise UnreadableImageError(_reason(error)) from error
    length = max(len(listed) // 3, 1 + int(np.flatnonzero(used_K)[-1]))  # a pixel may lie beyond a damaged table
    return ColourTable(colours_K3[:length], used_K[:length])


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file so that a named pipe does not wait for a writer that never comes."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _opened(data: bytes) -> Image.Image:
    """Open an image lazily and refuse a bomb, where Pillow would only warn."""
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError as error:
        raise UnreadableImageError("not a PNG, JPEG, BMP, WebP or TIFF image") from error
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        size = f"{image.width}x{image.height}"
        image.close()
        raise UnreadableImageError(f"{size} pixels are more than the limit of {limit} (a decompression bomb?)")
    return image


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; broken EXIF says nothing about the pixels and counts as 1."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except (SyntaxError, ValueError, OSError, KeyError, TypeError, struct.error):
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def eight_bit(image: Image.Image, file_format: str) -> Image.Image:
    """Return an image in mode L or RGB, by the rules above.

    Args:
        image: of any mode.
        file_format: of its file, such as `PNG`.

    Raises:
        UnreadableImageError: its values are of no range that the rules know.
    """
    mode = image.mode
    if mode in ("P", "PA"):
        return _gray_if_equal(_over_white(image) if _is_transparent(image) else image.convert("RGB"))
    if mode.startswith("I") or mode == "F":
        return Image.fromarray(_scaled(np.asarray(image), mode, file_format))
    if _is_transparent(image):
        flat = _over_white(image)
        return flat.convert("L") if mode in _GRAY else flat
    return image.convert("L" if mode in _GRAY else "RGB")


def _is_transparent(image: Image.Image) -> bool:
    return image.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info


def _over_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _gray_if_equal(image: Image.Image) -> Image.Image:
    red, green, blue = image.split()
    equal = red.tobytes() == green.tobytes() == blue.tobytes()
    return red if equal else image


def _scaled(values: NDArray[np.generic], mode: str, file_format: str) -> NDArray[np.uint8]:
    """Scale values of more than 8 bits to 0 ... 255."""
    low, high = float(values.min()), float(values.max())
    exact: NDArray[np.float32] = values.astype(np.float32)  # 16-bit integers are exact in it
    if mode == "F":
        if not (low >= 0 and high <= 255):  # a NaN compares false and is refused too
            raise UnreadableImageError(f"float values from {low:g} to {high:g}; save it with values from 0 to 1")
        factor = 255.0 if high <= 1 else 1.0
    elif mode == "I":
        if low < 0 or high > 65535:
            raise UnreadableImageError(f"32-bit values from {low:.0f} to {high:.0f}; save it with 8 or 16 bits")
        factor = 1 / 257 if high > 255 or file_format == "PNG" else 1.0
    else:
        factor = 1 / 257
    scaled: NDArray[np.uint8] = np.floor(exact * np.float32(factor) + np.float32(0.5)).astype(np.uint8)
    return scaled


def _reason(error: Exception) -> str:
    """Return the first line of what a decoder said."""
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__

"""Turn the bytes of an image file into 8-bit gray or RGB pixels, by fixed rules.

- **Format** (`formats.py`): detected from the content. Only the first frame or page is used.
- **Size** (`opening.py`): up to `DecodeRules.max_megapixels`. Threads share a budget of pixels, so memory is bounded.
- **Gray or colour**: gray modes (8-bit, bilevel, gray with alpha, 16-bit, 32-bit, float) become gray; everything else
  becomes RGB, even if its channels are equal, because synthetic images have the mode of the user's files. A palette
  image is gray if all its pixels are.
- **Colours** (`colour.py`): sRGB. Transparent pixels are composited over `DecodeRules.background`.
- **More than 8 bits** (`levels.py`): gray values map linearly from `DecodeRules.levels`. Of 48-bit colour and 32-bit
  gray with alpha, Pillow reads the high byte of each channel.
- **Orientation** (EXIF, XMP or TIFF) is applied.

Images are resized to exactly (height, width) with an antialiased Lanczos filter; a much larger JPEG is first decoded at
a reduced size. Images of an indexed dataset (`palette.py`) take the nearest pixel, so that no colours are mixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from vaeaug.dataset.colour import flatten, split_alpha
from vaeaug.dataset.deep import DEEP_MODES, deep_values
from vaeaug.dataset.levels import DeepValues, Levels, levels_of_one
from vaeaug.dataset.opening import UnreadableImageError, opened, read_file, room_for
from vaeaug.dataset.palette import MAX_COLOURS, ColourTable
from vaeaug.dataset.rules import DEFAULT_RULES, RGB, DecodeRules
from vaeaug.dataset.traits import FileTraits, orientation_of, traits_of

__all__ = [
    "DECODE_RULE",
    "DecodedImage",
    "FullImage",
    "Mode",
    "UnreadableImageError",
    "decode",
    "decode_full",
    "decode_upright",
    "eight_bit",
    "read_colour_table",
    "read_deep_values",
    "read_file",
]

DECODE_RULE = 3
"""Raised whenever a change of the rules changes pixels, so that caches by another rule are not used."""

Mode = Literal["L", "RGB"]

_ROTATIONS = {  # EXIF orientation -> what sets the image upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class FullImage:
    """A decoded image at its own size, upright and in sRGB.

    Attributes:
        pixels_HWC: uint8, C = 1 or 3; for deep gray images uint16, C = 1 (`Levels.store`).
    """

    pixels_HWC: NDArray[Any]
    alpha_HW: NDArray[np.uint8] | None
    levels: Levels | None
    traits: FileTraits

    def eight_bit(self) -> NDArray[np.uint8]:
        """Return what a model sees before resizing: uint8, (H, W, 1 or 3)."""
        return self.pixels_HWC if self.levels is None else self.levels.to_8_bits(self.pixels_HWC)


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A decoded and resized image.

    Attributes:
        height: of the original, upright.
        value_range: smallest and largest value of a deep gray image, as stored in 16-bit files.
    """

    pixels_HWC: NDArray[np.uint8]
    height: int
    width: int
    mode: Mode
    traits: FileTraits
    value_range: tuple[int, int] | None = None


def decode(
    data: bytes, height: int, width: int, *, rules: DecodeRules = DEFAULT_RULES, indexed: bool = False
) -> DecodedImage:
    """Decode an image file and resize it, with `indexed` without mixing colours."""
    with opened(data, rules.max_megapixels) as image:
        traits = traits_of(image, data)
        file_size = image.size
        if not indexed:
            side = 2 * max(height, width)
            image.draft(None, (side, side))
        with room_for(image):
            image.load()
            if isinstance(image, TiffImageFile):  # Pillow turns it while it loads it
                file_size = image.size
            orientation = orientation_of(image)
            file_width, file_height = file_size[::-1] if orientation >= 5 else file_size
            small, value_range = _resized(image, orientation, (width, height), rules, indexed=indexed)
    mode: Mode = "L" if small.mode == "L" else "RGB"
    return DecodedImage(_pixels(small), file_height, file_width, mode, traits, value_range)


def decode_full(data: bytes, rules: DecodeRules = DEFAULT_RULES) -> FullImage:
    """Decode an image file at its own size; otherwise as `decode`."""
    with opened(data, rules.max_megapixels) as image:
        traits = traits_of(image, data)
        with room_for(image):
            image.load()
            return FullImage(*_full(image, rules, keep_alpha=rules.keep_alpha and traits.transparent), traits)


def read_deep_values(data: bytes, rules: DecodeRules = DEFAULT_RULES) -> DeepValues | None:
    """Return the values of a gray file of more than 8 bits, upright; None for other files. Raises as `decode`."""
    with opened(data, rules.max_megapixels) as image:
        if image.mode not in DEEP_MODES:
            return None
        with room_for(image):
            image.load()
            return _upright_values(image)


def decode_upright(data: bytes, rules: DecodeRules = DEFAULT_RULES) -> Image.Image:
    """Decode an image file at its own size and in its own mode, upright; `format` and `info` are those of the file."""
    with opened(data, rules.max_megapixels) as image, room_for(image):
        image.load()
        orientation = orientation_of(image)
        upright = _rotated(image, orientation) if orientation in _ROTATIONS else image.copy()
        upright.format = image.format
        return upright


def eight_bit(image: Image.Image, file_format: str, rules: DecodeRules = DEFAULT_RULES) -> Image.Image:
    """Return an image in mode L or RGB, by the rules above."""
    if image.mode in DEEP_MODES:
        image.format = image.format or file_format
        sixteen_HW, levels = _sixteen_bits(image, rules)
        return Image.fromarray(levels.to_8_bits(sixteen_HW))
    return flatten(image, rules.background)


def read_colour_table(data: bytes, rules: DecodeRules = DEFAULT_RULES) -> ColourTable | None:
    """Return the colours of a palette file, and which of them it uses; None for other files. Raises as `decode`."""
    with opened(data, rules.max_megapixels) as image:
        with room_for(image):
            image.load()
            if image.mode != "P":
                return None
            used_K = np.bincount(np.asarray(image).reshape(-1), minlength=MAX_COLOURS) > 0
            listed = image.getpalette() or []
        table_image = Image.frombytes("P", (MAX_COLOURS, 1), bytes(range(MAX_COLOURS)))
        table_image.putpalette(listed)
        table_image.info |= image.info  # its transparency and its colour profile
        colours_K3 = np.asarray(flatten(table_image, rules.background).convert("RGB"))[0]
    length = max(len(listed) // 3, 1 + int(np.flatnonzero(used_K)[-1]))  # a pixel may lie beyond a damaged table
    return ColourTable(colours_K3[:length], used_K[:length])


def _resized(
    image: Image.Image, orientation: int, size: tuple[int, int], rules: DecodeRules, *, indexed: bool
) -> tuple[Image.Image, tuple[int, int] | None]:
    """Return a loaded image upright, in mode L or RGB and resized, and the range of its values if it is deep."""
    value_range = None
    if image.mode in DEEP_MODES:
        sixteen_HW, levels = _sixteen_bits(image, rules)
        value_range = int(sixteen_HW.min()), int(sixteen_HW.max())
        plain = Image.fromarray(levels.to_8_bits(sixteen_HW))
    else:
        plain = flatten(_rotated(image, orientation), rules.background)
    if plain.size == size:
        return plain.copy(), value_range
    if indexed:
        return plain.resize(size, Image.Resampling.NEAREST), value_range
    return plain.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0), value_range


def _full(
    image: Image.Image, rules: DecodeRules, *, keep_alpha: bool
) -> tuple[NDArray[Any], NDArray[np.uint8] | None, Levels | None]:
    if image.mode in DEEP_MODES:
        sixteen_HW, levels = _sixteen_bits(image, rules)
        return sixteen_HW[..., None], None, levels
    rotated = _rotated(image, orientation_of(image))
    if not keep_alpha:
        return _pixels(flatten(rotated, rules.background)), None, None
    colours, alpha = split_alpha(rotated)
    return _pixels(colours), None if alpha is None else np.array(alpha), None


def _sixteen_bits(image: Image.Image, rules: DecodeRules) -> tuple[NDArray[np.uint16], Levels]:
    """Return the upright values of a deep gray image as 16-bit files have them, and the levels of these."""
    values = _upright_values(image)
    levels = rules.levels or levels_of_one(values)
    sixteen_HW = levels.store(values)
    key = image.info.get("transparency")
    if isinstance(key, int):  # a transparent gray of a 16-bit PNG
        background = np.full(1, _luma(rules.background), np.uint8)
        sixteen_HW = np.where(values.values_HW == key, levels.to_16_bits(background), sixteen_HW)
    return sixteen_HW, levels


def _upright_values(image: Image.Image) -> DeepValues:
    values = deep_values(image)
    orientation = orientation_of(image)
    x_HW = values.values_HW
    x_HW = x_HW.T if orientation >= 5 else x_HW
    if orientation in (2, 3, 6, 7):
        x_HW = x_HW[:, ::-1]
    if orientation in (3, 4, 7, 8):
        x_HW = x_HW[::-1]
    return DeepValues(np.ascontiguousarray(x_HW), values.unsigned_16)


def _luma(colour: RGB) -> int:
    return Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0))  # type: ignore[return-value]  # one band


def _rotated(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_ROTATIONS[orientation]) if orientation in _ROTATIONS else image


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    return np.array(image, dtype=np.uint8).reshape(image.height, image.width, -1)

"""Convert the colours of files to 8-bit gray or sRGB, over a background.

- **Colour profiles** (ICC) are applied, unless they change no colour of a grid by more than `VISIBLE` levels, are
  broken, or belong to another kind of image (one for RGB in a gray file).
- **CMYK** with a profile is converted by it; without one, and YCbCr, by Pillow; LAB by LittleCMS.
- **Transparent** pixels are composited over the background, in sRGB.
- Gray stays gray, over a gray background. A palette image is gray if all its pixels are.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
from PIL import Image, ImageCms

from vaeaug.dataset.rules import RGB

VISIBLE = 2
"""Largest difference in 8-bit levels that a profile may make and still count as sRGB."""

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in a gray value: ITU-R BT.601, as in Pillow."""

_SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # ICC.1, 7.2.6: the colour space of a profile -> mode
_GRID = np.linspace(0, 255, 17).round().astype(np.uint8)
_GRAY = frozenset({"1", "L", "LA", "La"})
_ALPHA = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})


@dataclass(frozen=True, slots=True)
class _Correction:
    """Takes colours to sRGB: by a table of grays, or by a transform of LittleCMS."""

    by: ImageCms.ImageCmsTransform | list[int]

    def __call__(self, image: Image.Image) -> Image.Image:
        if isinstance(self.by, list):
            return image.point(self.by)
        return cast(Image.Image, ImageCms.applyTransform(image, self.by))  # None only if changed in place


def is_transparent(image: Image.Image) -> bool:
    """Return whether an image has an alpha channel or a transparent colour."""
    return image.mode in _ALPHA or "transparency" in image.info


def is_visible_profile(image: Image.Image) -> bool:
    """Return whether an image has a profile that visibly changes its colours."""
    return _correction(image) is not None


def flatten(image: Image.Image, background: RGB) -> Image.Image:
    """Return a loaded image, except a deep gray one (`deep.py`), as 8-bit L or RGB, by the rules above."""
    colours, alpha = split_alpha(image)
    if alpha is not None:
        if colours.mode == "L" and len(set(background)) == 1:
            ground = Image.new("L", colours.size, background[0])
        else:
            ground = Image.new("RGB", colours.size, background)
        ground.paste(colours, mask=alpha)
        colours = ground
    return _gray_if_equal(colours) if image.mode in ("P", "PA") else colours


def split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the sRGB colours of an image in mode L or RGB, and its alpha in mode L, or None if it has no alpha."""
    gray = image.mode in _GRAY
    correct = _correction(image)
    if image.mode == "CMYK" and correct is not None:
        return correct(image), None
    alpha = None
    if is_transparent(image):
        both = _in_mode(image, "LA" if gray else "RGBA")
        alpha = both.getchannel("A")
        image = both
    colours = _in_mode(image, "L" if gray else "RGB")
    return colours if correct is None else correct(colours), alpha


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode and "transparency" not in image.info else image.convert(mode)


def _correction(image: Image.Image) -> _Correction | None:
    """Return what takes the colours of an image to sRGB, or None if they are sRGB or count as it."""
    profile = image.info.get("icc_profile")
    if not profile:
        return None
    mode = "L" if image.mode in _GRAY else "CMYK" if image.mode == "CMYK" else "RGB"
    return _correction_of(profile, mode)


@lru_cache(maxsize=64)
def _correction_of(profile: bytes, mode: str) -> _Correction | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _SPACES.get(source.profile.xcolor_space) != mode:
            return None
        # LittleCMS would take grays through a table too coarse for dark ones.
        flags = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB", flags=flags)
        if mode == "CMYK":
            return _Correction(transform)
        grid = _grid(mode)
        corrected = np.asarray(ImageCms.applyTransform(grid, transform)).astype(np.int16)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    before = np.asarray(grid.convert("RGB")).astype(np.int16)
    if np.abs(corrected - before).max() <= VISIBLE:
        return None
    return _Correction(transform if mode == "RGB" else corrected[0, :, 1].tolist())


def _grid(mode: str) -> Image.Image:
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    axes = np.stack(np.meshgrid(_GRID, _GRID, _GRID, indexing="ij"), axis=-1)
    return Image.fromarray(axes.reshape(1, -1, 3))


def _gray_if_equal(image: Image.Image) -> Image.Image:
    if image.mode == "L":
        return image
    red, green, blue = image.split()
    equal = red.tobytes() == green.tobytes() == blue.tobytes()
    return red if equal else image

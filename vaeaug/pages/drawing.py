"""Fonts, colours and resized images for the pictures that Pillow draws."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFont, features

PAPER, INK, MUTED, ACCENT = (255, 255, 255), (15, 23, 42), (100, 116, 139), (79, 70, 229)

Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont


def font_of(size: int) -> Font:
    """Return Pillow's font at a size in pixels; without FreeType there is only one size."""
    return ImageFont.load_default(size) if features.check("freetype2") else ImageFont.load_default()


def printable(label: str, font: Font) -> str:
    """Return the label on one line, with "?" for what the font cannot show."""
    line = " ".join(label.split())
    if isinstance(font, ImageFont.FreeTypeFont):
        return "".join(character if character.isprintable() else "?" for character in line)
    return line.encode("latin-1", "replace").decode("latin-1")


def shortened(label: str, width: int, font: Font) -> str:
    """Return the label, cut with an ellipsis if it is wider than `width` pixels."""
    if font.getlength(label) <= width:
        return label
    while label and font.getlength(label + "...") > width:
        label = label[:-1]
    return label.rstrip() + "..."


def pillow_image(image_HWC: NDArray[np.uint8]) -> Image.Image:
    """Return a uint8 array (H, W, 1 or 3) as an image of mode "L" or "RGB"."""
    return Image.fromarray(image_HWC[:, :, 0] if image_HWC.shape[2] == 1 else image_HWC)


def enlarged(image_HWC: NDArray[np.uint8], factor: int) -> Image.Image:
    """Return a uint8 array (H, W, 1 or 3) as an image, with each pixel repeated `factor` times in both directions."""
    image = pillow_image(image_HWC)
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def fit_size(width: int, height: int, max_width: int, max_height: int) -> tuple[int, int]:
    """Return the size (width, height), reduced to fit the limits with the proportions kept; never enlarged."""
    scale = min(1.0, max_width / width, max_height / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def fit(image: Image.Image, max_width: int, max_height: int) -> Image.Image:
    """Return the image, reduced if it exceeds the limits."""
    size = fit_size(image.width, image.height, max_width, max_height)
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)

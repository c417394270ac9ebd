"""Pictures of a path between two images: a strip, a film that goes there and back, and its single frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vaeaug.pages.lettering import ACCENT, MUTED, PAPER, font_of, printable, shortened
from vaeaug.pages.strips import pillow_image

VIEWED = 112
"""Pixels at which an image is shown, about: small ones are enlarged by a whole factor, pixel for pixel."""

FRAME_MS, END_MS = 90, 700
_GAP, _MARGIN, _CAPTION, _SIDE_GAP = 4, 16, 26, 20


def viewing_factor(height: int, width: int) -> int:
    """Return the whole factor by which images of a model are enlarged to be looked at."""
    return max(1, round(VIEWED / max(height, width)))


def enlarged(image_HWC: NDArray[np.uint8], factor: int) -> Image.Image:
    """Return an image (H, W, 1 or 3), each pixel repeated, so that what one sees is what was decoded."""
    image = pillow_image(image_HWC)
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def path_strip(
    real: Sequence[NDArray[np.uint8]], path: Sequence[NDArray[np.uint8]], names: Sequence[str], factor: int
) -> Image.Image:
    """Draw a path in a row: the first real image, what is decoded from end to end, the second real image.

    Args:
        real: the two images, uint8 (H, W, C), as the model sees them.
        path: what is decoded, the reconstructions of both first and last.
        names: the classes that the real images are taken as, which stand over them.
        factor: by which all are enlarged.

    Returns:
        An RGB image.
    """
    height, width = (side * factor for side in real[0].shape[:2])
    inner = len(path) * (width + _GAP) - _GAP
    left = _MARGIN + width + _SIDE_GAP
    right = left + inner + _SIDE_GAP
    sheet = Image.new("RGB", (right + width + _MARGIN, _MARGIN + _CAPTION + height + _MARGIN), PAPER)
    draw, font = ImageDraw.Draw(sheet), font_of(15)
    top = _MARGIN + _CAPTION
    for x, image_HWC, name in zip((_MARGIN, right), real, names, strict=True):
        sheet.paste(enlarged(image_HWC, factor), (x, top))
        draw.text((x, _MARGIN), shortened(printable(f"real, as {name}", font), width + _SIDE_GAP, font), MUTED, font)
    for number, image_HWC in enumerate(path):
        sheet.paste(enlarged(image_HWC, factor), (left + number * (width + _GAP), top))
    draw.text((left, _MARGIN), "reconstruction", ACCENT, font)
    if len(path) > 3:
        draw.text((left + inner, _MARGIN), "reconstruction", ACCENT, font, anchor="ra")
    return sheet


def write_film(path: Path, images: Sequence[NDArray[np.uint8]], factor: int) -> None:
    """Write a GIF that goes from the first image to the last and back, for ever, and rests at both ends."""
    there = [enlarged(image_HWC, factor) for image_HWC in images]
    frames = [*there, *there[-2:0:-1]]
    rests = [END_MS if number in (0, len(there) - 1) else FRAME_MS for number in range(len(frames))]
    # Pillow would merge frames that look alike, and with them their times: then the film would not rest evenly.
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=rests, loop=0, disposal=1, optimize=False)

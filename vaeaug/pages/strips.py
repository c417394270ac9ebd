"""Images side by side: a row of images, and the path between two images as a strip and as a GIF."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vaeaug.pages.drawing import (
    ACCENT,
    MUTED,
    PAPER,
    enlarged,
    fit,
    fit_size,
    font_of,
    pillow_image,
    printable,
    shortened,
)

SIDE = 64
"""Longest side in pixels at which `strip` shows images; larger ones are reduced."""

GAP = 2
"""Pixels between two images of `strip`."""

PATH_SIDE = 112
"""Approximate longest side in pixels at which images of a path are shown; they are enlarged by a whole factor."""

FRAME_MS, END_MS = 90, 700
_GAP, _MARGIN, _CAPTION, _SIDE_GAP = 4, 16, 26, 20


def strip(images_HWC: Sequence[NDArray[np.uint8]], cell: tuple[int, int], count: int) -> Image.Image:
    """Return up to `count` images in a row, each centred in a cell (width, height), on a transparent background.

    Larger images are reduced to the cell, smaller ones keep their size. The mode is "LA" if all are gray, otherwise
    "RGBA".
    """
    width, height = cell
    shown = [pillow_image(image_HWC) for image_HWC in images_HWC[:count]]
    mode = "LA" if all(image.mode == "L" for image in shown) else "RGBA"
    row = Image.new(mode, (count * (width + GAP) - GAP, height))
    for position, image in enumerate(shown):
        fitted = fit(image, width, height)
        corner = (position * (width + GAP) + (width - fitted.width) // 2, (height - fitted.height) // 2)
        row.paste(fitted.convert(mode), corner)
    return row


def common_cell(images: Iterable[NDArray[np.uint8]], side: int = SIDE) -> tuple[int, int]:
    """Return the smallest cell (width, height) for all images, each reduced to at most `side` pixels."""
    sizes = [fit_size(image.shape[1], image.shape[0], side, side) for image in images]
    return max((size[0] for size in sizes), default=side), max((size[1] for size in sizes), default=side)


def path_factor(height: int, width: int) -> int:
    """Return the default factor by which images of a path are enlarged."""
    return max(1, round(PATH_SIDE / max(height, width)))


def path_strip(
    real: Sequence[NDArray[np.uint8]], path: Sequence[NDArray[np.uint8]], names: Sequence[str], factor: int
) -> Image.Image:
    """Draw a path in a row: the first real image, the decoded images, the second real image.

    Args:
        real: the two images at the model's size, uint8 (H, W, 1 or 3).
        path: the decoded images; the first and the last are the reconstructions of `real`.
        names: the class assigned to each real image, written above it.
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


def write_gif(path: Path, images: Sequence[NDArray[np.uint8]], factor: int) -> None:
    """Write a GIF that loops from the first image to the last and back, with a pause at both ends."""
    forward = [enlarged(image_HWC, factor) for image_HWC in images]
    frames = [*forward, *forward[-2:0:-1]]
    durations = [END_MS if number in (0, len(forward) - 1) else FRAME_MS for number in range(len(frames))]
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=durations, loop=0, disposal=1, optimize=False
    )

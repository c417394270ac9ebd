"""Images side by side, small: the building block of the contact sheet and of the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 64
"""The longest side at which images are shown; larger ones are reduced."""

GAP = 2
"""Pixels between two images."""


@dataclass(frozen=True, slots=True)
class ContactRow:
    """Some images of one class.

    Attributes:
        label: the class name.
        real: uint8 arrays (H, W, 1 or 3), of any sizes.
        synthetic: the same of synthetic images; not chosen by looks, or it misleads.
    """

    label: str
    real: Sequence[NDArray[np.uint8]]
    synthetic: Sequence[NDArray[np.uint8]]


def strip(images_HWC: Sequence[NDArray[np.uint8]], cell: tuple[int, int], count: int) -> Image.Image:
    """Return up to `count` images in a row, each centred in a cell, on a transparent ground.

    Args:
        images_HWC: uint8 arrays (H, W, 1 or 3).
        cell: width and height of a cell; images that do not fit are reduced, smaller ones stay as they are.
        count: cells in the row; empty ones stay transparent.

    Returns:
        An image of mode "LA" if all are gray, else "RGBA".
    """
    width, height = cell
    shown = [pillow_image(image_HWC) for image_HWC in images_HWC[:count]]
    mode = "LA" if all(image.mode == "L" for image in shown) else "RGBA"
    row = Image.new(mode, (count * (width + GAP) - GAP, height))
    for place, image in enumerate(shown):
        fitted = fit(image, width, height)
        corner = (place * (width + GAP) + (width - fitted.width) // 2, (height - fitted.height) // 2)
        row.paste(fitted.convert(mode), corner)
    return row


def common_cell(images: Iterable[NDArray[np.uint8]], side: int = SIDE) -> tuple[int, int]:
    """Return the least (width, height) that holds every image, none of them shown larger than `side`."""
    sizes = [fit_size(image.shape[1], image.shape[0], side, side) for image in images]
    return max((size[0] for size in sizes), default=side), max((size[1] for size in sizes), default=side)


def fit_size(width: int, height: int, most_wide: int, most_high: int) -> tuple[int, int]:
    """Return the size of an image reduced into a frame with its proportions kept; never enlarged."""
    scale = min(1.0, most_wide / width, most_high / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def fit(image: Image.Image, most_wide: int, most_high: int) -> Image.Image:
    """Return the image, reduced where it does not fit into the frame."""
    size = fit_size(image.width, image.height, most_wide, most_high)
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def pillow_image(image_HWC: NDArray[np.uint8]) -> Image.Image:
    """Return an array (H, W, 1 or 3) as an image of mode "L" or "RGB"."""
    return Image.fromarray(image_HWC[:, :, 0] if image_HWC.shape[2] == 1 else image_HWC)

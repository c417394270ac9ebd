"""`gallery.html`: the most anomalous images of a dataset, and the most suspicious labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vaeaug.pages.drawing import pillow_image
from vaeaug.pages.embedded_images import Picture, captioned, choose_encoding, display_size
from vaeaug.pages.html_page import write_page

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IMAGE_BYTES = 2_400_000
"""Bytes of all images of the page together, at most."""

MAX_ERROR = 0.5
"""The absolute error from which on errors are shown in the last colour."""

_HEAT = np.array([[0, 0, 0], [75, 10, 110], [190, 45, 90], [250, 140, 30], [255, 245, 170]], dtype=np.float64)
"""Colours of errors from 0 to `MAX_ERROR`: their brightness rises evenly, so that they are readable without hue."""


@dataclass(frozen=True, slots=True)
class GalleryCard:
    """One image.

    Attributes:
        pictures: the image first.
        numbers: name -> value as text; the one used for the ranking first.
    """

    name: str
    line: str
    pictures: Sequence[Picture]
    numbers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Gallery:
    """The content of the page.

    Attributes:
        by: what images are ranked by, and what that means.
        anomalous: highest score first.
        labels: most suspicious first; empty if labels were not scored.
        suspicious: number of suspicious labels in all.
        size: the model's image size, "64 x 64".
    """

    title: str
    summary: str
    by: str
    images: int
    anomalous: Sequence[GalleryCard]
    labels: Sequence[GalleryCard] = ()
    suspicious: int = 0
    size: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    warnings: Sequence[str] = ()


def heat(error_HW: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return absolute errors in [0, 1] as colours, uint8 (H, W, 3): black is 0, pale yellow `MAX_ERROR` or more."""
    position_HW = np.clip(error_HW / MAX_ERROR, 0, 1) * (len(_HEAT) - 1)
    stops = np.arange(len(_HEAT))
    channels = [np.interp(position_HW, stops, _HEAT[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=2).round().astype(np.uint8)


def write_gallery(path: Path, data: Gallery) -> None:
    """Write the page. It loads nothing and runs no script; the same data give the same bytes."""
    cards = (data.anomalous, data.labels)
    encoding = choose_encoding(
        [picture.image for part in cards for card in part for picture in card.pictures], IMAGE_BYTES
    )
    sections = [
        [(card, captioned(card.pictures, encoding, after=f" of {card.name}")) for card in part] for part in cards
    ]
    write_page(path, "anomaly_gallery.html.jinja", data=data, sections=sections, full_error=MAX_ERROR)


def resized_to_file(pixels_HWC: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return a model-sized uint8 picture, resized to the proportions and displayed size of its file in pixels."""
    model_height, model_width = pixels_HWC.shape[:2]
    size = display_size(width, height)
    if size == display_size(model_width, model_height):
        return pixels_HWC
    resized = np.asarray(pillow_image(pixels_HWC).resize(size, Image.Resampling.BICUBIC))
    return resized.reshape(size[1], size[0], -1)

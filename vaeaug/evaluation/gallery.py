"""`gallery.html`: the strangest images of a dataset, and the most suspicious labels."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from vaeaug.evaluation.page import write_page
from vaeaug.evaluation.strip import fit, pillow_image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIDE = 128
"""Longest side at which an image is embedded; larger ones are reduced."""

FULL_ERROR = 0.5
"""The absolute error that is shown in the last colour, and every larger one."""

SHOWN_AT = 96
"""CSS pixels at which the longer side of a picture is shown."""

_HEAT = np.array([[0, 0, 0], [75, 10, 110], [190, 45, 90], [250, 140, 30], [255, 245, 170]], dtype=np.float64)
"""Colours of errors from 0 to `FULL_ERROR`: their brightness rises evenly, so that they read without hue too."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a card.

    Attributes:
        caption: what it is, a word or two.
        pixels_HWC: uint8, C = 1 (gray) or 3 (RGB).
    """

    caption: str
    pixels_HWC: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class GalleryCard:
    """An image.

    Attributes:
        name: of the file.
        line: its class, and what the model takes it for.
        pictures: the image first.
        numbers: name -> value, the one that it is ranked by first.
    """

    name: str
    line: str
    pictures: Sequence[Picture]
    numbers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Gallery:
    """What the page says.

    Attributes:
        title: the name of the output.
        summary: the result in one sentence.
        by: what images are ranked by, and what that means.
        strangest: the highest scores, highest first.
        labels: images whose labels are the most suspicious, most suspicious first; empty where labels are not judged.
        suspicious: how many labels are suspicious in all.
        settings: how it was made: name -> value.
        warnings: what the user should look at.
    """

    title: str
    summary: str
    by: str
    strangest: Sequence[GalleryCard]
    labels: Sequence[GalleryCard] = ()
    suspicious: int = 0
    settings: Mapping[str, object] = field(default_factory=dict)
    warnings: Sequence[str] = ()


def heat(error_HW: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return absolute errors in [0, 1] as colours, uint8 (H, W, 3): black is 0, pale yellow `FULL_ERROR` or more."""
    place_HW = np.clip(error_HW / FULL_ERROR, 0, 1) * (len(_HEAT) - 1)
    steps = np.arange(len(_HEAT))
    channels = [np.interp(place_HW, steps, _HEAT[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=2).round().astype(np.uint8)


def write_gallery(path: Path, data: Gallery) -> None:
    """Write the page; it loads nothing, runs no script, and the same data give the same bytes.

    Args:
        path: the file.
        data: what it says. Any name is shown as it is: nothing in it becomes markup.
    """
    sections = [[_shown(card) for card in cards] for cards in (data.strangest, data.labels)]
    write_page(path, "gallery.html.jinja", data=data, sections=sections, full_error=FULL_ERROR)


def _shown(card: GalleryCard) -> dict[str, object]:
    """Return what the template needs of a card."""
    return {
        "name": card.name,
        "line": card.line,
        "pictures": [embedded_picture(picture, card.name) for picture in card.pictures],
        "numbers": card.numbers,
    }


def embedded_picture(picture: Picture, name: str, shown_at: int = SHOWN_AT) -> dict[str, object]:
    """Return what a template needs of a picture.

    Args:
        picture: the picture.
        name: what it is of.
        shown_at: CSS pixels of its longer side.
    """
    image = fit(pillow_image(picture.pixels_HWC), SIDE, SIDE)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    scale = shown_at / max(image.size)
    return {
        "caption": picture.caption,
        "source": f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}",
        "width": round(image.width * scale),
        "height": round(image.height * scale),
        "enlarged": scale > 1,
        "text": f"{picture.caption} of {name}",
    }

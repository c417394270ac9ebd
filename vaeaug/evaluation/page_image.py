"""Images as a page shows them: thumbnails at their own proportions, and what a click on one opens.

Small images are embedded losslessly and enlarged by a whole factor, so that single pixels are visible. Larger ones are
embedded reduced; a click opens the file where the page is beside it, else the embedded image at its full size.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from vaeaug.dataset.decode import UnreadableImageError, decode_upright, eight_bit, read_file
from vaeaug.evaluation.strip import fit, fit_size, pillow_image

SHOWN_AT = 160
"""CSS pixels of the longest side of a thumbnail, at most."""

EXACT = 64
"""Longest side in pixels up to which images are embedded without loss and at their full size."""

LINKED_SIDE = 320
"""Longest side at which images are embedded whose file a click opens: twice `SHOWN_AT`, for dense screens."""

_SIDES = (512, 320, 240, 160, 128, 112, 96, 64)
"""Longest sides at which images are embedded, largest first. The first that fits into the room is taken."""

_PROBES = 24
"""Images that are encoded to estimate the size of all."""


@dataclass(frozen=True, slots=True)
class PageImage:
    """An image to be shown.

    Attributes:
        source: its file; or its pixels, uint8 (H, W, 1 or 3).
        link: its file relative to the page, with forward slashes; empty if no file is beside the page.
        name: what it is called; empty if it has no name.
    """

    source: Path | NDArray[np.uint8]
    link: str = ""
    name: str = ""


Images = Sequence[PageImage]


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """An image as it is in the page.

    Attributes:
        data: the embedded file, as a `data:` address.
        width: CSS pixels at which it is shown.
        height: likewise.
        size: width and height of the image itself, in pixels.
        enlarged: whether it is shown larger than it is.
        transparent: whether some of it is.
        href: address of its file relative to the page; empty if there is none.
        opens_file: whether a click opens that file; otherwise the embedded image is shown at its full size.
        name: what it is called.
        text: alternative text.
    """

    data: str
    width: int
    height: int
    size: tuple[int, int]
    enlarged: bool
    transparent: bool
    href: str
    opens_file: bool
    name: str
    text: str


def read_shown(source: Path | NDArray[np.uint8]) -> Image.Image | None:
    """Return an image in mode L, RGB or RGBA, upright and at its own size; None if its file cannot be read."""
    if not isinstance(source, Path):
        return pillow_image(source)
    try:
        image = decode_upright(read_file(source))
        if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
            rgba = image.convert("RGBA")
            if rgba.getchannel("A").getextrema() != (255, 255):
                return rgba
        return eight_bit(image, image.format or "")
    except UnreadableImageError:
        return None


def shown_size(width: int, height: int, most: int = SHOWN_AT) -> tuple[int, int]:
    """Return the size in CSS pixels at which an image is shown: enlarged by a whole factor, or reduced to `most`."""
    longest = max(width, height)
    if longest > most:
        return fit_size(width, height, most, most)
    factor = most // longest
    return width * factor, height * factor


def thumbnail(image: PageImage, text: str, side: int = LINKED_SIDE) -> Thumbnail | None:
    """Return an image as it is in a page, or None if its file cannot be read.

    Args:
        image: the image.
        text: alternative text.
        side: longest side in pixels at which it is embedded, at least `EXACT`.
    """
    shown = read_shown(image.source)
    if shown is None:
        return None
    data, media = _encoded(_reduced(image, shown, side))
    # What is embedded at a lower resolution than that of the screen is shown smaller, not blurred.
    width, height = shown_size(*shown.size, most=min(SHOWN_AT, max(side, EXACT)))
    return Thumbnail(
        data=f"data:image/{media};base64,{base64.b64encode(data).decode()}",
        width=width,
        height=height,
        size=shown.size,
        enlarged=width > shown.width,
        transparent=shown.mode == "RGBA",
        href=_href(image.link),
        opens_file=bool(image.link) and max(shown.size) > EXACT,
        name=image.name or PurePosixPath(image.link).name,
        text=text,
    )


def side_for(images: Images, room: int) -> int:
    """Return the longest side at which all images together take no more than their room, or the smallest there is.

    Args:
        images: all images of a section; a few of them are encoded.
        room: bytes of all embedded files together; their text is a third longer.
    """
    if not images:
        return _SIDES[0]
    probes = [
        (image, fit(shown, _SIDES[0], _SIDES[0]))
        for image in images[:: -(-len(images) // _PROBES)]
        if (shown := read_shown(image.source)) is not None
    ]
    for side in _SIDES[:-1]:
        size = sum(len(_encoded(_reduced(image, shown, side))[0]) for image, shown in probes)
        if size * len(images) <= room * len(probes):
            return side
    return _SIDES[-1]


def _reduced(image: PageImage, shown: Image.Image, side: int) -> Image.Image:
    """Return what is embedded of an image."""
    most = max(EXACT, min(side, LINKED_SIDE) if image.link else side)
    return fit(shown, most, most)


_WEBP: dict[str, Any] = {"quality": 80, "method": 4}


def _encoded(image: Image.Image) -> tuple[bytes, str]:
    """Return the embedded file of an image, and its kind."""
    stream = io.BytesIO()
    if max(image.size) > EXACT and features.check("webp"):
        image.save(stream, "WEBP", **_WEBP)
        return stream.getvalue(), "webp"
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue(), "png"


def _href(link: str) -> str:
    """Return the address of a file by its path relative to the page, whatever characters its name has."""
    return f"./{quote(link.encode(errors='surrogateescape'))}" if link else ""

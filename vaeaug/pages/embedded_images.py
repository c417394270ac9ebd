"""Images of a page: thumbnails at their own proportions, and the target of a click.

Small images are embedded losslessly and enlarged by a whole factor, so that single pixels are visible. Larger ones are
embedded reduced; a click opens the file where the page is next to it, otherwise the embedded image at its full size.
"""

from __future__ import annotations

import base64
import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from vaeaug.dataset.decode import decode_full
from vaeaug.dataset.opening import UnreadableImageError, read_file
from vaeaug.dataset.rules import DEFAULT_RULES, DecodeRules
from vaeaug.pages.drawing import fit, fit_size, pillow_image

MAX_DISPLAY_SIDE = 160
"""CSS pixels of the longest side of a thumbnail, at most."""

MAX_EXACT_SIDE = 64
"""Longest side in pixels up to which images are embedded at their full size, and without loss if there is room."""

LINKED_SIDE = 320
"""Longest side at which images are embedded whose file a click opens: twice `MAX_DISPLAY_SIDE`, for dense screens."""

_PROBES = 24
"""Images that are encoded to estimate the size of all."""


@dataclass(frozen=True, slots=True)
class PageImage:
    """An image to be shown.

    Attributes:
        source: its file; or its pixels, uint8 (H, W, 1 or 3).
        link: its file relative to the page, with forward slashes; empty if no file is next to the page.
        rules: how the file is decoded; transparency is always kept.
    """

    source: Path | NDArray[np.uint8]
    link: str = ""
    name: str = ""
    rules: DecodeRules = DEFAULT_RULES


Images = Sequence[PageImage]


@dataclass(frozen=True, slots=True)
class ImageEncoding:
    """How the images of a section are embedded.

    Attributes:
        side: longest side in pixels; larger images are reduced to it.
        exact: whether images of up to `MAX_EXACT_SIDE` pixels are lossless.
    """

    side: int
    exact: bool = True


_ENCODINGS = (
    *map(ImageEncoding, (512, 320, 240, 160, 128, 112, 96)),
    ImageEncoding(112, exact=False),
    ImageEncoding(MAX_EXACT_SIDE, exact=False),
)
"""The forms, best first. The first one that fits into the room is taken."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """An image in the page.

    Attributes:
        width: CSS pixels at which it is shown; `height` likewise.
        size: width and height of the image itself, in pixels.
        href: address of its file relative to the page; empty if there is none.
        opens_file: whether a click opens that file; otherwise the embedded image is shown at its full size.
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


@dataclass(frozen=True, slots=True)
class Picture:
    """An image with a caption.

    Attributes:
        kind: CSS class: `real` for an image of the user, `made` for one of the model, empty otherwise.
    """

    caption: str
    image: PageImage
    kind: str = ""


def read_image(image: PageImage) -> Image.Image | None:
    """Return an image in mode L, RGB or RGBA, upright and at its own size; None if its file cannot be read."""
    if not isinstance(image.source, Path):
        return pillow_image(image.source)
    try:
        full = decode_full(read_file(image.source), dataclasses.replace(image.rules, keep_alpha=True))
    except UnreadableImageError:
        return None
    shown = pillow_image(full.eight_bit())
    if full.alpha_HW is not None and full.alpha_HW.min() < 255:
        shown = shown.convert("RGB")
        shown.putalpha(Image.fromarray(full.alpha_HW))
    return shown


def display_size(width: int, height: int, max_side: int = MAX_DISPLAY_SIDE) -> tuple[int, int]:
    """Return the displayed size in CSS pixels: enlarged by an integer factor, or reduced to `max_side`."""
    longest = max(width, height)
    if longest > max_side:
        return fit_size(width, height, max_side, max_side)
    factor = max_side // longest
    return width * factor, height * factor


def thumbnail(image: PageImage, text: str, encoding: ImageEncoding) -> Thumbnail | None:
    """Return an image as it is in a page, or None if its file cannot be read."""
    shown = read_image(image)
    if shown is None:
        return None
    data, media = _encoded(image, shown, encoding)
    # What is embedded at a lower resolution than that of the screen is shown smaller, not blurred.
    width, height = display_size(
        *shown.size,
        max_side=MAX_DISPLAY_SIDE if max(shown.size) <= MAX_EXACT_SIDE else min(MAX_DISPLAY_SIDE, encoding.side),
    )
    return Thumbnail(
        data=f"data:image/{media};base64,{base64.b64encode(data).decode()}",
        width=width,
        height=height,
        size=shown.size,
        enlarged=width > shown.width,
        transparent=shown.mode == "RGBA",
        href=_href(image.link),
        opens_file=bool(image.link) and max(shown.size) > MAX_EXACT_SIDE,
        name=image.name or PurePosixPath(image.link).name,
        text=text,
    )


def captioned(
    pictures: Sequence[Picture], encoding: ImageEncoding, *, before: str = "", after: str = ""
) -> list[tuple[str, str, Thumbnail]]:
    """Return (caption, CSS class, thumbnail) of each readable picture; alternative text is before + caption + after."""
    shown = ((picture, thumbnail(picture.image, f"{before}{picture.caption}{after}", encoding)) for picture in pictures)
    return [(picture.caption, picture.kind, image) for picture, image in shown if image is not None]


def choose_encoding(images: Images, max_bytes: int) -> ImageEncoding:
    """Return the best encoding in which all images fit into `max_bytes`, or the smallest one.

    A few of the images are encoded to estimate the size; the base64 text is a third longer.
    """
    largest = _ENCODINGS[0].side
    probes = [
        (image, fit(shown, largest, largest))
        for image in images[:: -(-len(images) // _PROBES) or 1]
        if (shown := read_image(image)) is not None
    ]
    for encoding in _ENCODINGS[:-1]:
        size = sum(len(_encoded(image, shown, encoding)[0]) for image, shown in probes)
        if size * len(images) <= max_bytes * len(probes):
            return encoding
    return _ENCODINGS[-1]


def _encoded(image: PageImage, shown: Image.Image, encoding: ImageEncoding) -> tuple[bytes, str]:
    small = max(shown.size) <= MAX_EXACT_SIDE
    side = min(encoding.side, LINKED_SIDE) if image.link else encoding.side
    stream = io.BytesIO()
    if (small and encoding.exact) or not features.check("webp"):
        fit(shown, side, side).save(stream, "PNG", optimize=True)
        return stream.getvalue(), "png"
    fit(shown, side, side).save(stream, "WEBP", quality=80, method=3)
    return stream.getvalue(), "webp"


def _href(link: str) -> str:
    """Return the address of a file by its path relative to the page, whatever characters its name has."""
    return f"./{quote(link.encode(errors='surrogateescape'))}" if link else ""

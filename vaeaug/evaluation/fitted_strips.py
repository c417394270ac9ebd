"""Strips of images as they stand in a page: as many and as large as the page has room for."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import features

from vaeaug.evaluation.strip import GAP, common_cell, strip

Images = Sequence[NDArray[np.uint8]]
"""uint8 arrays (H, W, 1 or 3), of any sizes."""

_OPTIONS: dict[str, dict[str, Any]] = {"PNG": {"optimize": True}, "WEBP": {"quality": 80, "method": 4}}

_SHOWN_AT = 56
"""CSS pixels at which an image is shown at the least."""

_MANY = 16
"""From so many rows on, each shows half the images."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip of images as it stands in the page.

    Attributes:
        source: the file itself, as a `data:` address.
        width: at which it is shown, in CSS pixels.
        height: likewise.
        enlarged: whether that is larger than it is, so that pixels are to be seen.
        text: what it shows, for whoever does not see it.
    """

    source: str
    width: int
    height: int
    enlarged: bool
    text: str


@dataclass(frozen=True, slots=True)
class StripForm:
    """What all strips of a section have in common.

    Attributes:
        cell: width and height of an image, in pixels; larger ones are reduced.
        most: images a strip.
        kind: of file: "PNG" is exact, "WEBP" smaller.
    """

    cell: tuple[int, int]
    most: int
    kind: str

    def strip(self, images: Images, what: str, of: str) -> Strip | None:
        """Return the first images in a strip, or None where there are none.

        Args:
            images: any number of them.
            what: kind of images, in a word.
            of: what they show.
        """
        data = self.encoded(images)
        if not data:
            return None
        count, (width, height) = min(self.most, len(images)), self.cell
        scale = max(1, round(_SHOWN_AT / max(self.cell)))
        media = "png" if data.startswith(b"\x89PNG") else "webp"
        return Strip(
            source=f"data:image/{media};base64,{base64.b64encode(data).decode()}",
            width=(count * (width + GAP) - GAP) * scale,
            height=height * scale,
            enlarged=scale > 1,
            text=f"{count} {what} image{'s' if count > 1 else ''} of {of}",
        )

    def encoded(self, images: Images) -> bytes:
        """Return the file of a strip, or nothing where there are no images."""
        if len(images) == 0:  # it may be an array
            return b""
        buffer = io.BytesIO()
        strip(images, self.cell, min(self.most, len(images))).save(buffer, self.kind, **_OPTIONS[self.kind])
        return buffer.getvalue()


def form_for(rows: Sequence[Sequence[Images]], room: int) -> StripForm:
    """Return the form in which the strips of all rows take no more than their room, or the smallest there is.

    Judged by a few rows: encoding hundreds of classes over and over takes longer than the rest of the page.

    Args:
        rows: at least one; the images of each strip of a row.
        room: bytes of all files together; a third more as text.
    """
    lossy = "WEBP" if features.check("webp") else "PNG"
    probe = rows[:: -(-len(rows) // 8)]
    for most, side, kind in ((8, 64, "PNG"), (8, 64, lossy), (4, 64, lossy), (4, 48, lossy), (2, 32, lossy)):
        cell = common_cell([image for row in rows for images in row for image in images], side)
        form = StripForm(cell, min(most, 8 if len(rows) < _MANY else 4), kind)
        size = sum(len(form.encoded(images)) for row in probe for images in row)
        if size * len(rows) / len(probe) <= room:
            break
    return form

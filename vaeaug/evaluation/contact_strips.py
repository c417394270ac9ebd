"""Images of each class in strips, as they stand in a page: as many and as large as the page has room for."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import features

from vaeaug.evaluation.strip import ContactRow, common_cell, strip

IMAGE_BYTES = 600_000
"""Most bytes of all images on the page together; a third more as text. With more classes each shows fewer images."""

_OPTIONS: dict[str, dict[str, Any]] = {"PNG": {"optimize": True}, "WEBP": {"quality": 80, "method": 4}}

_SHOWN_AT = 56
"""CSS pixels at which an image is shown at the least."""

_MANY = 16
"""From so many classes on, each shows half the images."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip of images as it stands in the page."""

    source: str
    width: int
    height: int
    enlarged: bool
    text: str


@dataclass(frozen=True, slots=True)
class ContactEntry:
    """One class on the contact sheet."""

    label: str
    real: Strip | None
    synthetic: Strip | None


def contact_entries(rows: Sequence[ContactRow]) -> Iterator[ContactEntry]:
    """Yield the classes with as many images as the page has room for."""
    if not rows:
        return
    cell, count, kind = _manner(rows)
    for row in rows:
        yield ContactEntry(
            row.label,
            *(
                _picture(_encoded(images, cell, count, kind), cell, min(count, len(images)), name, row.label)
                for name, images in (("real", row.real), ("synthetic", row.synthetic))
            ),
        )


def _manner(rows: Sequence[ContactRow]) -> tuple[tuple[int, int], int, str]:
    """Return the cell, the images a strip and the kind of file with which the images take no more than their room.

    Judged by a few rows: encoding hundreds of classes over and over takes longer than the rest of the page.
    """
    lossy = "WEBP" if features.check("webp") else "PNG"
    probe = rows[:: -(-len(rows) // 8)]
    for most, side, kind in ((8, 64, "PNG"), (8, 64, lossy), (4, 64, lossy), (4, 48, lossy), (2, 32, lossy)):
        count = min(most, 8 if len(rows) < _MANY else 4)
        cell = common_cell(rows, side)
        size = sum(len(_encoded(images, cell, count, kind)) for row in probe for images in (row.real, row.synthetic))
        if size * len(rows) / len(probe) <= IMAGE_BYTES:
            break
    return cell, count, kind


def _encoded(images: Sequence[NDArray[np.uint8]], cell: tuple[int, int], count: int, kind: str) -> bytes:
    """Return a strip of images as a file ("PNG" is exact, "WEBP" smaller), or nothing where there are no images."""
    if len(images) == 0:  # it may be an array
        return b""
    buffer = io.BytesIO()
    strip(images, cell, min(count, len(images))).save(buffer, kind, **_OPTIONS[kind])
    return buffer.getvalue()


def _picture(data: bytes, cell: tuple[int, int], count: int, kind: str, label: str) -> Strip | None:
    if not data:
        return None
    scale = max(1, round(_SHOWN_AT / max(cell)))
    width = (count * (cell[0] + 2) - 2) * scale
    text = f"{count} {kind} image{'s' if count > 1 else ''} of {label}"
    media = "png" if data.startswith(b"\x89PNG") else "webp"
    source = f"data:image/{media};base64,{base64.b64encode(data).decode()}"
    return Strip(source, width, cell[1] * scale, scale > 1, text)

"""Labelled grids of images: real and synthetic images of each class, and traversals of latent dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vaeaug.pages.drawing import ACCENT, INK, MUTED, PAPER, enlarged, font_of, printable, shortened
from vaeaug.pages.strips import GAP, common_cell, strip

CONTACT_SIDE = 56
"""Approximate longest side in pixels at which a contact sheet shows images; it enlarges them by a whole factor."""

TRAVERSAL_SIDE = 84
"""Minimum longest side in pixels at which a traversal sheet shows images."""

_MARGIN, _GAP, _LABEL_GAP = 24, 4, 20


@dataclass(frozen=True, slots=True)
class ContactRow:
    """Some images of one class.

    Attributes:
        real: uint8 arrays (H, W, 1 or 3), of any sizes.
    """

    label: str
    real: Sequence[NDArray[np.uint8]]
    synthetic: Sequence[NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class TraversalRow:
    """One dimension.

    Attributes:
        name: such as `z12`.
        measure: how much of an image it encodes, such as `2.31 nats`.
        images: uint8 (H, W, 1 or 3), one per column.
    """

    name: str
    measure: str
    images: Sequence[NDArray[np.uint8]]


def contact_sheet(rows: Sequence[ContactRow], *, columns: int = 8) -> Image.Image:
    """Draw real images on the left and synthetic ones on the right, one row per class, `columns` images per side."""
    cell = common_cell(image for row in rows for image in (*row.real, *row.synthetic))
    scale = max(1, round(CONTACT_SIDE / max(cell)))
    font, bold = font_of(15), font_of(16)
    row_height = cell[1] * scale + GAP * scale + 6
    strip_width = (columns * (cell[0] + GAP) - GAP) * scale
    label_width = min(180, max(round(font.getlength(printable(row.label, font))) for row in rows))
    left = _MARGIN + label_width + 20
    right = left + strip_width + 32
    top = _MARGIN + 30
    sheet = Image.new("RGB", (right + strip_width + _MARGIN, top + len(rows) * row_height + _MARGIN - 6), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((left, _MARGIN), "real", MUTED, bold)
    draw.text((right, _MARGIN), "synthetic", ACCENT, bold)
    for number, row in enumerate(rows):
        y = top + number * row_height
        label = shortened(printable(row.label, font), label_width, font)
        draw.text((left - 20, y + cell[1] * scale // 2), label, INK, font, anchor="rm")
        for x, images in ((left, row.real), (right, row.synthetic)):
            line = strip(images, cell, columns).convert("RGBA")
            line = line.resize((line.width * scale, line.height * scale), Image.Resampling.NEAREST)
            sheet.paste(line, (x, y), line)
    return sheet


def traversal_factor(height: int, width: int) -> int:
    """Return the default factor by which images of a traversal sheet are enlarged."""
    return math.ceil(TRAVERSAL_SIDE / max(height, width))


def traversal_sheet(title: str, columns: Sequence[str], rows: Sequence[TraversalRow], factor: int) -> Image.Image:
    """Draw one row per latent dimension and one column per step along it; images are enlarged by `factor`."""
    height, width = (side * factor for side in rows[0].images[0].shape[:2])
    font, bold = font_of(15), font_of(18)
    label = max(round(font.getlength(text)) for row in rows for text in (row.name, row.measure))
    left, top = _MARGIN + label + _LABEL_GAP, _MARGIN + 34 + 26
    inner = len(columns) * (width + _GAP) - _GAP
    needed = max(left + inner, _MARGIN + min(round(bold.getlength(title)), 900)) + _MARGIN
    sheet = Image.new("RGB", (needed, top + len(rows) * (height + _GAP) - _GAP + _MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN), shortened(printable(title, bold), needed - 2 * _MARGIN, bold), INK, bold)
    for number, text in enumerate(columns):
        draw.text((left + number * (width + _GAP) + width // 2, top - 24), text, MUTED, font, anchor="ma")
    for number, row in enumerate(rows):
        y = top + number * (height + _GAP)
        draw.text((left - _LABEL_GAP, y + height // 2 - 10), row.name, ACCENT, font, anchor="rm")
        draw.text((left - _LABEL_GAP, y + height // 2 + 10), row.measure, MUTED, font, anchor="rm")
        for column, image_HWC in enumerate(row.images):
            sheet.paste(enlarged(image_HWC, factor), (left + column * (width + _GAP), y))
    return sheet

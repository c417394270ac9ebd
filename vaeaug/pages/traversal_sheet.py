"""A picture of what latent dimensions do: a row a dimension, a column a step along it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vaeaug.pages.lettering import ACCENT, INK, MUTED, PAPER, font_of, printable, shortened
from vaeaug.pages.path_pictures import enlarged

_GAP, _MARGIN, _LABEL = 4, 24, 20


@dataclass(frozen=True, slots=True)
class TraversalRow:
    """One dimension.

    Attributes:
        name: of the dimension, `z12`.
        worth: what it says of an image, `2.31 nats`.
        images: uint8 (H, W, C), one a column.
    """

    name: str
    worth: str
    images: Sequence[NDArray[np.uint8]]


def traversal_sheet(title: str, columns: Sequence[str], rows: Sequence[TraversalRow], factor: int) -> Image.Image:
    """Draw the labelled grid.

    Args:
        title: what is moved, on one line.
        columns: what stands over each column.
        rows: at least one, each with as many images as there are columns.
        factor: by which images are enlarged.

    Returns:
        An RGB image.
    """
    height, width = (side * factor for side in rows[0].images[0].shape[:2])
    font, bold = font_of(15), font_of(18)
    label = max(round(font.getlength(text)) for row in rows for text in (row.name, row.worth))
    left, top = _MARGIN + label + _LABEL, _MARGIN + 34 + 26
    inner = len(columns) * (width + _GAP) - _GAP
    needed = max(left + inner, _MARGIN + min(round(bold.getlength(title)), 900)) + _MARGIN
    sheet = Image.new("RGB", (needed, top + len(rows) * (height + _GAP) - _GAP + _MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN), shortened(printable(title, bold), needed - 2 * _MARGIN, bold), INK, bold)
    for number, text in enumerate(columns):
        draw.text((left + number * (width + _GAP) + width // 2, top - 24), text, MUTED, font, anchor="ma")
    for number, row in enumerate(rows):
        y = top + number * (height + _GAP)
        draw.text((left - _LABEL, y + height // 2 - 10), row.name, ACCENT, font, anchor="rm")
        draw.text((left - _LABEL, y + height // 2 + 10), row.worth, MUTED, font, anchor="rm")
        for column, image_HWC in enumerate(row.images):
            sheet.paste(enlarged(image_HWC, factor), (left + column * (width + _GAP), y))
    return sheet

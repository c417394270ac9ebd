"""A picture of real images beside synthetic ones, class by class: what one looks at before any figure."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from vaeaug.pages.lettering import ACCENT, INK, MUTED, PAPER, font_of, printable, shortened
from vaeaug.pages.strips import GAP, ContactRow, common_cell, strip

_MARGIN = 24
_CELL = 56
"""Pixels at which an image is shown at the least; smaller ones are enlarged by a whole factor, pixel for pixel."""


def contact_sheet(rows: Sequence[ContactRow], *, columns: int = 8) -> Image.Image:
    """Draw the labelled grid: real images on the left, synthetic ones on the right, a row a class.

    Small images are enlarged by repeating pixels, so that what one sees is what is in the files.

    Args:
        rows: one a class, at least one.
        columns: images a class and side; more are left out, fewer leave room.

    Returns:
        An RGB image.
    """
    cell = common_cell(image for row in rows for image in (*row.real, *row.synthetic))
    scale = max(1, round(_CELL / max(cell)))
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

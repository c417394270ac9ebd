"""Letters and colours of the pictures that are drawn: the same in all of them."""

from __future__ import annotations

from typing import TypeAlias

from PIL import ImageFont, features

PAPER, INK, MUTED, ACCENT = (255, 255, 255), (15, 23, 42), (100, 116, 139), (79, 70, 229)

Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont


def font_of(size: int) -> Font:
    """Return the letters of a picture; of one size only where Pillow was built without FreeType."""
    return ImageFont.load_default(size) if features.check("freetype2") else ImageFont.load_default()


def printable(label: str, font: Font) -> str:
    """Return the label on one line, in characters that the font has."""
    line = " ".join(label.split())
    if isinstance(font, ImageFont.FreeTypeFont):
        return "".join(character if character.isprintable() else "?" for character in line)
    return line.encode("latin-1", "replace").decode("latin-1")


def shortened(label: str, width: int, font: Font) -> str:
    """Return the label, cut with an ellipsis where it is wider than `width` pixels."""
    if font.getlength(label) <= width:
        return label
    while label and font.getlength(label + "...") > width:
        label = label[:-1]
    return label.rstrip() + "..."

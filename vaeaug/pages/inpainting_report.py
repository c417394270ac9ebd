"""`report.html` of completed images: what was missing, and the completions, form by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vaeaug.pages.anomaly_gallery import Picture
from vaeaug.pages.embedded_images import form_for, thumbnail
from vaeaug.pages.html_page import write_page

if TYPE_CHECKING:
    from pathlib import Path

IMAGE_BYTES = 1_500_000
"""Bytes of all images of the page together, at most."""


@dataclass(frozen=True, slots=True)
class ShownCompletion:
    """An image and its completions.

    Attributes:
        name: of the file.
        caption: its class, and how much was missing.
        pictures: the image with its holes marked, the mask, completions, and where these differ.
    """

    name: str
    caption: str
    pictures: Sequence[Picture]


@dataclass(frozen=True, slots=True)
class CompletionsPage:
    """What the page says.

    Attributes:
        title: the name of the output.
        summary: the result in one sentence.
        shown: the first images by name; a selection by quality would mislead.
        images: how many were completed.
        settings: name -> value.
        warnings: each a sentence.
    """

    title: str
    summary: str
    shown: Sequence[ShownCompletion]
    images: int
    settings: Mapping[str, object] = field(default_factory=dict)
    warnings: Sequence[str] = ()


def write_completions_page(path: Path, data: CompletionsPage) -> None:
    """Write the page. It loads nothing and runs no script; the same data give the same bytes."""
    images = [picture.image for row in data.shown for picture in row.pictures]
    form = form_for(images, IMAGE_BYTES)
    rows = [
        {
            "name": row.name,
            "caption": row.caption,
            "pictures": [
                (picture.caption, picture.kind, shown)
                for picture in row.pictures
                if (shown := thumbnail(picture.image, f"{row.name}, {picture.caption}", form)) is not None
            ],
        }
        for row in data.shown
    ]
    write_page(path, "completions.html.jinja", data=data, rows=rows)

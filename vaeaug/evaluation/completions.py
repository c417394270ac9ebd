"""`report.html` of completed images: what was missing, and what it was completed to, side by side."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PIL import Image, features

from vaeaug.evaluation.page import write_page
from vaeaug.evaluation.strip import fit

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 224
"""Longest side at which an image is shown; larger ones are reduced."""

_LEAST = 112
"""CSS pixels at which the longer side is shown at the least; smaller images are enlarged pixel by pixel."""

_LOSSLESS = 64
"""Longest side of images that are embedded without loss."""


@dataclass(frozen=True, slots=True)
class ShownCompletion:
    """An image and what it was completed to.

    Attributes:
        name: of the file.
        caption: its class, and how much was missing.
        hidden: the image, its holes marked.
        mask: the holes, white.
        completions: some of them.
        uncertainty: where they differ, or None.
    """

    name: str
    caption: str
    hidden: Image.Image
    mask: Image.Image
    completions: Sequence[Image.Image]
    uncertainty: Image.Image | None = None


@dataclass(frozen=True, slots=True)
class CompletionsPage:
    """What the page says.

    Attributes:
        title: the name of the output.
        summary: the result in one sentence.
        shown: some images, not picked by looks.
        more: how many images are not shown.
        settings: how it was done: name -> value.
        warnings: what the user should look at.
    """

    title: str
    summary: str
    shown: Sequence[ShownCompletion]
    more: int = 0
    settings: Mapping[str, object] = field(default_factory=dict)
    warnings: Sequence[str] = ()


def write_completions_page(path: Path, data: CompletionsPage) -> None:
    """Write the page; it loads nothing, runs no script, and the same data give the same bytes."""
    rows = [
        {
            "name": row.name,
            "caption": row.caption,
            "pictures": [
                _picture("as it was", row.hidden),
                _picture("missing", row.mask),
                *(
                    _picture("completed" if len(row.completions) == 1 else f"completion {number}", image)
                    for number, image in enumerate(row.completions)
                ),
                *([] if row.uncertainty is None else [_picture("where they differ", row.uncertainty)]),
            ],
        }
        for row in data.shown
    ]
    write_page(path, "completions.html.jinja", data=data, rows=rows)


def _picture(kind: str, image: Image.Image) -> dict[str, Any]:
    """Return an image as it stands in the page."""
    shown = fit(image, SIDE, SIDE)
    longest = max(shown.size)
    factor = max(1, -(-_LEAST // longest))
    stream = io.BytesIO()
    if longest <= _LOSSLESS or not features.check("webp"):
        shown.save(stream, "PNG", optimize=True)
        kind_of_file = "png"
    else:
        shown.convert("RGBA" if "A" in shown.mode else "RGB").save(stream, "WEBP", quality=85, method=4)
        kind_of_file = "webp"
    return {
        "kind": kind,
        "source": f"data:image/{kind_of_file};base64,{base64.b64encode(stream.getvalue()).decode()}",
        "width": shown.width * factor,
        "height": shown.height * factor,
        "enlarged": factor > 1,
    }

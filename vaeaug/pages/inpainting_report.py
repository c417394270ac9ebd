"""`report.html` of completed images: what was missing, and the completions, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from vaeaug.pages.embedded_images import PageImage, Picture, captioned, choose_encoding
from vaeaug.pages.html_page import write_page

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

IMAGE_BYTES = 1_500_000
"""Bytes of all images of the page together, at most."""

MAX_IMAGES, MAX_COMPLETIONS = 12, 4
"""Images that the page shows, and completions of each image, at most."""

_HOLE = np.array([79, 70, 229], dtype=np.uint8)
"""The colour of missing pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class CompletionExample:
    """An image and its completions.

    Attributes:
        caption: its class, and how much was missing.
        original_HWC: as the model sees it, uint8, C = 1 or 3.
        completions: at least one.
        std_HW: standard deviation of the completions in any unit; None for one completion.
    """

    name: str
    caption: str
    original_HWC: NDArray[np.uint8]
    missing_HW: NDArray[np.bool_]
    completions: Sequence[PageImage]
    std_HW: NDArray[np.uint8] | None = None

    def pictures(self) -> list[Picture]:
        """Return the image with its holes marked, the mask, the completions, and where they differ."""
        marked_HW3 = np.where(self.missing_HW[..., None], _HOLE, self.original_HWC).astype(np.uint8)
        mask_HW1 = self.missing_HW[..., None].astype(np.uint8) * np.uint8(255)
        single = len(self.completions) == 1
        return [
            Picture("original", PageImage(marked_HW3), "real"),
            Picture("missing", PageImage(mask_HW1)),
            *(
                Picture("completed" if single else f"completion {number}", image, "made")
                for number, image in enumerate(self.completions)
            ),
            *([] if self.std_HW is None else [Picture("standard deviation", PageImage(_brightened(self.std_HW)))]),
        ]


@dataclass(frozen=True, slots=True)
class CompletionsPage:
    """The content of the page; `shown` are the first images by name, because a selection by quality would mislead."""

    title: str
    summary: str
    shown: Sequence[CompletionExample]
    images: int
    settings: Mapping[str, object] = field(default_factory=dict)
    warnings: Sequence[str] = ()


def write_completions_page(path: Path, data: CompletionsPage) -> None:
    """Write the page. It loads nothing and runs no script; the same data give the same bytes."""
    rows = [(row, row.pictures()) for row in data.shown]
    encoding = choose_encoding([picture.image for _, pictures in rows for picture in pictures], IMAGE_BYTES)
    shown = [(row, captioned(pictures, encoding, before=f"{row.name}, ")) for row, pictures in rows]
    write_page(path, "inpainting_report.html.jinja", data=data, rows=shown)


def _brightened(std_HW: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a gray image (H, W, 1), scaled so that its brightest pixel is white."""
    levels_HW1 = std_HW[..., None].astype(np.float32)
    return (levels_HW1 * (255 / max(float(levels_HW1.max()), 1.0))).astype(np.uint8)

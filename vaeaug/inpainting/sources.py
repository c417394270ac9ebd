"""Where the holes of an image are: transparent pixels, pixels of one colour, or at random. Files: `masks`, `coco`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.decode import UnreadableImageError
from vaeaug.errors import InputError
from vaeaug.inpainting.files.samples import OPAQUE
from vaeaug.inpainting.holes import KINDS, random_hole
from vaeaug.inpainting.picture import Picture
from vaeaug.seeds import seed_of


@dataclass(frozen=True, slots=True, eq=False)
class Holes:
    """The holes of one image.

    Attributes:
        missing_HW: True where a pixel is missing, upright.
        source: a mask's file name, `alpha`, or a colour; empty if the image has no holes.
        note: a warning about a mask, as the end of a sentence, or empty.
    """

    missing_HW: NDArray[np.bool_]
    source: str
    note: str = ""


class HoleSource(Protocol):
    """Tells where the holes of an image are."""

    def holes(self, file_name: str, picture: Picture) -> Holes:
        """Return the holes of one page of an image; UnreadableImageError if its mask cannot be used."""

    def no_holes_message(self) -> str:
        """Return the error message if no image has a hole."""


class Transparent:
    """Missing is what is transparent: alpha below 128. A file without transparency has no holes."""

    def holes(self, file_name: str, picture: Picture) -> Holes:  # noqa: ARG002 (as the protocol)
        """Return if the image is transparent."""
        alpha_HW = picture.samples.opacity()
        missing_HW = np.zeros(picture.size, dtype=np.bool_) if alpha_HW is None else alpha_HW < OPAQUE
        return Holes(missing_HW, "" if alpha_HW is None else "alpha")

    def no_holes_message(self) -> str:
        """Return the error message if no image has a hole."""
        return "no image has transparent pixels (alpha below 128); mark the holes with --masks DIR"


class MissingColour:
    """Pixels of exactly one colour (`#rrggbb`; the `#` is optional) are missing, at any opacity."""

    def __init__(self, text: str) -> None:
        match = re.fullmatch(r"#?([0-9a-fA-F]{6})", text.strip())
        if match is None:
            raise InputError(f"--missing-color takes a colour like '#ff00ff', not {text!r}")
        self.name = f"#{match[1].lower()}"
        self._colour_3 = np.frombuffer(bytes.fromhex(match[1]), dtype=np.uint8)

    def holes(self, file_name: str, picture: Picture) -> Holes:  # noqa: ARG002 (as the protocol)
        """Return if the image has the colour."""
        return Holes(picture.samples.has_colour(self._colour_3), self.name)

    def no_holes_message(self) -> str:
        """Return the error message if no image has a hole."""
        return (
            f"no image has a pixel of exactly the colour {self.name}; "
            "a JPEG does not keep colours exactly, so mark holes in PNG files, or use --masks DIR"
        )


class RandomHoles:
    """Random holes, which depend only on the seed, the image's name and size, and the variation."""

    def __init__(self, seed: int, variation: int) -> None:
        self._seed, self._variation = seed, variation

    def holes(self, file_name: str, picture: Picture) -> Holes:
        """Return a hole of any of the kinds on the first page, none on further ones."""
        if picture.page:
            return Holes(np.zeros(picture.size, dtype=np.bool_), "")
        rng = np.random.default_rng(seed_of(self._seed, "hole", file_name, self._variation))
        kind = KINDS[rng.integers(len(KINDS))]
        height, width = picture.size
        if min(height, width) < 2:
            raise UnreadableImageError(f"{width}x{height} pixels leave no room for a hole")
        return Holes(random_hole(kind, height, width, rng), f"random {kind}")

    def no_holes_message(self) -> str:
        """Return the error message if no image has a hole."""
        return "there is no training image to cut a hole into"

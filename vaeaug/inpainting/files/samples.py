"""The numbers that an image file stores per pixel, and colours written into them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.palette import nearest_entries
from vaeaug.inpainting.files.colour import Space, in_file_space

OPAQUE = 128
"""Smallest 8-bit alpha of a pixel that counts as visible."""

_COLOURS: dict[Space, int] = {"gray": 1, "rgb": 3, "cmyk": 4, "lab": 3, "indexed": 1}


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The pixels of one page as its file stores them, rows and columns in the order of the file.

    Attributes:
        values_HWS: S samples per pixel, colour first, in the file's type (1-, 2- and 4-bit samples as uint8).
        black: the value of the least intensity; greater than `white` in an inverted file.
        white: the value of the greatest intensity.
        alpha: index of the opacity sample, or None.
        opaque: the value of full opacity.
        table_K4: the colours of `indexed`, uint8 RGBA, or None.
        key: a colour that counts as transparent, or None.
        orientation: EXIF orientation, 1 to 8.
        profile: ICC profile, or None for sRGB.
    """

    values_HWS: NDArray[Any]
    space: Space
    black: float = 0.0
    white: float = 255.0
    alpha: int | None = None
    opaque: float = 255.0
    table_K4: NDArray[np.uint8] | None = None
    key: tuple[int, ...] | None = None
    orientation: int = 1
    profile: bytes | None = None

    @property
    def colours(self) -> int:
        """How many samples the colour has."""
        return _COLOURS[self.space]

    def opacity(self) -> NDArray[np.uint8] | None:
        """Return the upright 8-bit opacity of every pixel, (H, W); None if every pixel is opaque by the file's kind."""
        alpha_HW: NDArray[np.uint8]
        if self.table_K4 is not None:
            if not (self.table_K4[:, 3] < 255).any():
                return None
            alpha_HW = self._entries()[..., 3]
        elif self.alpha is not None:
            alpha_HW = np.floor(self.values_HWS[..., self.alpha] * (255 / self.opaque) + 0.5).astype(np.uint8)
        elif self.key is not None:
            alpha_HW = np.where((self.values_HWS == np.array(self.key)).all(axis=2), 0, 255).astype(np.uint8)
        else:
            return None
        return upright(alpha_HW, self.orientation)

    def has_colour(self, colour_3: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return the upright pixels with exactly an 8-bit RGB colour, at any opacity, (H, W).

        16-bit samples have it if they are 257 times its values. Only RGB, gray and indexed colours can have it.
        """
        if self.table_K4 is not None:
            same_HW = (self._entries()[..., :3] == colour_3).all(axis=2)
        elif self.space in ("gray", "rgb"):
            numbers_3 = self.black + colour_3.astype(np.float64) * ((self.white - self.black) / 255)
            same_HW = (self.values_HWS[..., : self.colours] == numbers_3[: self.colours]).all(axis=2)
            if self.space == "gray":
                same_HW = same_HW & bool((colour_3 == colour_3[0]).all())
        else:
            same_HW = np.zeros(self.values_HWS.shape[:2], dtype=np.bool_)
        return upright(same_HW, self.orientation)

    def filled(self, missing_HW: NDArray[np.bool_], images_HWC: NDArray[np.float32]) -> NDArray[Any]:
        """Return the samples with the holes filled; all others are unchanged bit for bit.

        Filled pixels are opaque; in an indexed file each gets the nearest opaque colour of the table.

        Args:
            images_HWC: upright sRGB values in [0, 1], C = 1 or 3; only those in the holes are used.
        """
        hole_HW = as_stored(missing_HW, self.orientation)
        values_NC = as_stored(images_HWC, self.orientation)[hole_HW].clip(0, 1)
        result = self.values_HWS.copy()
        if self.table_K4 is not None:
            opaque_K = np.flatnonzero(self.table_K4[:, 3] >= OPAQUE)
            palette = tuple(map(tuple, self.table_K4[opaque_K, :3].tolist()))
            colours_NC = in_file_space(values_NC, "rgb", self.profile)
            result[hole_HW, 0] = opaque_K[nearest_entries(_levels(colours_NC), palette)]
            return result
        numbers_NS = in_file_space(values_NC, self.space, self.profile)
        scaled_NS = self.black + numbers_NS.astype(np.float64) * (self.white - self.black)
        result[hole_HW, : self.colours] = _as_type(scaled_NS, result.dtype)
        if self.alpha is not None:
            result[hole_HW, self.alpha] = _as_type(np.array(self.opaque), result.dtype)
        if self.key is not None:  # a filled pixel of the transparent colour would be a hole again
            last = self.key[-1]
            clash_HW = hole_HW & (result == np.array(self.key)).all(axis=2)
            result[clash_HW, len(self.key) - 1] = last - 1 if last else 1
        return result

    def _entries(self) -> NDArray[np.uint8]:
        """Return the table's entry of every pixel, (H, W, 4); an index beyond a damaged table has its last entry."""
        assert self.table_K4 is not None  # noqa: S101 (asked of indexed files only)
        entries_HW4: NDArray[np.uint8] = self.table_K4[np.minimum(self.values_HWS[..., 0], len(self.table_K4) - 1)]
        return entries_HW4


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return an array (H, W, ...) set upright by an EXIF orientation."""
    rotated = pixels.swapaxes(0, 1) if orientation in (5, 6, 7, 8) else pixels
    if orientation in (3, 4, 7, 8):
        rotated = rotated[::-1]
    if orientation in (2, 3, 6, 7):
        rotated = rotated[:, ::-1]
    return rotated


def as_stored(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return an upright array (H, W, ...) in the order of a file with an EXIF orientation."""
    return upright(pixels, {6: 8, 8: 6}.get(orientation, orientation))


def _levels(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.floor(values.astype(np.float64) * 255 + 0.5).astype(np.uint8)


def _as_type(numbers: NDArray[np.float64], kind: np.dtype[Any]) -> NDArray[Any]:
    if kind.kind == "f":
        return numbers.astype(kind)
    limits = np.iinfo(kind)
    return np.floor(numbers + 0.5).clip(limits.min, limits.max).astype(kind)

"""The colours of a dataset of indexed images (class masks, pixel art).

A dataset is **indexed** if every training image is a palette file (Pillow's mode `P`, without an alpha channel) and all
of them together use at most 256 colours. Then

- its **table** is that of the files if they share one (of two tables of which one starts with the other, the longer;
  cut after the last entry in use), otherwise the sorted union of the colours in use. Synthetic images are written with
  this table, so the indices of class masks are preserved.
- its **palette** is the entries in use, in the order of the table. Synthetic images have no other colours.

A transparent entry is composited over white. Of several entries of one colour the first is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Palette = tuple[tuple[int, ...], ...]
"""Colours of C = 1 (gray) or 3 (RGB) values from 0 to 255."""

MAX_COLOURS = 256
"""The largest colour table of an image file."""

_ROWS = 1024  # pixels whose distances to all colours are held at a time: what a processor's cache takes


@dataclass(frozen=True, slots=True)
class IndexedColours:
    """The colours of an indexed dataset: those in use (C values each, all different) and the RGB table."""

    palette: Palette
    table: Palette

    def table_indices(self) -> NDArray[np.uint8]:
        """Return the index in the table of each colour of the palette, (K,)."""
        first = {colour: index for index, colour in reversed(list(enumerate(self.table)))}
        return np.array([first[_rgb(colour)] for colour in self.palette], dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class ColourTable:
    """The colour table of one palette file, over white; the row is the index. `used_K` marks those of some pixel."""

    colours_K3: NDArray[np.uint8]
    used_K: NDArray[np.bool_]


class ColourFinder:
    """Finds the colours of an indexed dataset from the colour tables of its training images."""

    def __init__(self) -> None:
        self.is_indexed = True
        self._used: set[tuple[int, ...]] = set()
        self._table_K3 = np.empty((0, 3), dtype=np.uint8)  # the longest so far
        self._same = True  # as long as every table begins with the other

    def add(self, table: ColourTable | None) -> None:
        """Take the colour table of a training image, or None for one that has none."""
        if table is None:
            self.is_indexed = False
            return
        shorter, longer = sorted((self._table_K3, table.colours_K3), key=len)
        self._same = self._same and np.array_equal(shorter, longer[: len(shorter)])
        self._table_K3 = longer
        self._used.update(_as_tuples(table.colours_K3[table.used_K]))
        self.is_indexed = self.is_indexed and len(self._used) <= MAX_COLOURS

    def colours(self) -> IndexedColours | None:
        """Return the colours, or None if the images are not indexed. An all-gray palette has one value per colour."""
        if not self.is_indexed or not self._used:
            return None
        if self._same:
            table = _as_tuples(self._table_K3)
            palette = sorted(self._used, key=table.index)
            table = table[: 1 + table.index(palette[-1])]
        else:
            palette = table = sorted(self._used)
        grayscale = all(red == green == blue for red, green, blue in palette)
        return IndexedColours(tuple(colour[:1] if grayscale else colour for colour in palette), tuple(table))


def nearest_entries(pixels: NDArray[np.uint8], palette: Palette) -> NDArray[np.uint8]:
    """Return for every pixel (..., C) the index of the palette's nearest colour, uint8 (...); the first of equals.

    C is 1 or 3; gray and colour are compared in three values.
    """
    flat = pixels.reshape(-1, pixels.shape[-1])
    colours_KC = np.array(palette, dtype=np.float32)
    channels = max(flat.shape[1], colours_KC.shape[1])
    colours_KC = np.broadcast_to(colours_KC, (len(palette), channels))
    # |x - p|^2 less |x|^2, which is the same for all p, in one product. Whole numbers below 2^24, so float32 is exact.
    factors = np.concatenate([-2 * colours_KC.T, (colours_KC**2).sum(axis=1)[None]])
    rows = np.ones((_ROWS, channels + 1), dtype=np.float32)
    entries = np.empty(len(flat), dtype=np.uint8)
    for start in range(0, len(flat), _ROWS):
        part = flat[start : start + _ROWS]
        rows[: len(part), :-1] = part
        entries[start : start + _ROWS] = (rows[: len(part)] @ factors).argmin(axis=1)
    return entries.reshape(pixels.shape[:-1])


def nearest_colours(pixels: NDArray[np.uint8], palette: Palette) -> NDArray[np.uint8]:
    """Return every pixel as the palette's nearest colour, uint8 (..., C); see `nearest_entries`."""
    return np.array(palette, dtype=np.uint8)[nearest_entries(pixels, palette)]


def _as_tuples(colours_K3: NDArray[np.uint8]) -> list[tuple[int, ...]]:
    return [tuple(colour) for colour in colours_K3.tolist()]


def _rgb(colour: tuple[int, ...]) -> tuple[int, ...]:
    return colour * 3 if len(colour) == 1 else colour

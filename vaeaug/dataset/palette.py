"""The colours of a dataset of indexed images (class masks, pixel art): found, and mapped to.

A dataset is **indexed** where every training image is a palette file (Pillow's mode `P`: PNG, BMP and TIFF files with a
colour table, but not those with an alpha channel next to it) and all of them together use at most 256 colours. Then

- its **table** is the files' own, if they have the same one: of two tables of which one begins with the other, the
  longer; what stands behind the last entry in use is cut off. Else it is the sorted union of the colours in use.
  Synthetic images are written with this table, so the indices of class masks come out as they went in.
- its **palette** is the entries in use, in the order of the table. Synthetic images have no other colours.

A transparent entry counts as what it is over white. Of several entries of one colour the first stands for all.
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
    """The colours of an indexed dataset.

    Attributes:
        palette: those in use, at most 256, all different; of C values each.
        table: RGB, at most 256; contains all of the palette.
    """

    palette: Palette
    table: Palette

    def table_indices(self) -> NDArray[np.uint8]:
        """Return the index in the table of each colour of the palette, shape (K,)."""
        first = {colour: index for index, colour in reversed(list(enumerate(self.table)))}
        return np.array([first[_rgb(colour)] for colour in self.palette], dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class ColourTable:
    """The colour table of one palette file.

    Attributes:
        colours_K3: uint8 RGB, over white; an index of the file is a row.
        used_K: which of them some pixel has.
    """

    colours_K3: NDArray[np.uint8]
    used_K: NDArray[np.bool_]


class ColourFinder:
    """Finds the colours of an indexed dataset from the colour tables of its training images, one after the other.

    Attributes:
        is_indexed: whether the images seen so far are indexed ones: all palette files, with at most 256 colours in all.
    """

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
        """Return what was found, or None if the images are not indexed ones.

        The palette's colours have one value each where all of them are gray, else three.
        """
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
    """Return for every pixel the index of the palette's nearest colour: least squared distance, the first of equals.

    Args:
        pixels: uint8, shape (..., C), C = 1 or 3. Gray pixels have equal values in a palette of three, and coloured
            ones are compared with a gray palette in all three values.
        palette: at most 256 colours.

    Returns:
        uint8, shape (...).
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
    """Return every pixel as the palette's nearest colour (see `nearest_entries`).

    Args:
        pixels: uint8, shape (..., 1 or 3).
        palette: colours of C values.

    Returns:
        uint8, shape (..., C).
    """
    return np.array(palette, dtype=np.uint8)[nearest_entries(pixels, palette)]


def _as_tuples(colours_K3: NDArray[np.uint8]) -> list[tuple[int, ...]]:
    return [tuple(colour) for colour in colours_K3.tolist()]


def _rgb(colour: tuple[int, ...]) -> tuple[int, ...]:
    return colour * 3 if len(colour) == 1 else colour

"""Gray values of more than 8 bits: which values are black and white, and how they become 8 or 16 bits.

Deep images are gray files of 16-bit or 32-bit integers or floats. Their type does not determine their range: 12-bit
data are stored in 16 bits, and floats may be temperatures. So a dataset has one range, its **levels** `(low, high)`,
found in its readable training images and kept by a model. Values map linearly, `low` to 0 and `high` to 255, and are
clipped. One range for all classes preserves differences in brightness.

- `low` and `high` are the extreme values of the training images, after leaving out the darkest and the brightest of
  every 10,000 pixels (dead and hot pixels).
- **Unsigned 16-bit** files are compared by their values. Such levels are `raw`: written files have the same scale.
- If a training image is **signed, 32-bit or float**, the levels come from these images only, and 16-bit files that are
  written map `low` to 0 and `high` to 65535. Unsigned 16-bit files are then read on that scale.
- An **8-bit** image next to deep ones maps 0 to `low` and 255 to `high`.
- NaN and infinite values are refused.

Without levels (a model trained on 8-bit images), unsigned 16-bit files are read from 0 to 65535, others by the first of
0 ... 1 (floats), 0 ... 255 and 0 ... 65535 that contains their values; other values are refused.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.opening import UnreadableImageError

FULL = 65535
PIXELS_PER_OUTLIER = 10_000
"""Of so many pixels, the darkest and the brightest do not count for the levels."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The range of a dataset's deep gray images: the values that become 0 and 255; if `raw`, those of 16-bit files."""

    low: float
    high: float
    raw: bool

    @property
    def stored(self) -> tuple[float, float]:
        """The values of a 16-bit file that a model sees as 0 and 255."""
        return (self.low, self.high) if self.raw else (0.0, float(FULL))

    def to_8_bits(self, sixteen: NDArray[np.uint16]) -> NDArray[np.uint8]:
        """Convert values of a 16-bit file to 8 bits, clipped, halves rounded up."""
        black, white = self.stored
        scaled = (np.arange(FULL + 1) - black) * 255 / max(white - black, 1.0)
        table: NDArray[np.uint8] = np.floor(scaled + 0.5).clip(0, 255).astype(np.uint8)
        return table[sixteen]

    def to_16_bits(self, eight: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """Return the values of a 16-bit file that show an 8-bit image."""
        black, white = self.stored
        values = black + np.arange(256) * (white - black) / 255
        table: NDArray[np.uint16] = np.floor(values + 0.5).clip(0, FULL).astype(np.uint16)
        return table[eight]

    def to_shades(self, sixteen: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Return the values of a 16-bit file with 0 at `low` and 1 at `high`, not clipped."""
        black, white = self.stored
        return (sixteen.astype(np.float32) - np.float32(black)) / np.float32(max(white - black, 1.0))

    def from_shades(self, shades: NDArray[np.floating[Any]], value_range: tuple[int, int]) -> NDArray[np.uint16]:
        """Return the values of a 16-bit file, clipped and rounded, for shades with 0 at `low` and 1 at `high`."""
        black, white = self.stored
        values = black + shades.astype(np.float64) * (white - black)
        sixteen: NDArray[np.uint16] = np.floor(values + 0.5).clip(*value_range).astype(np.uint16)
        return sixteen

    def store(self, values: DeepValues) -> NDArray[np.uint16]:
        """Return the values of a file as a 16-bit file has them, clipped to 0 ... 65535, halves rounded up."""
        if values.values_HW.dtype == np.uint16:
            return values.values_HW
        low, span = (0.0, FULL) if self.raw else (self.low, (self.high - self.low) or 1.0)
        sixteen = np.empty(values.values_HW.shape, np.uint16)
        for row, numbers in zip(sixteen, values.values_HW, strict=True):  # by rows, since float64 takes much room
            row[:] = np.floor((numbers.astype(np.float64) - low) * FULL / span + 0.5).clip(0, FULL)
        return sixteen


@dataclass(frozen=True, slots=True)
class DeepValues:
    """The values of a deep gray image: uint16, int32, uint32 or float32, all finite."""

    values_HW: NDArray[Any]
    unsigned_16: bool


class LevelsFinder:
    """Finds the levels of a dataset from its deep training images. Thread-safe."""

    def __init__(self, pixels: int) -> None:
        self._count = pixels // PIXELS_PER_OUTLIER + 1  # those left out, and the one that counts
        self._seen: dict[bool, tuple[NDArray[Any], NDArray[Any]]] = {}
        self._lock = threading.Lock()

    def add(self, values: DeepValues) -> None:
        """Take an image. Their order does not matter."""
        flat = values.values_HW.reshape(-1)
        low, high = self._smallest(flat), self._largest(flat)
        with self._lock:
            if values.unsigned_16 in self._seen:
                smallest, largest = self._seen[values.unsigned_16]
                low = self._smallest(np.concatenate([smallest, low]))
                high = self._largest(np.concatenate([largest, high]))
            self._seen[values.unsigned_16] = low, high

    def levels(self) -> Levels | None:
        """Return the levels, or None if no image was added."""
        raw = False not in self._seen
        if raw not in self._seen:
            return None
        smallest, largest = self._seen[raw]
        return Levels(float(smallest.max()), float(largest.min()), raw)

    def _smallest(self, values: NDArray[Any]) -> NDArray[Any]:
        return values if values.size <= self._count else np.partition(values, self._count - 1)[: self._count]

    def _largest(self, values: NDArray[Any]) -> NDArray[Any]:
        return values if values.size <= self._count else np.partition(values, -self._count)[-self._count :]


FULL_RANGE = Levels(0, FULL, raw=True)


def levels_of_one(values: DeepValues) -> Levels:
    """Return the range by which a file is read without levels; raise UnreadableImageError if it is unknown."""
    if values.unsigned_16:
        return FULL_RANGE
    low, high = float(values.values_HW.min()), float(values.values_HW.max())
    for top in (1, 255, FULL) if values.values_HW.dtype.kind == "f" else (255, FULL):
        if low >= 0 and high <= top:
            return FULL_RANGE if top == FULL else Levels(0, top, raw=False)
    raise UnreadableImageError(f"the range of its values ({low:g} to {high:g}) is unknown; save it with 8 or 16 bits")

"""How a page of a TIFF file stores its pixels: strips or tiles, compression, samples of so many bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaeaug.inpainting.files.directory import DamagedError, Directory, Structure
from vaeaug.inpainting.files.tiff_codec import (
    CCITT,
    KNOWN,
    NONE,
    compressed,
    expanded,
    with_predictor,
    without_predictor,
)

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, PLANAR = 273, 277, 278, 279, 284
T4_OPTIONS, T6_OPTIONS, PREDICTOR, COLOUR_MAP = 292, 293, 317, 320
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325
EXTRA_SAMPLES, SAMPLE_FORMAT = 338, 339

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_FORMATS = {1: "u", 2: "i", 3: "f", 4: "u"}


@dataclass(frozen=True, slots=True)
class Chunk:
    """A strip or tile: its position in the page, and the position of its bytes in the file.

    Attributes:
        columns: number of stored columns; those beyond the page are padding.
        plane: index of its sample, or None for all.
    """

    top: int
    left: int
    rows: int
    columns: int
    plane: int | None
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How a page stores its pixels.

    Attributes:
        bits: per sample: 1, 2, 4, 8, 16, 32, 64.
        kind: NumPy's name of a sample with its byte order, such as `<u2`.
        compression: TIFF tag 259.
        predictor: 1 for none, 2, 3.
        options: further tags for CCITT codes.
        mirrored: whether the bits of each byte are reversed (FillOrder 2).
    """

    height: int
    width: int
    samples: int
    bits: int
    kind: str
    compression: int
    predictor: int
    options: dict[int, int]
    mirrored: bool
    tiled: bool
    chunks: tuple[Chunk, ...]

    def read(self, data: bytes | bytearray) -> NDArray[Any] | None:
        """Return the samples, (H, W, S); None if a chunk cannot be decompressed."""
        values_HWS = np.zeros((self.height, self.width, self.samples), dtype=self._native())
        for chunk in self.chunks:
            across, row_bytes = self._row(chunk)
            raw = self._ordered(bytes(data[chunk.offset : chunk.offset + chunk.length]))
            plain = expanded(raw, self.compression, row_bytes, chunk.rows, chunk.columns, self.options)
            if plain is None:
                return None
            rows_HX = np.frombuffer(plain, dtype=np.uint8).reshape(chunk.rows, row_bytes)
            if self.predictor != 1:
                rows_HX = without_predictor(rows_HX, self.kind, across, self.predictor)
            numbers = _unpacked(rows_HX, self.bits, self.kind)[:, : chunk.columns * across]
            self._part(values_HWS, chunk)[...] = numbers.reshape(chunk.rows, chunk.columns, across)[
                : self.height - chunk.top, : self.width - chunk.left
            ]
        return values_HWS

    def encoded(self, chunk: Chunk, before_HWS: NDArray[Any], values_HWS: NDArray[Any]) -> bytes | None:
        """Return the bytes of a chunk with other samples; None if none of its samples are other ones."""
        part = self._part(values_HWS, chunk)
        if np.array_equal(part, self._part(before_HWS, chunk), equal_nan=part.dtype.kind == "f"):
            return None
        across, row_bytes = self._row(chunk)
        # Padding repeats the last row and column, which compresses well.
        padding = ((0, chunk.rows - part.shape[0]), (0, chunk.columns - part.shape[1]), (0, 0))
        numbers = np.pad(part, padding, mode="edge").reshape(chunk.rows, -1)
        rows_HX = _packed(numbers, self.bits, self.kind)
        if self.predictor != 1:
            rows_HX = with_predictor(rows_HX, self.kind, across, self.predictor)
        plain = rows_HX.tobytes()
        return self._ordered(compressed(plain, self.compression, row_bytes, chunk.rows, chunk.columns, self.options))

    def _ordered(self, content: bytes) -> bytes:
        return content.translate(_MIRRORED) if self.mirrored else content

    def _native(self) -> np.dtype[Any]:
        return np.dtype(np.uint8) if self.bits < 8 else np.dtype(self.kind).newbyteorder("=")

    def _row(self, chunk: Chunk) -> tuple[int, int]:
        across = self.samples if chunk.plane is None else 1
        return across, (chunk.columns * across * self.bits + 7) // 8

    def _part(self, values_HWS: NDArray[Any], chunk: Chunk) -> NDArray[Any]:
        rows = slice(chunk.top, min(chunk.top + chunk.rows, self.height))
        columns = slice(chunk.left, min(chunk.left + chunk.columns, self.width))
        samples = slice(None) if chunk.plane is None else slice(chunk.plane, chunk.plane + 1)
        return values_HWS[rows, columns, samples]


def layout_of(structure: Structure, directory: Directory) -> Layout | None:
    """Return how a page stores its pixels; None if it cannot be rewritten in that way (lossy codes, odd depths)."""
    entries = directory.entries

    def number(tag: int, default: int | None = None) -> int:
        values = structure.values(entries.get(tag))
        if not values and default is None:
            raise DamagedError(f"the field {tag} is missing")
        return values[0] if values else default or 0

    width, height, samples = number(WIDTH), number(HEIGHT), number(SAMPLES, 1)
    depths = set(structure.values(entries.get(BITS)) or (1,))
    formats = set(structure.values(entries.get(SAMPLE_FORMAT)) or (1,))
    bits, letter = min(depths), _FORMATS.get(min(formats))
    compression, predictor = number(COMPRESSION, 1), number(PREDICTOR, 1)
    mirrored = number(FILL_ORDER, 1) == 2
    options = {tag: number(tag) for tag in (T4_OPTIONS, T6_OPTIONS) if tag in entries and compression in CCITT}
    writable = (
        (width > 0 and height > 0 and samples > 0)
        and (len(depths) == 1 and len(formats) == 1 and letter is not None)
        and (bits in (1, 2, 4, 8) if letter == "u" else bits == 8) | (bits in (16, 32, 64))
        and (letter != "f" or bits > 8)
        and (compression in KNOWN and (not mirrored or compression == NONE or compression in CCITT))
        and (compression not in CCITT or (bits == 1 and samples == 1))
        and (predictor == 1 or (predictor == 2 and letter != "f" and bits >= 8) or (predictor == 3 and letter == "f"))
    )
    if not writable or (compression in CCITT and predictor != 1):
        return None
    planes: list[int | None] = list(range(samples)) if number(PLANAR, 1) == 2 and samples > 1 else [None]
    tiled = TILE_OFFSETS in entries
    grid = _tiles if tiled else _strips
    positions = list(grid(width, height, planes, number))
    offsets = structure.values(entries.get(TILE_OFFSETS if tiled else STRIP_OFFSETS))
    lengths = structure.values(entries.get(TILE_BYTES if tiled else STRIP_BYTES))
    if not len(positions) == len(offsets) == len(lengths):
        return None
    order = structure.order if bits > 8 else "<"
    chunks = tuple(
        Chunk(*position, *where) for position, where in zip(positions, zip(offsets, lengths, strict=True), strict=True)
    )
    kind = f"{order}{letter}{max(bits, 8) // 8}"
    return Layout(height, width, samples, bits, kind, compression, predictor, options, mirrored, tiled, chunks)


_Position = tuple[int, int, int, int, int | None]


def _strips(width: int, height: int, planes: list[int | None], number: Callable[..., int]) -> Iterator[_Position]:
    rows = max(1, min(number(ROWS_PER_STRIP, height), height))
    for plane in planes:
        for top in range(0, height, rows):
            yield top, 0, min(rows, height - top), width, plane


def _tiles(width: int, height: int, planes: list[int | None], number: Callable[..., int]) -> Iterator[_Position]:
    rows, columns = max(1, number(TILE_HEIGHT)), max(1, number(TILE_WIDTH))
    for plane in planes:
        for top in range(0, height, rows):
            for left in range(0, width, columns):
                yield top, left, rows, columns, plane


def _unpacked(rows_HX: NDArray[np.uint8], bits: int, kind: str) -> NDArray[Any]:
    if bits >= 8:
        return np.ascontiguousarray(rows_HX).view(kind)
    flags = np.unpackbits(rows_HX, axis=1).reshape(len(rows_HX), -1, bits)
    numbers: NDArray[np.uint8] = (flags << np.arange(bits - 1, -1, -1, dtype=np.uint8)).sum(axis=2, dtype=np.uint8)
    return numbers


def _packed(numbers: NDArray[Any], bits: int, kind: str) -> NDArray[np.uint8]:
    if bits >= 8:
        return np.ascontiguousarray(numbers.astype(kind)).view(np.uint8).reshape(len(numbers), -1)
    flags = np.unpackbits(np.ascontiguousarray(numbers)[..., None], axis=2)[..., 8 - bits :]
    return np.packbits(flags.reshape(len(numbers), -1), axis=1)

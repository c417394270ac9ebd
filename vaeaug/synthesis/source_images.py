"""Real images decoded at their own size, cached within a memory limit while edits are made from them. Thread-safe."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.decode import UnreadableImageError, decode_full, read_file
from vaeaug.dataset.levels import Levels
from vaeaug.dataset.rules import DEFAULT_RULES, RGB, DecodeRules
from vaeaug.dataset.traits import FileTraits
from vaeaug.errors import VaeaugError

SOURCE_BYTES = 256 * 2**20
"""Of decoded sources that are kept, those used last first."""

RESULT_BYTES = 128 * 2**20
"""Of finished edits that wait for the thread that writes them."""


@dataclass(frozen=True, slots=True)
class DeepRange:
    """The format of edits in a class of deep gray images; values are clipped to `value_range`."""

    levels: Levels
    value_range: tuple[int, int]


@dataclass(frozen=True, slots=True)
class SourceImage:
    """A decoded real image, upright, at the file's own size.

    Attributes:
        pixels_HWC: uint8 (H, W, 1 or 3), or uint16 (H, W, 1) for deep gray; colours are kept at any opacity.
        alpha_HW: None without transparency, or if it is not kept.
    """

    pixels_HWC: NDArray[Any]
    alpha_HW: NDArray[np.uint8] | None
    levels: Levels | None
    traits: FileTraits

    @property
    def nbytes(self) -> int:
        """Bytes of its pixels."""
        return self.pixels_HWC.nbytes + (0 if self.alpha_HW is None else self.alpha_HW.nbytes)

    def floats(self) -> NDArray[np.float32]:
        """Return the pixels as float32, (H, W, 1 or 3): in [0, 1], or beyond for values outside the levels."""
        if self.levels is not None:
            return self.levels.to_shades(self.pixels_HWC)
        shades_HWC: NDArray[np.float32] = self.pixels_HWC.astype(np.float32) / np.float32(255)
        return shades_HWC

    def composited(self, background: RGB) -> NDArray[np.float32]:
        """Return the pixels as a model sees them before resizing: `floats`, composited over the background."""
        return composited(self.floats(), self.alpha_HW, background)


def composited(
    colours_HWC: NDArray[np.float32], alpha_HW: NDArray[np.uint8] | None, background: RGB
) -> NDArray[np.float32]:
    """Return colours in [0, 1] composited over a background. A coloured background makes gray images RGB."""
    if alpha_HW is None:
        return colours_HWC
    ground_C = np.array(background if len(set(background)) > 1 else background[:1], np.float32) / np.float32(255)
    opacity_HW1 = alpha_HW[..., None].astype(np.float32) / np.float32(255)
    return colours_HWC * opacity_HW1 + ground_C * (1 - opacity_HW1)


class SourceImages:
    """Decodes real images and caches them, and finished edits; `deep` is the format of edits of deep gray images."""

    def __init__(
        self,
        rules: DecodeRules = DEFAULT_RULES,
        deep: DeepRange | None = None,
        *,
        source_bytes: int = SOURCE_BYTES,
        result_bytes: int = RESULT_BYTES,
    ) -> None:
        self.rules, self.deep = rules, deep
        self._limit, self._result_limit = source_bytes, result_bytes
        self._sources: OrderedDict[Path, SourceImage] = OrderedDict()
        self._bytes = 0
        self._results: WeakKeyDictionary[Hashable, NDArray[Any]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def read(self, path: Path) -> SourceImage:
        """Return an image, decoded now or earlier; raise VaeaugError if the file has changed."""
        with self._lock:
            cached = self._sources.get(path)
            if cached is not None:
                self._sources.move_to_end(path)
                return cached
        image = self._decoded(path)  # two threads may both do it: that costs time, and holding the lock would cost more
        with self._lock:
            if path not in self._sources and image.nbytes <= self._limit:
                self._sources[path] = image
                self._bytes += image.nbytes
                while self._bytes > self._limit:
                    _, dropped = self._sources.popitem(last=False)
                    self._bytes -= dropped.nbytes
        return image

    def result(self, edit: Hashable, compute: Callable[[], NDArray[Any]], *, keep: bool) -> NDArray[Any]:
        """Return the result of an edit, computed or cached; with `keep`, it is cached if there is room."""
        with self._lock:
            cached = self._results.get(edit) if keep else self._results.pop(edit, None)
        if cached is not None:
            return cached
        computed = compute()
        if keep:
            with self._lock:
                if sum(kept.nbytes for kept in self._results.values()) + computed.nbytes <= self._result_limit:
                    self._results[edit] = computed
        return computed

    def eight_bit(self, pixels_HWC: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the pixels of an edit as a model sees them before resizing, uint8 (H, W, 1 or 3)."""
        if self.deep is not None:
            return self.deep.levels.to_8_bits(pixels_HWC)
        if pixels_HWC.shape[2] in (1, 3):
            return pixels_HWC
        shades_HWC = pixels_HWC[..., :-1].astype(np.float32) / np.float32(255)
        seen_HWC = composited(shades_HWC, pixels_HWC[..., -1], self.rules.background)
        eight_HWC: NDArray[np.uint8] = np.round(seen_HWC * 255).astype(np.uint8)
        return eight_HWC

    def _decoded(self, path: Path) -> SourceImage:
        try:
            full = decode_full(read_file(path), self.rules)
        except UnreadableImageError as error:
            message = f"the image {path} has changed during the run: {error}; put it back and add --resume"
            raise VaeaugError(message) from error
        if full.levels is not None and self.deep is None:  # beside images in colour it is an 8-bit one
            return SourceImage(full.eight_bit(), None, None, full.traits)
        return SourceImage(full.pixels_HWC, full.alpha_HW, full.levels, full.traits)

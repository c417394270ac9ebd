"""Real images decoded at their own size, kept in a bounded memory while edits are made of them.

Each edit reads its own source and the images whose detail is added, and each image serves many edits. What is kept
never changes a result: an image that was dropped is decoded again. All methods may be called by several threads.
"""

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

from vaeaug.dataset.decode import UnreadableImageError, decode_upright, eight_bit, read_file
from vaeaug.dataset.jpeg_tables import JpegTables, read_jpeg_tables
from vaeaug.errors import VaeaugError

SOURCE_BYTES = 256 * 2**20
"""Of decoded sources that are kept, those used last first."""

RESULT_BYTES = 128 * 2**20
"""Of finished edits that wait for the thread that writes them."""


@dataclass(frozen=True, slots=True)
class SourceImage:
    """A decoded real image.

    Attributes:
        pixels_HWC: uint8 (H, W, 1 or 3), upright, at the file's own size.
        tables: of a JPEG file, else None.
    """

    pixels_HWC: NDArray[np.uint8]
    tables: JpegTables | None

    def floats(self) -> NDArray[np.float32]:
        """Return the pixels as float32 in [0, 1]."""
        return self.pixels_HWC.astype(np.float32) / np.float32(255)


class SourceImages:
    """Decodes real images and remembers them, and finished edits, within a number of bytes.

    Args:
        source_bytes: of decoded images that are kept at most.
        result_bytes: of finished edits that are kept at most.
    """

    def __init__(self, source_bytes: int = SOURCE_BYTES, result_bytes: int = RESULT_BYTES) -> None:
        self._limit, self._result_limit = source_bytes, result_bytes
        self._sources: OrderedDict[Path, SourceImage] = OrderedDict()
        self._bytes = 0
        self._results: WeakKeyDictionary[Hashable, NDArray[Any]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def read(self, path: Path) -> SourceImage:
        """Return an image, decoded now or earlier.

        Raises:
            VaeaugError: the file has changed since the dataset was read, or is no longer there.
        """
        with self._lock:
            known = self._sources.get(path)
            if known is not None:
                self._sources.move_to_end(path)
                return known
        image = _decoded(path)  # two threads may both do it: that costs time, and holding the lock would cost more
        with self._lock:
            if path not in self._sources and image.pixels_HWC.nbytes <= self._limit:
                self._sources[path] = image
                self._bytes += image.pixels_HWC.nbytes
                while self._bytes > self._limit:
                    _, dropped = self._sources.popitem(last=False)
                    self._bytes -= dropped.pixels_HWC.nbytes
        return image

    def result(self, edit: Hashable, compute: Callable[[], NDArray[Any]], *, keep: bool) -> NDArray[Any]:
        """Return the result of an edit, computed now or kept from an earlier call.

        Args:
            edit: whose result it is; what is kept is dropped with it.
            compute: computes the result, always the same.
            keep: keep the result for the next call, if there is room; otherwise drop it.
        """
        with self._lock:
            known = self._results.get(edit) if keep else self._results.pop(edit, None)
        if known is not None:
            return known
        made = compute()
        if keep:
            with self._lock:
                if sum(kept.nbytes for kept in self._results.values()) + made.nbytes <= self._result_limit:
                    self._results[edit] = made
        return made


def _decoded(path: Path) -> SourceImage:
    try:
        data = read_file(path)
        upright = decode_upright(data)
    except UnreadableImageError as error:
        raise VaeaugError(f"the image {path} has changed meanwhile: {error}; put it back and add --resume") from error
    levels = np.asarray(eight_bit(upright, upright.format or ""))
    return SourceImage(levels[..., None] if levels.ndim == 2 else levels, read_jpeg_tables(data))

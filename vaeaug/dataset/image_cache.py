"""A dataset decoded to one size: what every later step reads its pixels from.

An entry is a folder with `pixels.bin` (uint8, N x H x W x C), `meta.json` and an empty `lock`.
"""

from __future__ import annotations

import hashlib
import json
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.decode import Mode
from vaeaug.dataset.index import MINIMUM_PER_CLASS
from vaeaug.dataset.levels import Levels
from vaeaug.dataset.palette import IndexedColours, Palette
from vaeaug.dataset.rules import DEFAULT_RULES, DecodeRules, rules_from_json
from vaeaug.dataset.store import lock_entry
from vaeaug.dataset.traits import FileTraits, traits_from_json
from vaeaug.errors import InputError, nearest

PIXELS_NAME, META_NAME = "pixels.bin", "meta.json"
UNSEEN = -1
"""The label index of an image of a class without training images."""


@dataclass(frozen=True, slots=True)
class CachedImage:
    """One image of a cache.

    Attributes:
        file_name: relative to DATA, with forward slashes.
        split: `train`, `val`, `test` or `SYNTHETIC`.
        height: of the original, upright.
        mode: `L` or `RGB`, by the file's mode; synthetic images like it have the same mode unless indexed.
        digest: content hash.
    """

    file_name: str
    split: str
    label: str
    height: int
    width: int
    mode: Mode
    digest: str
    traits: FileTraits
    value_range: tuple[int, int] | None = None
    synthetic: bool = False


_COLUMNS = [name for name in CachedImage.__dataclass_fields__ if name != "traits"]


@dataclass(frozen=True, slots=True)
class InvalidImage:
    """An image that could not be read, and the reason in a few words."""

    file_name: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ImageCache:
    """All images of a dataset at one size, memory-mapped.

    Attributes:
        directory: worker processes open it again with `open_cache(directory)`.
        pixels_NHWC: read-only; C = 1 if every image (every colour of a palette) is gray, otherwise 3.
        labels_N: index into `classes`; `UNSEEN` for an image of val or test of a class without training images.
        files: in the order of the pixels, sorted by `file_name`.
        classes: with training images, sorted.
        fingerprint: hash of contents, labels and splits, independent of names and size.
        temporary: no cache directory was writable; this one is removed when its process ends.
        palette: colours of an indexed dataset (`palette.py`), C values from 0 to 255 each. Every pixel is one of them.
        table: RGB colour table of an indexed dataset's files.
        rules: decode rules, with the levels of the dataset or of the trained model.
    """

    directory: Path
    pixels_NHWC: NDArray[np.uint8]
    labels_N: NDArray[np.int64]
    split_N: NDArray[np.str_]
    files: tuple[CachedImage, ...]
    classes: tuple[str, ...]
    fingerprint: str
    invalid: tuple[InvalidImage, ...]
    temporary: bool = False
    palette: Palette | None = None
    table: Palette | None = None
    rules: DecodeRules = DEFAULT_RULES

    def __len__(self) -> int:
        """Return N, the number of images."""
        return len(self.files)

    def indices(self, split: str, label: str | None = None, *, real: bool = False) -> NDArray[np.int64]:
        """Return the indices of the images of a split, ascending; `real` leaves out synthetic training images."""
        chosen = self.split_N == split
        if label is not None:
            chosen &= self._has_label(label)
        if real:
            chosen &= ~np.fromiter((file.synthetic for file in self.files), dtype=np.bool_, count=len(self.files))
        return np.flatnonzero(chosen).astype(np.int64)

    def training_fingerprint(self) -> str:
        """Return a hash of contents and labels of the training images, independent of their names; 32 hex digits."""
        rows = sorted(json.dumps([self.files[i].label, self.files[i].digest]) for i in self.indices("train"))
        return hashlib.blake2b("\n".join(rows).encode(), digest_size=16).hexdigest()

    def content_hash(self, label: str | None = None) -> str:
        """Return a hash of names and contents of the training images of a class, or of all images; 32 hex digits."""
        files = self.files if label is None else [self.files[i] for i in self.indices("train", label)]
        rows = [(file.file_name, file.split, file.label, file.digest) for file in files]
        return hashlib.blake2b(json.dumps(rows).encode(), digest_size=16).hexdigest()

    @property
    def levels(self) -> Levels | None:
        """The range of the dataset's deep gray images (`levels.py`), or None if there are none."""
        return self.rules.levels

    def further_frames(self) -> list[str]:
        """Return the `file_name` of each image with further pages or frames, of which the first is used."""
        return [file.file_name for file in self.files if file.traits.frames > 1]

    def unreadable(self) -> list[str]:
        """Return the `file_name` of each image that could not be read."""
        return [image.file_name for image in self.invalid]

    def _has_label(self, label: str) -> NDArray[np.bool_]:
        if label in self.classes:
            return np.equal(self.labels_N, self.classes.index(label))
        found = np.fromiter((file.label == label for file in self.files), dtype=np.bool_, count=len(self.files))
        if not found.any():
            raise InputError(f"there is no class {label!r}: {nearest(label, self.classes)}")
        return found


def validation_split(
    cache: ImageCache, fraction: float = 0.1, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices (train, val) of the images to train on and to validate with, ascending; val may be empty.

    DATA's val split is used if it exists. Otherwise, the floor(fraction * n) of the n real training images of each
    class whose content and `seed` hash lowest validate, so that copies stay together; two training images always
    remain.
    """
    if not 0 <= fraction < 1:
        raise InputError(f"the validation fraction must be at least 0 and below 1, not {fraction}")
    train = cache.indices("train")
    own = cache.indices("val")
    own = own[cache.labels_N[own] != UNSEEN]
    if len(own):
        return train, own
    chosen = [
        _validation_images(cache, cache.indices("train", label, real=True), fraction, seed) for label in cache.classes
    ]
    val = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *chosen]))
    return np.setdiff1d(train, val), val


def _validation_images(cache: ImageCache, indices: NDArray[np.int64], fraction: float, seed: int) -> NDArray[np.int64]:
    """Return the validation images of one class: whole groups of equal content, in the order of their hashes."""
    room = max(0, min(int(fraction * len(indices)), len(indices) - MINIMUM_PER_CLASS))
    ranked = sorted((_rank(cache.files[i].digest, seed), int(i)) for i in indices)
    chosen: list[int] = []
    for _, group in groupby(ranked, key=lambda pair: pair[0]):
        members = [i for _, i in group]
        if len(chosen) + len(members) <= room:
            chosen += members
        elif len(members) == 1:
            break
    return np.array(chosen, dtype=np.int64)


def _rank(digest: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}/{digest}".encode(), digest_size=16).digest()


def open_cache(directory: Path) -> ImageCache:
    """Open a cache that `build_cache` made, in any process; raise InputError if it is missing or damaged."""
    cache = try_open(directory)
    if cache is None:
        raise InputError(f"there is no usable image cache in {directory}; run the command again to build it")
    return cache


def try_open(directory: Path, *, temporary: bool = False) -> ImageCache | None:
    """Open a cache, or return None if there is none or it is damaged."""
    try:
        lock = lock_entry(directory)
    except OSError:
        return None
    try:
        meta = json.loads((directory / META_NAME).read_text(encoding="utf-8"))
        return _from_meta(directory, meta, lock, temporary)
    except (OSError, ValueError, KeyError, TypeError):
        lock.close()
        return None


def write_meta(
    directory: Path,
    shape_HWC: tuple[int, int, int],
    files: Sequence[CachedImage],
    classes: Sequence[str],
    fingerprint: str,
    invalid: Sequence[InvalidImage],
    colours: IndexedColours | None,
    rules: DecodeRules,
) -> None:
    """Write the description of a cache next to its pixels, by column, which takes less space than by row."""
    traits = list(dict.fromkeys(file.traits for file in files))  # few, however many files there are
    index = {each: number for number, each in enumerate(traits)}
    meta = {
        "shape_HWC": list(shape_HWC),
        "classes": list(classes),
        "fingerprint": fingerprint,
        "colours": None if colours is None else [colours.palette, colours.table],
        "invalid": [[image.file_name, image.reason] for image in invalid],
        "rules": rules.to_json(),
        "traits": [each.to_json() for each in traits],
        "files": {name: [getattr(file, name) for file in files] for name in _COLUMNS}
        | {"traits": [index[file.traits] for file in files]},
    }
    (directory / META_NAME).write_text(json.dumps(meta), encoding="utf-8")


def _from_meta(directory: Path, meta: dict[str, Any], lock: IO[bytes], temporary: bool) -> ImageCache:
    columns = meta["files"]
    traits = [traits_from_json(row) for row in meta["traits"]]
    columns["traits"] = [traits[number] for number in columns["traits"]]
    columns["value_range"] = [None if bounds is None else tuple(bounds) for bounds in columns["value_range"]]
    files = tuple(
        CachedImage(*row) for row in zip(*(columns[name] for name in CachedImage.__dataclass_fields__), strict=True)
    )
    height, width, channels = meta["shape_HWC"]
    shape = (len(files), height, width, channels)
    if (directory / PIXELS_NAME).stat().st_size != int(np.prod(shape)):
        raise ValueError("the size of pixels.bin does not match meta.json")
    mode: Literal["r"] = "r"
    pixels = np.memmap(directory / PIXELS_NAME, dtype=np.uint8, mode=mode, shape=shape)
    classes = tuple(meta["classes"])
    index = {label: i for i, label in enumerate(classes)}
    labels = np.array([index.get(file.label, UNSEEN) for file in files], dtype=np.int64)
    splits = np.array([file.split for file in files], dtype="<U9")
    labels.flags.writeable = splits.flags.writeable = False
    invalid = tuple(InvalidImage(*row) for row in meta["invalid"])
    palette, table = (tuple(map(tuple, colours)) for colours in meta["colours"]) if meta["colours"] else (None, None)
    cache = ImageCache(
        directory,
        pixels,
        labels,
        splits,
        files,
        classes,
        meta["fingerprint"],
        invalid,
        temporary,
        palette,
        table,
        rules_from_json(meta["rules"]),
    )
    weakref.finalize(cache, lock.close)  # until then no other process removes the entry
    return cache

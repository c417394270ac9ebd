"""The form of the images of a class in the output: one mode, one depth, and a file format for generated images.

Real and synthetic images of a class have the same form, so that a reader cannot tell them apart by it. The rules,
from all real files of the class (all splits):

- **Mode**: `P` in an indexed dataset; `I;16` if a training image of the class has more than 8 bits and all its images
  are gray; `RGB` if any image is in colour; otherwise `L`. With `keep_alpha`, `LA` or `RGBA` if any image is
  transparent.
- **Format**: PNG for every mode but `L` and `RGB`. By default an edited image has the format of its source and a
  generated one that of most training images: JPEG for lossy files, with the quantization tables of the source or of a
  typical one, and PNG for all others. Gray images are PNG files where WebP is requested.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.decode import FullImage
from vaeaug.dataset.image_cache import CachedImage, ImageCache
from vaeaug.dataset.jpeg_tables import JpegTables
from vaeaug.dataset.levels import Levels
from vaeaug.dataset.palette import MAX_COLOURS, IndexedColours
from vaeaug.dataset.size import median_size
from vaeaug.dataset.traits import FileTraits
from vaeaug.export.encoding import PNG, Encoding, Format, encode_image
from vaeaug.export.png import Mode, fitted, with_alpha
from vaeaug.models.record import ClassRecord, ModelRecord

_FORMATS: dict[str, Format] = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}


@dataclass(frozen=True, slots=True)
class NativeShape:
    """The form in which the synthetic images of a class are written.

    Attributes:
        mode: `P` for palette files.
        levels: if a training image of the class is deep gray.
        value_range: smallest and largest value of the deep gray images, as stored in 16-bit files.
    """

    height: int
    width: int
    mode: Literal["L", "RGB", "P"]
    colours: IndexedColours | None = None
    levels: Levels | None = None
    value_range: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ClassFormat:
    """The file format and pixel mode of the images of a class.

    Attributes:
        requested_format: `auto`, `png`, `jpeg` or `webp`.
        quality: 1 to 100, as requested for lossy files, or None.
        value_range: for mode `I;16`, the smallest and the largest value of the class's images; otherwise None.
    """

    height: int
    width: int
    mode: Mode
    encoding: Encoding = PNG
    requested_format: str = "auto"
    quality: int | None = None
    colours: IndexedColours | None = None
    levels: Levels | None = None
    value_range: tuple[int, int] | None = None

    @property
    def transparent(self) -> bool:
        """Whether the files have an alpha channel."""
        return self.mode in ("LA", "RGBA")

    @property
    def always_png(self) -> bool:
        """Whether no other format can store its mode."""
        return self.mode not in ("L", "RGB")

    def encoding_like(self, source: FileTraits) -> Encoding:
        """Return what an edited image is written as."""
        return _settled(self.mode, self.requested_format, self.quality, copied_as(source, self.mode))


def native_shape(files: Sequence[CachedImage], cache: ImageCache) -> NativeShape:
    """Return the form in which synthetic images of a class are written, from its training images `files`.

    The size is their median. The mode is `P` in an indexed dataset, otherwise `RGB` if any image is RGB.
    """
    height, width = median_size([(file.height, file.width) for file in files])
    if cache.palette is not None and cache.table is not None:
        return NativeShape(height, width, "P", IndexedColours(cache.palette, cache.table))
    mode: Literal["L", "RGB"] = "RGB" if any(file.mode == "RGB" for file in files) else "L"
    ranges = [file.value_range for file in files if file.value_range is not None]
    if not ranges:
        return NativeShape(height, width, mode)
    lows, highs = zip(*ranges, strict=True)
    return NativeShape(height, width, mode, levels=cache.levels, value_range=(min(lows), max(highs)))


def class_formats(
    cache: ImageCache, *, requested_format: str = "auto", quality: int | None = None, keep_alpha: bool = False
) -> dict[str, ClassFormat]:
    """Return the format of every label of a dataset, including labels that occur only in val or test."""
    by_label: dict[str, list[CachedImage]] = {}
    for file in cache.files:
        by_label.setdefault(file.label, []).append(file)
    formats = {}
    for label, files in by_label.items():
        training = [file for file in files if file.split == "train"] or files
        formats[label] = class_format(
            native_shape(training, cache),
            [file.traits for file in training],
            in_colour=any(file.mode == "RGB" for file in files),
            transparent=keep_alpha and any(file.traits.transparent for file in files),
            requested_format=requested_format,
            quality=quality,
        )
    return formats


def class_format(
    shape: NativeShape,
    traits: Sequence[FileTraits],
    *,
    in_colour: bool,
    transparent: bool = False,
    requested_format: str = "auto",
    quality: int | None = None,
) -> ClassFormat:
    """Return the format of a class, given whether any of its images is in colour, and whether any stays transparent."""
    mode: Mode = "RGB" if in_colour or shape.mode == "RGB" else "L"
    if transparent:
        mode = "RGBA" if mode == "RGB" else "LA"
    elif shape.colours is not None:
        mode = "P"
    elif mode == "L" and shape.value_range is not None:
        mode = "I;16"
    deep = mode == "I;16"
    return ClassFormat(
        height=shape.height,
        width=shape.width,
        mode=mode,
        encoding=_settled(mode, requested_format, quality, _typical(traits, mode)),
        requested_format=requested_format,
        quality=quality,
        colours=shape.colours if mode == "P" else None,
        levels=shape.levels if deep else None,
        value_range=shape.value_range if deep else None,
    )


def recorded_format(
    record: ModelRecord, entry: ClassRecord, *, requested_format: str = "auto", quality: int | None = None
) -> ClassFormat:
    """Return the kind of image of a class of a trained model, as the images that it was trained on."""
    mode: Mode = "RGB" if entry.mode == "RGB" else "L"
    colours = None
    if record.palette is not None and record.table is not None:
        mode, colours = "P", IndexedColours(record.palette, record.table)
    elif entry.mode == "I;16" and record.levels is not None:
        mode = "I;16"
    like = Encoding("JPEG", tables=entry.jpeg) if entry.format == "JPEG" else PNG
    return ClassFormat(
        height=entry.height,
        width=entry.width,
        mode=mode,
        encoding=_settled(mode, requested_format, quality, like),
        requested_format=requested_format,
        quality=quality,
        colours=colours,
        levels=record.levels if mode == "I;16" else None,
        value_range=entry.value_range if mode == "I;16" else None,
    )


def as_class_format(full: FullImage, kind: ClassFormat) -> NDArray[Any]:
    """Return the pixels of a decoded image in the mode of its class."""
    if kind.levels is not None and full.levels is not None:
        return full.pixels_HWC
    plain_HWC = full.eight_bit()
    if kind.levels is not None:
        height, width = plain_HWC.shape[:2]
        return kind.levels.to_16_bits(fitted(plain_HWC, height, width, "L").astype(np.uint8))
    return with_alpha(plain_HWC, full.alpha_HW, kind.mode) if kind.transparent else plain_HWC


def encode_in_class_format(
    pixels_HWC: NDArray[Any], kind: ClassFormat, encoding: Encoding, text: Mapping[str, str] | None
) -> bytes:
    """Return the file of an image of a class; `text` is the mark of a synthetic image (`encode_image`), or None."""
    mode, colours = kind.mode, kind.colours
    if colours is not None:
        encoding, colours = PNG, _with_colours_of(pixels_HWC, colours)
        mode = "P" if colours is not None else "RGB" if pixels_HWC.shape[2] == 3 else "L"
    height, width = pixels_HWC.shape[:2]
    return encode_image(pixels_HWC, height, width, mode, encoding, text, colours)


def copied_as(source: FileTraits, mode: Mode) -> Encoding:
    """Return the encoding of a rewritten copy of a real file: JPEG for lossy files, otherwise PNG."""
    if mode not in ("L", "RGB") or not source.lossy:
        return PNG
    return Encoding("JPEG", tables=source.jpeg)


def _settled(mode: Mode, requested_format: str, quality: int | None, like: Encoding) -> Encoding:
    if mode not in ("L", "RGB"):
        return PNG
    if requested_format == "auto":
        return replace(like, quality=quality)
    chosen = _FORMATS[requested_format]
    if chosen == "WEBP" and mode == "L":
        return PNG
    return Encoding(chosen, quality, like.tables if chosen == "JPEG" else None)


def _typical(traits: Sequence[FileTraits], mode: Mode) -> Encoding:
    """Return the encoding of most files; of JPEG files with the typical tables."""
    lossy = [each for each in traits if each.lossy]
    if mode not in ("L", "RGB") or 2 * len(lossy) <= len(traits):
        return PNG
    return Encoding("JPEG", tables=typical_tables(each.jpeg for each in lossy if each.jpeg is not None))


def typical_tables(tables: Iterable[JpegTables]) -> JpegTables | None:
    """Return the tables with the median sum of the luma table, or None if there are none."""
    ordered = sorted(tables, key=lambda each: (sum(each.quantization[0]), each.quantization, each.subsampling))
    return ordered[len(ordered) // 2] if ordered else None


def _with_colours_of(pixels_HWC: NDArray[np.uint8], colours: IndexedColours) -> IndexedColours | None:
    """Return a colour table that also has the colours of an image that the table lacks; None if there are too many."""
    flat = np.broadcast_to(pixels_HWC, (*pixels_HWC.shape[:2], 3)).reshape(-1, 3)
    image_colours = [tuple(colour) for colour in np.unique(flat, axis=0).tolist()]
    in_table = set(colours.table)
    table = (*colours.table, *(colour for colour in image_colours if colour not in in_table))
    return IndexedColours(tuple(dict.fromkeys(table)), table) if len(table) <= MAX_COLOURS else None

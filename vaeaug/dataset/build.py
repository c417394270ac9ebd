"""Decode all files of a dataset into one file of pixels; sizes, colours and levels are found in the files first."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.contents import WINDOW, content_digest, windows
from vaeaug.dataset.decode import UnreadableImageError, decode, read_colour_table, read_deep_values, read_file
from vaeaug.dataset.image_cache import PIXELS_NAME, CachedImage, InvalidImage
from vaeaug.dataset.index import ImageFile, check_enough
from vaeaug.dataset.levels import Levels, LevelsFinder
from vaeaug.dataset.palette import ColourFinder, ColourTable, IndexedColours, Palette, nearest_colours
from vaeaug.dataset.rules import DecodeRules
from vaeaug.dataset.size import model_size
from vaeaug.dataset.traits import Header, read_header
from vaeaug.errors import InputError, quoted
from vaeaug.progress import Progress, Tick

if TYPE_CHECKING:
    from vaeaug.contracts import ImageSpec  # not at run time: this room does without torch

IN_COLOUR = "it is in colour, but gray images are required"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeSettings:
    """How image files are decoded.

    Attributes:
        image_size: (height, width), or None to derive it from the training images.
        spec: the images of a trained model, or None for a training.
    """

    image_size: tuple[int, int] | None
    max_side: int
    spec: ImageSpec | None
    rules: DecodeRules
    find_levels: bool
    skip_invalid: bool


@dataclass(frozen=True, slots=True)
class BuildResult:
    """The result of decoding: the readable images in the order of their pixels, and the rules with the levels found."""

    shape_HWC: tuple[int, int, int]
    files: list[CachedImage]
    invalid: list[InvalidImage]
    colours: IndexedColours | None
    rules: DecodeRules


Decoded = tuple[CachedImage, NDArray[np.uint8]] | InvalidImage


def build_pixels(
    folder: Path,
    files: Sequence[ImageFile],
    classes: Sequence[str],
    pool: Executor,
    settings: DecodeSettings,
    progress: Progress,
) -> BuildResult:
    """Decode all files and write `pixels.bin` into a folder.

    The size is derived from the headers of the training images; everything is decoded again if unreadable or rotated
    images change it. Deep gray images are read twice, to find the levels (`levels.py`), unless `rules` have some. For a
    trained model, `spec` determines size, channels and palette, and a class may have any number of images.
    """
    if settings.spec is not None:
        return _build_for_model(folder, files, pool, settings.spec, settings, progress)
    rules, max_side = settings.rules, settings.max_side
    with _pillow_silenced():
        headers = _read_headers(files, pool, rules)
        colours = _find_colours(files, headers, pool, rules)
        if settings.find_levels:
            rules = replace(rules, levels=_find_levels(files, headers, pool, rules))
        palette = None if colours is None else colours.palette
        in_colour = any(header is not None and not header.gray(rules.background) for header in headers)
        channels = len(palette[0]) if palette else 3 if in_colour else 1
        sizes = [
            (header.height, header.width)
            for file, header in zip(files, headers, strict=True)
            if file.split == "train" and header is not None
        ]
        while True:
            size = settings.image_size or (model_size(sizes, max_side) if sizes else (max_side, max_side))
            with (folder / PIXELS_NAME).open("wb") as stream:
                records, grayscale = _decode_all(stream, files, pool, size, channels, palette, rules, progress)
            kept = [record for record in records if isinstance(record, CachedImage)]
            invalid = [record for record in records if isinstance(record, InvalidImage)]
            if invalid and not settings.skip_invalid:
                raise InputError(unreadable_message(invalid))
            counts = Counter(file.label for file in kept if file.split == "train")
            check_enough({label: counts[label] for label in classes})
            sizes = [(file.height, file.width) for file in kept if file.split == "train"]
            if settings.image_size or model_size(sizes, max_side) == size:
                break
    if channels == 3 and grayscale and palette is None:
        _keep_one_channel(folder / PIXELS_NAME, len(kept), size)
        channels = 1
    return BuildResult((*size, channels), kept, invalid, colours, rules)


def _read_headers(files: Sequence[ImageFile], pool: Executor, rules: DecodeRules) -> list[Header | None]:
    """Return size and traits of each file without decoding it, or None if it cannot be read."""
    return [header for window in windows(pool, partial(_header, rules=rules), files) for header in window]


def _header(file: ImageFile, rules: DecodeRules) -> Header | None:
    try:
        return read_header(read_file(file.path), rules.max_megapixels)
    except UnreadableImageError:
        return None


def _find_colours(
    files: Sequence[ImageFile], headers: Sequence[Header | None], pool: Executor, rules: DecodeRules
) -> IndexedColours | None:
    """Return the colours of the readable training images, or None if they are not indexed ones."""
    training = [(file, header) for file, header in zip(files, headers, strict=True) if file.split == "train" and header]
    # The first file of another kind settles it, unless it cannot be decoded and is therefore no training image.
    if any(_tables(file, rules) for file, header in training if not header.indexed):
        return None
    finder = ColourFinder()
    for window in windows(pool, partial(_tables, rules=rules), [file for file, header in training if header.indexed]):
        for table in chain.from_iterable(window):
            finder.add(table)
        if not finder.is_indexed:
            return None
    return finder.colours()


def _tables(file: ImageFile, rules: DecodeRules) -> list[ColourTable | None]:
    """Return the colour table of a file (None if it has none), or nothing if the file cannot be decoded."""
    try:
        return [read_colour_table(read_file(file.path), rules)]
    except UnreadableImageError:
        return []


def _find_levels(
    files: Sequence[ImageFile], headers: Sequence[Header | None], pool: Executor, rules: DecodeRules
) -> Levels | None:
    """Return the levels of the readable training images, or None if none of them is deep."""
    deep = [
        (file, header.height * header.width)
        for file, header in zip(files, headers, strict=True)
        if file.split == "train" and header is not None and header.deep_gray
    ]
    finder = LevelsFinder(sum(pixels for _, pixels in deep))
    for _ in windows(pool, partial(_add_values, finder=finder, rules=rules), [file for file, _ in deep]):
        pass
    return finder.levels()


def _add_values(file: ImageFile, finder: LevelsFinder, rules: DecodeRules) -> None:
    """Add the values of a deep file, unless it cannot be decoded and is therefore no training image."""
    try:
        values = read_deep_values(read_file(file.path), rules)
    except UnreadableImageError:
        return
    if values is not None:
        finder.add(values)


def _build_for_model(
    folder: Path,
    files: Sequence[ImageFile],
    pool: Executor,
    spec: ImageSpec,
    settings: DecodeSettings,
    progress: Progress,
) -> BuildResult:
    """Decode all files as a trained model takes them; see `build_pixels`."""
    size = (spec.height, spec.width)
    with _pillow_silenced(), (folder / PIXELS_NAME).open("wb") as stream:
        records, _ = _decode_all(stream, files, pool, size, spec.channels, spec.palette, settings.rules, progress)
    kept = [record for record in records if isinstance(record, CachedImage)]
    invalid = [record for record in records if isinstance(record, InvalidImage)]
    if invalid and not kept and all(image.reason == IN_COLOUR for image in invalid):  # not some odd ones: all of them
        raise InputError(
            f"these images are in colour, but gray images are required: {_first_names(invalid)}; convert them to gray, "
            "or use a colour model or colour real images"
        )
    if invalid and not (settings.skip_invalid and kept):
        raise InputError(unreadable_message(invalid))
    return BuildResult((*size, spec.channels), kept, invalid, None, settings.rules)


def _first_names(invalid: Sequence[InvalidImage]) -> str:
    return quoted((image.file_name for image in invalid), 3)


def unreadable_message(invalid: Sequence[InvalidImage]) -> str:
    """Return the message that names every unreadable image and what to do."""
    noun, them = ("image", "it") if len(invalid) == 1 else ("images", "them")
    lines = [f"{len(invalid)} {noun} cannot be read; fix or remove {them}, or skip {them} with --skip-invalid:"]
    return "\n".join(lines + [f"  {image.file_name!r}: {image.reason}" for image in invalid])


def _decode_all(
    stream: BinaryIO,
    files: Sequence[ImageFile],
    pool: Executor,
    size: tuple[int, int],
    channels: int,
    palette: Palette | None,
    rules: DecodeRules,
    progress: Progress,
) -> tuple[list[CachedImage | InvalidImage], bool]:
    """Write the pixels of all readable images; return what each file is, and whether all pixels are gray."""
    records: list[CachedImage | InvalidImage] = []
    grayscale = True
    for window in windows(pool, lambda file: _decode_one(file, size, channels, palette, rules), files):
        for result in window:
            if isinstance(result, InvalidImage):
                records.append(result)
                continue
            record, pixels = result
            grayscale = grayscale and bool((pixels == pixels[..., :1]).all())
            stream.write(pixels.tobytes())
            records.append(record)
        progress.tick(Tick(len(records) / len(files)))
    return records, grayscale


def _decode_one(
    file: ImageFile, size: tuple[int, int], channels: int, palette: Palette | None, rules: DecodeRules
) -> Decoded:
    try:
        data = read_file(file.path)
        image = decode(data, *size, rules=rules, indexed=palette is not None)
    except UnreadableImageError as error:
        return InvalidImage(file.file_name, str(error))
    digest = content_digest(data)
    if digest != file.digest:
        raise InputError(
            f"{file.path} changed while it was being read; run the command again when the file is complete"
        )
    if palette is None:
        pixels = image.pixels_HWC
        if channels == 1 and not (pixels == pixels[..., :1]).all():
            return InvalidImage(file.file_name, IN_COLOUR)
        pixels = np.broadcast_to(pixels[..., :1] if channels == 1 else pixels, (*size, channels))
    else:
        pixels = nearest_colours(image.pixels_HWC, palette)
    record = CachedImage(
        file.file_name,
        file.split,
        file.label,
        image.height,
        image.width,
        image.mode,
        digest,
        image.traits,
        image.value_range,
        file.synthetic,
    )
    return record, pixels


def _keep_one_channel(path: Path, count: int, size: tuple[int, int]) -> None:
    rgb_path = path.rename(path.with_suffix(".rgb"))
    bytes_per_image = size[0] * size[1] * 3
    with rgb_path.open("rb") as source, path.open("wb") as target:
        for _ in range(0, count, WINDOW):
            target.write(source.read(WINDOW * bytes_per_image)[::3])
    rgb_path.unlink()


@contextmanager
def _pillow_silenced() -> Iterator[None]:
    """Keep Pillow's warnings from the terminal: what cannot be read is refused, with a reason, in our own words."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield

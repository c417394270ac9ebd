"""Surveys of a dataset's files before they are decoded: sizes, traits, colours and levels."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import chain

from vaeaug.dataset.decode import UnreadableImageError, read_colour_table, read_deep_values, read_file
from vaeaug.dataset.index import ImageFile
from vaeaug.dataset.levels import Levels, LevelsFinder
from vaeaug.dataset.palette import ColourFinder, ColourTable, IndexedColours
from vaeaug.dataset.parallel import windows
from vaeaug.dataset.rules import DecodeRules
from vaeaug.dataset.traits import Header, read_header


def read_headers(files: Sequence[ImageFile], pool: Executor, rules: DecodeRules) -> list[Header | None]:
    """Return size and traits of each file without decoding it, or None if it cannot be read."""
    return [header for window in windows(pool, partial(_header, rules=rules), files) for header in window]


def _header(file: ImageFile, rules: DecodeRules) -> Header | None:
    try:
        return read_header(read_file(file.path), rules.max_megapixels)
    except UnreadableImageError:
        return None


def find_colours(
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


def find_levels(
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

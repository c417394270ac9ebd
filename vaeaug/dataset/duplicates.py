"""Byte-identical images: across splits, across classes, and within a class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from vaeaug.dataset.image_cache import CachedImage, ImageCache
from vaeaug.errors import InputError

_MAX_NAMED = 3


def duplicate_warnings(cache: ImageCache, *, allow_leaks: bool) -> list[str]:
    """Return one warning per kind of byte-identical images; leaks into val and test raise InputError unless allowed."""
    groups: defaultdict[str, list[CachedImage]] = defaultdict(list)
    for file in cache.files:
        groups[file.digest].append(file)
    copies = [group for group in groups.values() if len(group) > 1]
    leaks = [pair for group in copies for pair in _pairs(group, ("val", "test"), "train")]
    if leaks and not allow_leaks:
        raise InputError(
            f"{_leaks(leaks)}, so metrics on them would be too optimistic; remove them from one of the splits, or "
            "continue with --allow-leaks"
        )
    between = [pair for group in copies for pair in _pairs(group, ("val",), "test")]
    mislabelled = [group for group in copies if len({file.label for file in group}) > 1]
    within = [copy for group in copies for copy in _copies_within(group)]
    return [
        *([f"{_leaks(leaks)}: metrics on them are too optimistic"] if leaks else []),
        *([f"{_count(len(between))} in both val and test: {_examples(between)}"] if between else []),
        *(_several_classes(mislabelled) if mislabelled else []),
        *([_repeated(within)] if within else []),
    ]


def _pairs(group: Sequence[CachedImage], splits: Sequence[str], other: str) -> list[tuple[CachedImage, CachedImage]]:
    originals = [file for file in group if file.split == other]
    return [(file, originals[0]) for file in group if file.split in splits] if originals else []


def _copies_within(group: Sequence[CachedImage]) -> list[tuple[CachedImage, CachedImage]]:
    first: dict[tuple[str, str], CachedImage] = {}
    return [
        (file, original) for file in group if (original := first.setdefault((file.split, file.label), file)) is not file
    ]


def _leaks(leaks: Sequence[tuple[CachedImage, CachedImage]]) -> str:
    splits = " and ".join(dict.fromkeys(file.split for file, _ in leaks))
    which = "image is also a training image" if len(leaks) == 1 else "images are also training images"
    return f"{len(leaks)} {splits} {which}, byte for byte: {_examples(leaks)}"


def _several_classes(groups: Sequence[Sequence[CachedImage]]) -> list[str]:
    named = [" and ".join(f"{file.file_name!r} ({file.label!r})" for file in _one_per_class(group)) for group in groups]
    which = "image is" if len(groups) == 1 else "images are"
    return [f"{len(groups)} identical {which} in several classes, so a label is wrong: {_first(named)}"]


def _one_per_class(group: Iterable[CachedImage]) -> list[CachedImage]:
    return list({file.label: file for file in reversed(list(group))}.values())[::-1]


def _repeated(within: Sequence[tuple[CachedImage, CachedImage]]) -> str:
    which = "image is an identical copy" if len(within) == 1 else "images are identical copies"
    return f"{len(within)} {which} of another image of the same class and split: {_examples(within)}"


def _examples(pairs: Sequence[tuple[CachedImage, CachedImage]]) -> str:
    return _first([f"{file.file_name!r} is {original.file_name!r}" for file, original in pairs])


def _first(texts: Sequence[str]) -> str:
    return ", ".join(texts[:_MAX_NAMED]) + (f" and {len(texts) - _MAX_NAMED} more" if len(texts) > _MAX_NAMED else "")


def _count(number: int) -> str:
    return f"{number} image is" if number == 1 else f"{number} images are"

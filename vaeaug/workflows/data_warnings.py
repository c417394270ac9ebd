"""Warnings about a dataset: how it was read, what was left out, and what is wrong with it."""

from __future__ import annotations

from vaeaug.dataset.cache import ImageCache
from vaeaug.dataset.duplicates import duplicate_warnings
from vaeaug.dataset.index import NO_LABEL, DatasetIndex
from vaeaug.dataset.passed_over import FRAMES, PassedOver, summary
from vaeaug.workflows.name_list import name_list


def data_warnings(index: DatasetIndex, cache: ImageCache, *, allow_leaks: bool) -> list[str]:
    """Return the warnings about a dataset.

    Raises:
        InputError: if validation or test images are also training images, unless `allow_leaks`.
    """
    return [*reading_warnings(index, cache), *duplicate_warnings(cache, allow_leaks=allow_leaks)]


def reading_warnings(index: DatasetIndex, cache: ImageCache) -> list[str]:
    """Return how a dataset was read and what was left out, one line each."""
    unused = summary(passed_over(index, cache))
    return [*index.notes, *([] if unused is None else [unused]), *_unreadable(cache)]


def passed_over(index: DatasetIndex, cache: ImageCache) -> list[PassedOver]:
    """Return all parts of a dataset that are not used: files, and further pages and frames of images."""
    several = tuple(file.file_name for file in cache.files if file.traits.frames > 1)
    return [*index.passed_over, *([PassedOver(FRAMES, several)] if several else [])]


def split_warnings(index: DatasetIndex) -> list[str]:
    """Return a warning about classes that some splits lack: readers of OUT would number the classes differently."""
    splits = [split for split in ("train", "val", "test") if index.of(split)]
    labels = sorted({file.label for file in index.files} - {NO_LABEL})
    lacking = [f"{label!r} in {split}" for split in splits for label in labels if not index.counts(split).get(label, 0)]
    if not lacking:
        return []
    return [
        f"no images of {name_list(lacking)}: OUT has empty folders for these classes, so that all splits "
        "number the classes alike; torchvision reads them with ImageFolder(..., allow_empty=True), timm ignores them "
        "and needs a class_map"
    ]


def _unreadable(cache: ImageCache) -> list[str]:
    names = name_list([image.file_name for image in cache.invalid])
    count = len(cache.invalid)
    subject = "1 unreadable image was" if count == 1 else f"{count:,} unreadable images were"
    return [f"{subject} left out: {names}"] if count else []

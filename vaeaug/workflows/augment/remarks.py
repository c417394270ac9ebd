"""What the user of an extended dataset should know."""

from __future__ import annotations

from collections.abc import Iterable

from vaeaug.dataset.cache import ImageCache
from vaeaug.dataset.constant_classes import constant_warnings
from vaeaug.dataset.index import DatasetIndex
from vaeaug.export.layout import folder_name
from vaeaug.models.store import StoredModel
from vaeaug.workflows.remarks import remarks_on

_OTHERS = "the model was trained on other images than those of this dataset, or they had other names then"


def remarks_on_run(index: DatasetIndex, cache: ImageCache, model: StoredModel, *, same: bool) -> list[str]:
    """Return what the user should know of the model, and of the images that did not go the straight way.

    Args:
        index: the files of the data.
        cache: their images, as far as they could be read.
        model: what the synthetic images are from.
        same: whether it was trained on the training images of the data, under their names.
    """
    return [
        *remarks_on(model),
        *([] if same else [_OTHERS]),
        *_left_out(cache),
        *_strays(index),
        *constant_warnings(cache),
        *_renamed(cache.classes),
    ]


def _strays(index: DatasetIndex) -> list[str]:
    """Return a remark on images that belong to no class."""
    names = ", ".join(index.stray[:3])
    return [f"{len(index.stray)} images lie outside class folders and were left out: {names}"] if index.stray else []


def _renamed(labels: Iterable[str]) -> list[str]:
    """Return a remark on classes whose folder has another name, because not every file system takes theirs."""
    renamed = [f"{label!r} is in {folder_name(label)}" for label in labels if folder_name(label) != label]
    return [f"folders are named so that every system takes them: {', '.join(renamed)}"] if renamed else []


def _left_out(cache: ImageCache) -> list[str]:
    """Return a remark on the images that could not be read."""
    names = ", ".join(image.file_name for image in cache.invalid[:3])
    more = " and others" if len(cache.invalid) > 3 else ""
    return [f"{len(cache.invalid)} unreadable images were left out: {names}{more}"] if cache.invalid else []

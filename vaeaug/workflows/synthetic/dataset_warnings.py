"""Warnings about an extended dataset."""

from __future__ import annotations

from collections.abc import Iterable

from vaeaug.dataset.cache import ImageCache
from vaeaug.dataset.constant_classes import constant_warnings
from vaeaug.dataset.index import NO_LABEL, DatasetIndex
from vaeaug.errors import name_list
from vaeaug.export.layout import folder_name
from vaeaug.models.store import StoredModel
from vaeaug.workflows.model_warnings import model_warnings

_OTHER_DATA = "the model was not trained on the images of this dataset, or they have been renamed since"


def dataset_warnings(
    index: DatasetIndex, cache: ImageCache, model: StoredModel, *, is_training_data: bool, uses_model: bool
) -> list[str]:
    """Return the warnings about the model, the splits and the names of class folders.

    Args:
        uses_model: whether the sampler uses what the model has learned. If not, its training needs no warnings.
    """
    return [
        *(model_warnings(model) if uses_model else []),
        *([] if is_training_data else [_OTHER_DATA]),
        *_split_warnings(index),
        *constant_warnings(cache),
        *_renamed(sorted({file.label for file in cache.files})),
    ]


def _split_warnings(index: DatasetIndex) -> list[str]:
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


def _renamed(labels: Iterable[str]) -> list[str]:
    renamed = [f"{label!r} is in {folder_name(label)}" for label in labels if folder_name(label) != label]
    if not renamed:
        return []
    return [f"folders that a file system or a reader would misread have encoded names: {name_list(renamed)}"]

"""What the user of an extended dataset should know."""

from __future__ import annotations

from collections.abc import Iterable

from vaeaug.dataset.cache import ImageCache
from vaeaug.dataset.constant_classes import constant_warnings
from vaeaug.dataset.index import DatasetIndex
from vaeaug.export.layout import folder_name
from vaeaug.models.store import StoredModel
from vaeaug.workflows.data_warnings import split_warnings
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
        *split_warnings(index),
        *constant_warnings(cache),
        *_renamed(sorted({file.label for file in cache.files})),
    ]


def _renamed(labels: Iterable[str]) -> list[str]:
    """Return a warning on classes whose folders have encoded names."""
    renamed = [f"{label!r} is in {folder_name(label)}" for label in labels if folder_name(label) != label]
    return (
        [f"folders that a system or a reader would misread have encoded names: {', '.join(renamed)}"] if renamed else []
    )

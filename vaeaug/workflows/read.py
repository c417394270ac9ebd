"""A user's images into memory-mapped pixels: for a training, or as a trained model takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vaeaug.contracts import ImageSpec
from vaeaug.dataset.cache import UNSEEN, ImageCache, build_cache
from vaeaug.dataset.index import NO_LABEL, DatasetIndex
from vaeaug.dataset.rules import DEFAULT_RULES, MAX_MEGAPIXELS, DecodeRules
from vaeaug.dataset.scan import scan
from vaeaug.engine.local import cores
from vaeaug.models.record import ModelRecord
from vaeaug.models.store import StoredModel
from vaeaug.progress import Progress, Tick
from vaeaug.workflows.settings import TrainSettings, parse_background, parse_size

NAMED = 20
"""Unreadable images that are named at most."""


@dataclass(frozen=True, slots=True)
class ModelData:
    """Images at a model's size, in its channels and colours.

    Attributes:
        cache: the images of all splits. Its own classes are those of the data and not the model's.
        labels_N: int64, the label of each image as the model counts classes; -1 (`UNSEEN`) where the image has no
            label, or one that the model was not trained on.
        unknown: labels of the data that the model was not trained on, sorted.
        paths: `file_name` -> the file.
    """

    cache: ImageCache
    labels_N: NDArray[np.int64]
    unknown: tuple[str, ...]
    paths: Mapping[str, Path]


def read_for_training(
    index: DatasetIndex, settings: TrainSettings, progress: Progress, *, model: ModelRecord | None = None
) -> ImageCache:
    """Decode every image of a dataset that a model is to be trained on.

    Args:
        index: the images.
        settings: of the training.
        progress: progress callback.
        model: the record of a model that is trained already, which settles by which rules images are decoded.

    Raises:
        InputError: if some images cannot be read, and `skip_invalid` is not set.
    """
    background = parse_background(settings.background)
    return read_images(
        index,
        image_size=parse_size(settings.image_size),
        rules=DecodeRules(background=background, max_megapixels=settings.max_megapixels)
        if model is None
        else model.rules(settings.max_megapixels),
        find_levels=model is None,
        workers=settings.workers,
        skip_invalid=settings.skip_invalid,
        progress=progress,
    )


def read_for_model(
    model: StoredModel,
    data: Path,
    *,
    workers: int | None,
    skip_invalid: bool,
    progress: Progress,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> ModelData:
    """Decode images for a trained model: a dataset in any of the layouts, a folder of images, or one image.

    Args:
        model: the trained model.
        data: DATA. It is never written to.
        workers: threads to decode with; one a core if None.
        skip_invalid: leave unreadable images out instead of refusing.
        progress: hears how it goes.
        max_megapixels: images of more millions of pixels are refused.

    Raises:
        InputError: there are no images, some cannot be read, or they are in colour and the model's are not.
    """
    index = scan(data, training=False)
    cache = read_images(
        index,
        spec=model.spec,
        rules=model.record.rules(max_megapixels),
        workers=workers,
        skip_invalid=skip_invalid,
        progress=progress,
    )
    place = {name: label for label, name in enumerate(model.classes)}
    labels_N = np.array([place.get(file.label, UNSEEN) for file in cache.files], dtype=np.int64)
    unknown = tuple(sorted({file.label for file in cache.files} - {NO_LABEL, *place}))
    return ModelData(cache, labels_N, unknown, {file.file_name: file.path for file in index.files})


def read_images(
    index: DatasetIndex,
    *,
    image_size: tuple[int, int] | None = None,
    spec: ImageSpec | None = None,
    rules: DecodeRules = DEFAULT_RULES,
    find_levels: bool = True,
    workers: int | None,
    skip_invalid: bool,
    progress: Progress,
) -> ImageCache:
    """Decode every image of a dataset, or open the cache of an earlier time; see `build_cache`.

    Raises:
        InputError: some images cannot be read, and `skip_invalid` is not set.
    """
    progress.stage("Reading images")
    cache = build_cache(
        index,
        image_size=image_size,
        spec=spec,
        rules=rules,
        find_levels=find_levels,
        workers=workers or cores(),
        skip_invalid=skip_invalid,
        progress=lambda done, total: progress.tick(Tick(done / max(total, 1))),
    )
    for image in cache.invalid[:NAMED]:
        progress.say(f"left out: {image.file_name}: {image.reason}")
    if len(cache.invalid) > NAMED:
        progress.say(f"left out: {len(cache.invalid) - NAMED} more images that cannot be read")
    return cache

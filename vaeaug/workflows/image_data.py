"""Images of users, decoded into memory-mapped pixels: for a training, or at the size of a trained model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vaeaug.contracts import ImageSpec
from vaeaug.cpus import cpu_count
from vaeaug.dataset.cache import UNSEEN, ImageCache, build_cache
from vaeaug.dataset.constant_classes import constant_warnings
from vaeaug.dataset.contents import Contents, read_contents
from vaeaug.dataset.index import MINIMUM_PER_CLASS, NO_LABEL, DatasetIndex
from vaeaug.dataset.label_options import AUTOMATIC, LabelOptions
from vaeaug.dataset.passed_over import PassedOver
from vaeaug.dataset.provenance import add_provenance, separate_synthetic, synthetic_warnings
from vaeaug.dataset.rules import DEFAULT_RULES, MAX_MEGAPIXELS, DecodeRules
from vaeaug.dataset.scan import scan
from vaeaug.dataset.size import DEFAULT_MAX_SIDE
from vaeaug.models.record import read_record
from vaeaug.models.store import StoredModel
from vaeaug.progress import Progress, Tick
from vaeaug.workflows.data_warnings import passed_over, reading_warnings
from vaeaug.workflows.holdout import apply_holdout
from vaeaug.workflows.settings import parse_background, parse_size
from vaeaug.workflows.train_settings import TrainSettings

MAX_NAMED = 20
"""Unreadable images that are named at most."""


@dataclass(frozen=True, slots=True)
class ModelData:
    """Images at a model's size, in its channels and colours.

    Attributes:
        cache: the images of all splits, with the classes of the data, not of the model.
        labels_N: int64, the index of each image's class in the model; -1 (`UNSEEN`) if the image has no label, or a
            label that the model was not trained on.
        unknown: labels of the data that the model was not trained on, sorted.
        paths: `file_name` -> the file.
    """

    cache: ImageCache
    labels_N: NDArray[np.int64]
    unknown: tuple[str, ...]
    paths: Mapping[str, Path]
    passed_over: Sequence[PassedOver]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """A dataset that a model is trained on.

    Attributes:
        index: its files; synthetic ones of earlier runs have a separate split.
        held_out: a sentence about the images that were held out; empty if none were.
    """

    index: DatasetIndex
    cache: ImageCache
    warnings: tuple[str, ...]
    held_out: str


def read_for_training(
    index: DatasetIndex,
    settings: TrainSettings,
    progress: Progress,
    *,
    copies_synthetic: bool = False,
    model: Path | None = None,
) -> TrainingData:
    """Decode every image of a dataset that a model is to be trained on.

    Args:
        copies_synthetic: whether synthetic images of earlier runs are copied to an output.
        model: the directory of a trained model to use on the dataset: images are decoded by its rules, and its
            training images are not held out.

    Raises:
        InputError: if images cannot be read and `skip_invalid` is not set, if a class has too few real images, or if
            images cannot be held out as requested.
    """
    progress.stage("Reading images")
    contents = read_contents(index, workers=settings.workers or cpu_count())
    separated = separate_synthetic(
        add_provenance(index, contents),
        train_on_synthetic=settings.train_on_synthetic,
        remedy="add --train-on-synthetic to train on these",
    )
    index, held_out = apply_holdout(separated.index, contents.digests, settings, model)
    cache = read_images(
        index,
        contents=contents,
        image_size=parse_size(settings.image_size),
        rules=DecodeRules(background=parse_background(settings.background), max_megapixels=settings.max_megapixels)
        if model is None
        else read_record(model).rules(settings.max_megapixels),
        find_levels=model is None,
        workers=settings.workers,
        skip_invalid=settings.skip_invalid,
        progress=progress,
    )
    for warning in constant_warnings(cache):
        progress.say(warning)
    copied = "they are copied and stay synthetic in the manifest, and " if copies_synthetic else ""
    training_note = (
        "the model was also trained on them"
        if settings.train_on_synthetic
        else "no model was trained on them (--train-on-synthetic trains on them)"
    )
    return TrainingData(
        index,
        cache,
        tuple(synthetic_warnings(separated, copied + training_note)),
        held_out.sentence() if held_out else "",
    )


def read_real(
    index: DatasetIndex, *, workers: int | None, progress: Progress, minimum: int = MINIMUM_PER_CLASS
) -> tuple[DatasetIndex, Contents, tuple[str, ...]]:
    """Return a dataset without the synthetic images of earlier runs, and a warning if it has any.

    Raises:
        InputError: if a class has fewer than `minimum` real training images.
    """
    progress.stage("Reading images")
    contents = read_contents(index, workers=workers or cpu_count())
    separated = separate_synthetic(add_provenance(index, contents), minimum=minimum)
    real = tuple(file for file in separated.index.files if not file.synthetic)
    left_out = len(index.files) - len(real)
    if not left_out:
        return separated.index, contents, ()
    warning = (
        f"{left_out:,} of {len(index.files):,} images of {index.root.name} are synthetic, from an earlier run of "
        "vaeaug: they do not count as real and were left out"
    )
    return dataclasses.replace(separated.index, files=real), contents, (warning,)


def read_for_model(
    model: StoredModel,
    data: Path,
    *,
    labels: LabelOptions = AUTOMATIC,
    workers: int | None,
    skip_invalid: bool,
    progress: Progress,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> ModelData:
    """Decode images for a trained model: a dataset in any of the layouts, a folder of images, or one image.

    `workers` are decoding threads, one per core if None. Images larger than `max_megapixels` are refused.

    Raises:
        InputError: if there are no images, if some cannot be read, or if they are in colour and the model's are gray.
    """
    index = scan(data, training=False, options=labels)
    progress.stage("Reading images")
    contents = read_contents(index, workers=workers or cpu_count())
    cache = read_images(
        add_provenance(index, contents),
        contents=contents,
        spec=model.spec,
        rules=model.record.rules(max_megapixels),
        workers=workers,
        skip_invalid=skip_invalid,
        progress=progress,
    )
    for warning in reading_warnings(index, cache):
        progress.say(warning)
    label_of = {name: label for label, name in enumerate(model.classes)}
    labels_N = np.array([label_of.get(file.label, UNSEEN) for file in cache.files], dtype=np.int64)
    unknown = tuple(sorted({file.label for file in cache.files} - {NO_LABEL, *label_of}))
    paths = {file.file_name: file.path for file in index.files}
    return ModelData(cache, labels_N, unknown, paths, passed_over(index, cache))


def read_images(
    index: DatasetIndex,
    *,
    contents: Contents | None = None,
    image_size: tuple[int, int] | None = None,
    max_side: int = DEFAULT_MAX_SIDE,
    spec: ImageSpec | None = None,
    rules: DecodeRules = DEFAULT_RULES,
    find_levels: bool = True,
    workers: int | None,
    skip_invalid: bool,
    progress: Progress,
) -> ImageCache:
    """Decode every image of a dataset, or open the cache of an earlier run; see `build_cache`.

    Raises:
        InputError: if some images cannot be read and `skip_invalid` is not set.
    """
    if contents is None:
        progress.stage("Reading images")
    cache = build_cache(
        index,
        contents=contents,
        image_size=image_size,
        max_side=max_side,
        spec=spec,
        rules=rules,
        find_levels=find_levels,
        workers=workers or cpu_count(),
        skip_invalid=skip_invalid,
        progress=lambda done, total: progress.tick(Tick(done / max(total, 1))),
    )
    for image in cache.invalid[:MAX_NAMED]:
        progress.say(f"left out: {image.file_name}: {image.reason}")
    if len(cache.invalid) > MAX_NAMED:
        progress.say(f"left out: {len(cache.invalid) - MAX_NAMED} more images that cannot be read")
    return cache

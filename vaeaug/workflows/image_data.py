"""Images of users, decoded into memory-mapped pixels: for a training, or at the size of a trained model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.cache import UNSEEN, ImageCache, build_cache
from vaeaug.dataset.constant_classes import constant_warnings
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.duplicates import duplicate_warnings
from vaeaug.dataset.holdout import EarlierTraining, divide
from vaeaug.dataset.index import MINIMUM_PER_CLASS, NO_LABEL, DatasetIndex
from vaeaug.dataset.passed_over import PassedOver, reading_warnings, with_frames
from vaeaug.dataset.provenance import separate_synthetic, synthetic_warnings
from vaeaug.dataset.reading_options import AUTOMATIC, HoldOut, LabelOptions
from vaeaug.dataset.rules import MAX_MEGAPIXELS, DecodeRules
from vaeaug.dataset.scan import scan
from vaeaug.models.latents import FILE as LATENTS
from vaeaug.models.latents import load_latents
from vaeaug.models.record import ModelRecord, read_record
from vaeaug.models.store import StoredModel
from vaeaug.progress import Progress
from vaeaug.workflows.settings import parse_background, parse_size
from vaeaug.workflows.train_settings import TrainSettings


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
        warnings: how it was read, what was left out, and duplicates.
        synthetic_warnings: what happens to the synthetic images.
        held_out: a sentence about the images that were held out; empty if none were.
    """

    index: DatasetIndex
    cache: ImageCache
    passed_over: Sequence[PassedOver]
    warnings: tuple[str, ...]
    synthetic_warnings: tuple[str, ...]
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
        InputError: if images cannot be read and `skip_invalid` is not set, if a class has too few real images, if
            images cannot be held out as requested, or if validation or test images are also training images, unless
            `allow_leaks` is set.
    """
    progress.stage("Reading images")
    index = read_contents(index, workers=settings.workers)
    separated = separate_synthetic(
        index, train_on_synthetic=settings.train_on_synthetic, remedy="add --train-on-synthetic to train on these"
    )
    copied = "they are copied and stay synthetic in the manifest, and " if copies_synthetic else ""
    training_note = (
        "the model was also trained on them"
        if settings.train_on_synthetic
        else "no model was trained on them (--train-on-synthetic trains on them)"
    )
    about_synthetic = synthetic_warnings(separated, copied + training_note)
    record = None if model is None else read_record(model)
    requested, training = settings.held_out(), None
    if model is not None and record is not None and (requested is not None or record.holdout is not None):
        training = _training_of(model, record)
    index, held_out = divide(separated.index, requested, settings.group_by, training)
    cache = build_cache(
        index,
        image_size=parse_size(settings.image_size),
        rules=DecodeRules(background=parse_background(settings.background), max_megapixels=settings.max_megapixels)
        if record is None
        else record.rules(settings.max_megapixels),
        find_levels=record is None,
        workers=settings.workers,
        skip_invalid=settings.skip_invalid,
        progress=progress,
    )
    for warning in constant_warnings(cache):
        progress.say(warning)
    unused = with_frames(index.passed_over, cache.further_frames())
    return TrainingData(
        index,
        cache,
        passed_over=unused,
        warnings=(
            *reading_warnings(index.notes, unused, cache.unreadable()),
            *duplicate_warnings(cache, allow_leaks=settings.allow_leaks),
        ),
        synthetic_warnings=tuple(about_synthetic),
        held_out="" if held_out is None else held_out.sentence(),
    )


def read_real(
    index: DatasetIndex, *, workers: int | None, progress: Progress, minimum: int = MINIMUM_PER_CLASS
) -> tuple[DatasetIndex, tuple[str, ...]]:
    """Return a dataset without the synthetic images of earlier runs, and a warning if it has any.

    Raises:
        InputError: if a class has fewer than `minimum` real training images.
    """
    progress.stage("Reading images")
    separated = separate_synthetic(read_contents(index, workers=workers), minimum=minimum)
    real = tuple(file for file in separated.index.files if not file.synthetic)
    left_out = len(index.files) - len(real)
    if not left_out:
        return separated.index, ()
    warning = (
        f"{left_out:,} of {len(index.files):,} images of {index.root.name} are synthetic, from an earlier run of "
        "vaeaug: they do not count as real and were left out"
    )
    return dataclasses.replace(separated.index, files=real), (warning,)


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
    cache = build_cache(
        read_contents(index, workers=workers),
        spec=model.spec,
        rules=model.record.rules(max_megapixels),
        workers=workers,
        skip_invalid=skip_invalid,
        progress=progress,
    )
    unused = with_frames(index.passed_over, cache.further_frames())
    for warning in reading_warnings(index.notes, unused, cache.unreadable()):
        progress.say(warning)
    label_of = {name: label for label, name in enumerate(model.classes)}
    labels_N = np.array([label_of.get(file.label, UNSEEN) for file in cache.files], dtype=np.int64)
    unknown = tuple(sorted({file.label for file in cache.files} - {NO_LABEL, *label_of}))
    paths = {file.file_name: file.path for file in index.files}
    return ModelData(cache, labels_N, unknown, paths, unused)


def _training_of(model: Path, record: ModelRecord) -> EarlierTraining:
    labels = range(len(record.classes))
    names = frozenset(name for label in labels for name in load_latents(model / LATENTS, label).sources)
    return EarlierTraining(model, None if record.holdout is None else HoldOut(**record.holdout), names)

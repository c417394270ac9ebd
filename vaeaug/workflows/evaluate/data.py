"""The images that an evaluation is about: real ones, synthetic ones, and test images that no model has seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vaeaug.contracts import ImageSpec
from vaeaug.dataset.cache import UNSEEN, ImageCache
from vaeaug.dataset.index import NO_LABEL, DatasetIndex, quoted
from vaeaug.dataset.rules import DecodeRules
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError
from vaeaug.progress import Progress
from vaeaug.workflows.evaluate.images import Images, images_of
from vaeaug.workflows.evaluate.leaks import refuse_leaks
from vaeaug.workflows.evaluate.manifest import SYNTHETIC, Manifest, is_edited, read_manifest
from vaeaug.workflows.evaluate.settings import EvaluateSettings
from vaeaug.workflows.evaluate.synthetic_record import background_of, trained_on
from vaeaug.workflows.read import read_images
from vaeaug.workflows.settings import parse_background, parse_size, real_path

LEAST_TESTED = 2
"""Test images that an interval takes."""


@dataclass(frozen=True, slots=True)
class EvaluateData:
    """What is compared, and by what.

    Attributes:
        index: the files of REAL.
        made: the files of SYNTHETIC.
        classes: names.
        real: training images.
        synthetic: synthetic images.
        edited: whether these are changed real images, as far as is told.
        test: test images, or None where there are none.
        tested_on: where they are from, in words, without places of this machine.
        remarks: what the user should know.
    """

    index: DatasetIndex
    made: DatasetIndex
    classes: tuple[str, ...]
    real: Images
    synthetic: Images
    edited: bool
    test: Images | None
    tested_on: str
    remarks: tuple[str, ...]


def read_evaluate_data(real: Path, synthetic: Path, settings: EvaluateSettings, progress: Progress) -> EvaluateData:
    """Read all images at one size, that of REAL, and refuse test images that the model may have seen.

    Raises:
        InputError: there are no such images, their classes do not agree, or test images are among the training ones.
    """
    index = scan(real)
    if len(index.classes) < 2:
        raise InputError(f"{real} has one class, {index.classes[0]!r}; a classifier needs two to tell apart")
    cache = read_images(
        index,
        image_size=parse_size(settings.image_size),
        rules=DecodeRules(
            background=parse_background(settings.background or background_of(synthetic)),
            max_megapixels=settings.max_megapixels,
        ),
        workers=settings.workers,
        skip_invalid=settings.skip_invalid,
        progress=progress,
    )
    training = images_of(cache, cache.split_N == "train", cache.classes)
    rows = read_manifest(synthetic)
    made_index = _synthetic_index(synthetic, rows, cache.classes)
    made = _read(made_index, cache, settings, progress)
    test, tested_on, remarks = _test(cache, settings, progress)
    if test is not None:
        untrained = test.only(~np.isin(test.digests(), training.digests()))
        if not len(untrained):
            raise InputError(
                f"all images of {tested_on} are also training images of {real}; give others with --test DIR"
            )
        if len(untrained) < len(test):
            remarks += (f"test images that are also training images and were left out: {len(test) - len(untrained)}",)
        test = untrained
        if len(test) < LEAST_TESTED:
            raise InputError(
                f"{tested_on} has one image to test on, which tells nothing; give more of them, or others with "
                "--test DIR"
            )
        held_out = {file.file_name for file in index.files if file.split != "train"}
        # Names in another directory than REAL tell nothing; files of --test are compared by their contents alone.
        refuse_leaks(test, tested_on, made, synthetic, rows, held_out if settings.test is None else set())
        if trained_on(synthetic) not in (None, cache.fingerprint):
            remarks += (
                "the synthetic images are of a model that was trained on other images than these real ones: see that "
                "no test image was among them",
            )
    return EvaluateData(index, made_index, cache.classes, training, made, is_edited(rows), test, tested_on, remarks)


def read_made(directory: Path, like: ImageCache, settings: EvaluateSettings, progress: Progress) -> Images:
    """Return the synthetic images in a directory at the size of other images.

    Args:
        directory: an output of `augment`, `sample` or `inpaint --random-holes`, or class folders.
        like: real images, whose classes count.
        settings: of the run.
        progress: hears how it goes.

    Raises:
        InputError: there are none, or they are of other classes.
    """
    return _read(_synthetic_index(directory, read_manifest(directory), like.classes), like, settings, progress)


def _synthetic_index(directory: Path, manifest: Manifest | None, classes: Sequence[str]) -> DatasetIndex:
    """Find the synthetic images for training. The manifest tells them and their classes, else all are synthetic.

    Raises:
        InputError: there are none, or they are of other classes.
    """
    index = scan(directory, training=False)
    files = [file for file in index.files if file.split == "train"]
    if manifest is not None:
        rows = {name: row for name, row in manifest.items() if row["synthetic"] in SYNTHETIC}
        files = [
            dataclasses.replace(file, label=rows[file.file_name]["label"]) for file in files if file.file_name in rows
        ]
    unlabelled = [file for file in files if file.label == NO_LABEL]
    if unlabelled or not files:
        what = "images outside class folders" if unlabelled else "no synthetic images"
        raise InputError(
            f"{directory} holds {what}; give an output of vaeaug augment or sample, or a folder with a folder a class"
        )
    unknown = sorted({file.label for file in files} - set(classes))
    if unknown:
        raise InputError(
            f"{directory} has images of {quoted(unknown)}, which REAL has not; its classes are {quoted(classes)}"
        )
    return dataclasses.replace(index, files=tuple(files), classes=tuple(sorted({file.label for file in files})))


def _read(index: DatasetIndex, like: ImageCache, settings: EvaluateSettings, progress: Progress) -> Images:
    """Decode images at the size, in the channels, in the colours and by the rules of others."""
    _, height, width, channels = like.pixels_NHWC.shape
    spec = ImageSpec(channels=channels, height=height, width=width, palette=like.palette)
    cache = read_images(
        index,
        spec=spec,
        rules=like.rules,
        workers=settings.workers,
        skip_invalid=settings.skip_invalid,
        progress=progress,
    )
    return images_of(cache, np.ones(len(cache), np.bool_), like.classes)


def _test(
    real: ImageCache, settings: EvaluateSettings, progress: Progress
) -> tuple[Images | None, str, tuple[str, ...]]:
    """Return the test images, where they are from, and what the user should know of them.

    Raises:
        InputError: `--test` holds no image of a class of REAL.
    """
    if settings.test is None:
        cache, where = real, "REAL"
    else:
        place = real_path(settings.test)
        where = place.resolve().name  # what is written has no places of this machine in it
        cache = _read(scan(place, training=False), real, settings, progress).cache
    splits = [split for split in ("test", "val") if (cache.split_N == split).any()]
    if settings.test is None and not splits:
        return None, "", ()
    split = splits[0] if splits else "train"
    found = images_of(cache, cache.split_N == split, real.classes)
    known = found.only(found.labels_N != UNSEEN)
    tested_on = f"{where}, {split} split" if splits else where
    if not len(known):
        raise InputError(f"{tested_on} has no image of {quoted(real.classes)}; give others with --test DIR")
    left = len(found) - len(known)
    return known, tested_on, (f"test images of other classes, left out: {left}",) if left else ()

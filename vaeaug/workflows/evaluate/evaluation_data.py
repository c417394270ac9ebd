"""The images of an evaluation: real ones, synthetic ones, and test images that no model has seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vaeaug.contracts import ImageSpec
from vaeaug.dataset.cache import UNSEEN, ImageCache, build_cache
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.index import NO_LABEL, DatasetIndex
from vaeaug.dataset.passed_over import PassedOver, reading_warnings, with_frames
from vaeaug.dataset.rules import DecodeRules
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError, quoted
from vaeaug.workflows.evaluate.classifier_choice import ClassifierChoice, choose_classifier
from vaeaug.workflows.evaluate.evaluate_settings import EvaluateSettings
from vaeaug.workflows.evaluate.image_subset import ImageSubset, image_subset
from vaeaug.workflows.evaluate.leaks import check_leaks
from vaeaug.workflows.evaluate.real_copies import exclude_real_images
from vaeaug.workflows.evaluate.synthetic_record import Manifest, background_of, is_edited, read_manifest, trained_on
from vaeaug.workflows.image_data import read_real
from vaeaug.workflows.run import Run
from vaeaug.workflows.settings import expand_user, parse_background, parse_size

MIN_TEST_IMAGES = 2
"""Test images that an interval requires."""


@dataclass(frozen=True, slots=True)
class EvaluateData:
    """The images of an evaluation.

    Attributes:
        edited: whether the synthetic images are edited real ones, according to the manifest.
        test: test images, or None if there are none.
        tested_on: where they are from, in words, without paths of this machine.
        classifier: the one that the settings name; at most as large as it receives images, they are read.
        passed_over: unused files in REAL, SYNTHETIC and the directory of test images.
    """

    index: DatasetIndex
    synthetic_index: DatasetIndex
    classes: tuple[str, ...]
    real: ImageSubset
    synthetic: ImageSubset
    edited: bool
    test: ImageSubset | None
    tested_on: str
    classifier: ClassifierChoice
    passed_over: tuple[PassedOver, ...]


def read_evaluate_data(run: Run[EvaluateSettings], index: DatasetIndex, synthetic: Path) -> EvaluateData:
    """Read all images at the size of REAL, and check that the model cannot have seen the test images.

    Raises:
        InputError: if there are no such images, if their classes do not agree, or if test images are training images.
    """
    settings, progress = run.settings, run.progress
    classifier = choose_classifier(settings)
    real = index.root
    if not synthetic.exists():
        raise InputError(f"{synthetic} does not exist; give an output of vaeaug augment or sample")
    index, warnings = read_real(index, workers=settings.workers, progress=progress)
    run.warn(*warnings)
    if len(index.classes) < 2:
        raise InputError(f"{real} has one class, {index.classes[0]!r}; a classifier needs at least two")
    cache = build_cache(
        index,
        image_size=parse_size(settings.image_size),
        max_side=classifier.max_image_side,
        rules=DecodeRules(
            background=parse_background(settings.background or background_of(synthetic)),
            max_megapixels=settings.max_megapixels,
        ),
        workers=settings.workers,
        skip_invalid=settings.skip_invalid,
        progress=progress,
    )
    unused = with_frames(index.passed_over, cache.further_frames())
    for warning in reading_warnings(index.notes, unused, cache.unreadable()):
        progress.say(warning)
    training = image_subset(cache, cache.split_N == "train", cache.classes)
    rows = read_manifest(synthetic)
    synthetic_index = _synthetic_index(synthetic, rows, cache.classes)
    progress.stage("Reading images")
    synthetic_images = _read(run, synthetic_index, cache)
    synthetic_images, left_out = exclude_real_images(synthetic_images, cache, synthetic)
    if rows is None:  # before the long work, in case the wrong folder was given
        progress.say(
            f"{synthetic} has no manifest.csv, so all {len(synthetic_images):,} images in it count as synthetic"
        )
    test, tested_on, unused_in_test = _test(run, cache)
    run.warn(*left_out)
    if test is not None:
        untrained = test.subset(~np.isin(test.digests(), training.digests()))
        if not len(untrained):
            raise InputError(
                f"all images of {tested_on} are also training images of {real}; give other test images with --test DIR"
            )
        if len(untrained) < len(test):
            run.warn(f"test images that are also training images and were left out: {len(test) - len(untrained)}")
        test = untrained
        if len(test) < MIN_TEST_IMAGES:
            raise InputError(
                f"{tested_on} has only one test image, which is too few; add test images, or give others with "
                "--test DIR"
            )
        held_out = {file.file_name for file in index.files if file.split != "train"}
        # Names in another directory than REAL mean other images; files of --test are compared by content only.
        check_leaks(test, tested_on, synthetic_images, synthetic, rows, held_out if settings.test is None else set())
        # Before data_fingerprint was of the training images alone, it was that of all splits.
        if trained_on(synthetic) not in (None, cache.training_fingerprint(), cache.fingerprint):
            run.warn(
                "the model that made the synthetic images was trained on other images than these real ones: check that "
                "no test image was among them"
            )
    return EvaluateData(
        index=index,
        synthetic_index=synthetic_index,
        classes=cache.classes,
        real=training,
        synthetic=synthetic_images,
        edited=is_edited(rows, run.registry.samplers),
        test=test,
        tested_on=tested_on,
        classifier=classifier,
        passed_over=(
            *unused,
            *with_frames(synthetic_index.passed_over, synthetic_images.cache.further_frames()),
            *unused_in_test,
        ),
    )


def read_synthetic(run: Run[EvaluateSettings], directory: Path, reference: ImageCache) -> ImageSubset:
    """Return the synthetic images in a directory, at the size of `reference`, which are real images.

    Raises:
        InputError: if there are none, or if they are of other classes.
    """
    index = _synthetic_index(directory, read_manifest(directory), reference.classes)
    run.progress.stage("Reading images")
    return _read(run, index, reference)


def _synthetic_index(directory: Path, manifest: Manifest | None, classes: Sequence[str]) -> DatasetIndex:
    """Find the synthetic images for training: those that vaeaug made, or all in a folder that it did not write."""
    index = scan(directory, training=False)
    index = read_contents(index)
    files = [file for file in index.files if file.split == "train"]
    recognized = [file for file in files if file.synthetic]
    if recognized or manifest is not None:
        files = recognized
    elif files and len(files) < len(index.files):
        raise InputError(
            f"{directory} has a test or validation split and no manifest.csv that lists which images are synthetic, so "
            "it looks like a real dataset; give an output of vaeaug augment or sample, or only the folder with "
            "the class folders of synthetic images"
        )
    unlabelled = [file for file in files if file.label == NO_LABEL]
    if unlabelled or not files:
        problem = "images outside class folders" if unlabelled else "no synthetic images for training"
        raise InputError(
            f"{directory} contains {problem}; give an output of vaeaug augment or sample, or a folder with "
            "one folder per class"
        )
    unknown = sorted({file.label for file in files} - set(classes))
    if unknown:
        raise InputError(f"{directory} has images of {quoted(unknown)}, but the classes of REAL are {quoted(classes)}")
    return dataclasses.replace(index, files=tuple(files), classes=tuple(sorted({file.label for file in files})))


def _read(run: Run[EvaluateSettings], index: DatasetIndex, reference: ImageCache) -> ImageSubset:
    """Decode images at the size and by the rules of others, in their channels and colours."""
    _, height, width, channels = reference.pixels_NHWC.shape
    spec = ImageSpec(channels=channels, height=height, width=width, palette=reference.palette)
    cache = build_cache(
        index,
        spec=spec,
        rules=reference.rules,
        workers=run.settings.workers,
        skip_invalid=run.settings.skip_invalid,
        progress=run.progress,
    )
    return image_subset(cache, np.ones(len(cache), np.bool_), reference.classes)


def _test(run: Run[EvaluateSettings], real: ImageCache) -> tuple[ImageSubset | None, str, list[PassedOver]]:
    settings = run.settings
    unused: list[PassedOver] = []
    if settings.test is None:
        cache, source = real, "REAL"
    else:
        directory = expand_user(settings.test)
        source = directory.resolve().name  # outputs contain no paths of this machine
        index, warnings = read_real(
            scan(directory, training=False), workers=settings.workers, progress=run.progress, minimum=0
        )
        run.warn(*warnings)
        if not index.files:
            raise InputError(
                f"all images of {directory} are synthetic, and synthetic images must not be used to test a model"
            )
        cache = _read(run, index, real).cache
        unused = with_frames(index.passed_over, cache.further_frames())
    splits = [split for split in ("test", "val") if (cache.split_N == split).any()]
    if settings.test is None and not splits:
        return None, "", unused
    split = splits[0] if splits else "train"
    candidates = image_subset(cache, cache.split_N == split, real.classes)
    known_class = candidates.subset(candidates.labels_N != UNSEEN)
    tested_on = f"{source}, {split} split" if splits else source
    if not len(known_class):
        raise InputError(f"{tested_on} has no images of {quoted(real.classes)}; give other test images with --test DIR")
    if len(known_class) < len(candidates):
        run.warn(f"test images of other classes, left out: {len(candidates) - len(known_class)}")
    return known_class, tested_on, unused

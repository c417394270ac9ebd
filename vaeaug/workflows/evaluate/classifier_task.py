"""The training of one classifier, and its predictions for the test images, as a task for a worker process."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.classifier.classical import ClassicalPipeline
from vaeaug.classifier.fine_tuned import FINE_TUNING
from vaeaug.classifier.fit import ClassifierConfig, fit_classifier
from vaeaug.classifier.linear_head import LINEAR_HEAD, choose_view, fit_linear_head
from vaeaug.dataset.cache import open_cache
from vaeaug.errors import DivergedError
from vaeaug.evaluation.arms import ARMS, Fit, LabelledImages, train_arm
from vaeaug.staging import write_atomic
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.evaluate.classifier_choice import EMBEDDING, FINE_TUNED, VIEWS, ClassifierChoice
from vaeaug.workflows.evaluate.evaluate_settings import SMALL
from vaeaug.workflows.evaluate.feature_task import FeatureStore, FeatureTask, Views, views_of
from vaeaug.workflows.evaluate.image_subset import ImageSubset

_PARTS = ("real", "synthetic", "test")


@dataclass(frozen=True, slots=True)
class TrainTestSplit:
    """Training and test images that classifiers are compared on. The pixels stay in their caches.

    Attributes:
        test: images that are in neither, and that no synthetic image was made from.
    """

    real: ImageSubset
    synthetic: ImageSubset
    test: ImageSubset


@dataclass(frozen=True, slots=True)
class ArmTask:
    """The training of one classifier.

    Attributes:
        classes: K.
        fraction: of synthetic images in a batch, or None.
        store: the features of the images, if `classifier` is a frozen network.
    """

    arm: str
    classifier: ClassifierChoice
    store: FeatureStore
    split: Path
    classes: int
    seed: int
    steps: int
    fraction: float | None
    pipeline: ClassicalPipeline
    device: str
    file: Path


def save_split(split: TrainTestSplit, path: Path) -> None:
    """Write which images a split consists of."""
    buffer = io.BytesIO()
    arrays: dict[str, NDArray[np.generic]] = {}
    for name in _PARTS:
        images: ImageSubset = getattr(split, name)
        arrays[f"{name}_cache"] = np.array(str(images.cache.directory))
        arrays[f"{name}_rows"], arrays[f"{name}_labels"] = images.rows_N, images.labels_N
    np.savez(buffer, **arrays)  # type: ignore[arg-type] # the stub knows only its own keyword
    write_atomic(path, buffer.getvalue(), durable=False)


def load_split(path: Path) -> TrainTestSplit:
    """Open what `save_split` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return TrainTestSplit(
            *(
                ImageSubset(
                    open_cache(Path(str(arrays[f"{name}_cache"]))), arrays[f"{name}_rows"], arrays[f"{name}_labels"]
                )
                for name in _PARTS
            )
        )


def feature_tasks(tasks: Iterable[ArmTask]) -> list[FeatureTask]:
    """Return the tasks for the features that some trainings need and that are not computed yet."""
    needed: dict[Path, FeatureTask] = {}
    for task in tasks:
        if task.classifier.kind == EMBEDDING:
            split = load_split(task.split)
            for images, views in _needed(task, split):
                needed |= {pending.file: pending for pending in task.store.tasks(images, views)}
    return list(needed.values())


@one_thread()
def run_arm_task(task: ArmTask, report: Callable[[float], None]) -> None:
    """Train a classifier and write the classes that it predicts for the test images.

    Args:
        report: receives the fraction that is done, now and then.
    """
    split = load_split(task.split)
    train_and_test = _on_features if task.classifier.kind == EMBEDDING else _on_pixels
    probabilities_NK = train_and_test(task, split, _throttled(report))
    if task.classifier.kind != SMALL and not np.isfinite(probabilities_NK).all():
        raise DivergedError(
            f"the training of {task.classifier.description} diverged; use other weights or another network"
        )
    buffer = io.BytesIO()
    np.savez(buffer, predicted_N=probabilities_NK.argmax(axis=1))
    write_atomic(task.file, buffer.getvalue(), durable=False)
    report(1.0)


def _on_pixels(task: ArmTask, split: TrainTestSplit, report: Callable[[float], None]) -> NDArray[np.float32]:
    """Train a network on images, and return p(class | test image), (N, K)."""
    real, device = _labelled(split.real), torch.device(task.device)
    fit: Fit = fit_classifier
    config = ClassifierConfig(steps=task.steps)
    if task.classifier.kind == FINE_TUNED:
        fit = partial(fit_classifier, build=task.classifier.builder(device))
        config = dataclasses.replace(FINE_TUNING, steps=task.steps)
    classifier = train_arm(
        ARMS[task.arm],
        real,
        _labelled(split.synthetic),
        task.classes,
        seed=task.seed,
        config=config,
        augment=task.pipeline.build(real.pixels_NHWC, indexed=split.real.cache.palette is not None),
        mixup=task.pipeline.mixup,
        synthetic_fraction=task.fraction,
        fit=fit,
        device=device,
        report=report,
    )
    test = split.test
    return np.concatenate(
        [
            classifier.probabilities(test.cache.pixels_NHWC[rows])
            for rows in np.array_split(test.rows_N, -(-len(test) // 1024))
        ]
    )


def _on_features(task: ArmTask, split: TrainTestSplit, report: Callable[[float], None]) -> NDArray[np.float32]:
    """Train a linear layer on features, and return p(class | test image), (N, K)."""
    features = [task.store.features(images, views) for images, views in _needed(task, split)]
    tested_NVD, trained = features[-1], iter(features[:-1])
    arm = ARMS[task.arm]
    none = LabelledImages(tested_NVD[:0], split.test.labels_N[:0])
    real = LabelledImages(next(trained), split.real.labels_N) if arm.real else none
    synthetic = none
    if arm.synthetic:
        features_NVD = next(trained)
        views = VIEWS if arm.classical else 1
        synthetic = LabelledImages(features_NVD[:, np.arange(views) % features_NVD.shape[1]], split.synthetic.labels_N)
    classifier = train_arm(
        arm,
        real,
        synthetic,
        task.classes,
        seed=task.seed,
        config=dataclasses.replace(LINEAR_HEAD, steps=task.steps),
        augment=choose_view,
        mixup=task.pipeline.mixup,
        synthetic_fraction=task.fraction,
        fit=fit_linear_head,
        device=torch.device(task.device),
        report=report,
    )
    return classifier.probabilities(tested_NVD)


def _needed(task: ArmTask, split: TrainTestSplit) -> Iterator[tuple[ImageSubset, Views]]:
    """Yield the images of a training and how the frozen network sees them; the test images come last.

    Of the synthetic images there are about as many views in all as of the real ones, and at least one of each.
    """
    arm, real = ARMS[task.arm], split.real
    pipeline = task.pipeline if arm.classical else None
    if arm.real:
        yield real, views_of(real.cache, pipeline, VIEWS)
    if arm.synthetic:
        views = min(VIEWS, max(1, -(-VIEWS * len(real) // len(split.synthetic))))
        yield split.synthetic, views_of(real.cache, pipeline, views)
    yield split.test, views_of(real.cache, None, 1)


def read_predicted(file: Path) -> NDArray[np.int64]:
    """Return the classes that a task wrote.

    Raises:
        OSError, ValueError, KeyError, EOFError, BadZipFile: if there is no such file, or if it is truncated.
    """
    with np.load(file, allow_pickle=False) as arrays:
        predicted_N: NDArray[np.int64] = arrays["predicted_N"]
        return predicted_N


def is_done(task: ArmTask) -> bool:
    """Return whether the file of a task exists and is complete."""
    try:
        read_predicted(task.file)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # after a power cut a file may be empty
        return False
    return True


def _labelled(images: ImageSubset) -> LabelledImages:
    return LabelledImages(images.pixels(), images.labels_N)


def _throttled(report: Callable[[float], None]) -> Callable[[float], None]:
    """Pass on one in fifty reports: a step takes milliseconds, and a message wakes the parent."""
    reported = 0.0

    def throttled_report(fraction: float) -> None:
        nonlocal reported
        if fraction - reported >= 0.02:
            reported = fraction
            report(fraction)

    return throttled_report

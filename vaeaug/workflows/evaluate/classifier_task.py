"""The training of one classifier, and its predictions for the test images, as a task for a worker process."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.classifier.classical import ClassicalPipeline
from vaeaug.classifier.fit import ClassifierConfig
from vaeaug.dataset.cache import open_cache
from vaeaug.evaluation.arms import ARMS, LabelledImages, train_arm
from vaeaug.staging import write_atomic
from vaeaug.workflows.device import one_thread
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
    """

    arm: str
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


@one_thread()
def run_arm_task(task: ArmTask, report: Callable[[float], None]) -> None:
    """Train a classifier and write the classes that it predicts for the test images.

    Args:
        report: receives the fraction that is done, now and then.
    """
    split = load_split(task.split)
    real, synthetic = _labelled(split.real), _labelled(split.synthetic)
    classifier = train_arm(
        ARMS[task.arm],
        real,
        synthetic,
        task.classes,
        seed=task.seed,
        config=ClassifierConfig(steps=task.steps),
        augment=task.pipeline.build(real.pixels_NHWC, indexed=split.real.cache.palette is not None),
        mixup=task.pipeline.mixup,
        synthetic_fraction=task.fraction,
        device=torch.device(task.device),
        report=_throttled(report),
    )
    test = split.test
    predicted_N = np.concatenate(
        [
            classifier.probabilities(test.cache.pixels_NHWC[rows]).argmax(axis=1)
            for rows in np.array_split(test.rows_N, -(-len(test) // 1024))
        ]
    )
    buffer = io.BytesIO()
    np.savez(buffer, predicted_N=predicted_N)
    write_atomic(task.file, buffer.getvalue(), durable=False)
    report(1.0)


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

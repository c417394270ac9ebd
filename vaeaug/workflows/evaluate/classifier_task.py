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
from vaeaug.evaluation.arms import ARMS, Labelled, train_arm
from vaeaug.staging import write_atomic
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.evaluate.images import Images

_PARTS = ("real", "synthetic", "test")


@dataclass(frozen=True, slots=True)
class Division:
    """Training and test images that classifiers are compared on. The pixels stay in their caches.

    Attributes:
        real: real training images.
        synthetic: synthetic images, made from these alone.
        test: images that are in neither, and that no synthetic image was made from.
    """

    real: Images
    synthetic: Images
    test: Images


@dataclass(frozen=True, slots=True)
class ArmTask:
    """The training of one classifier.

    Attributes:
        arm: name of the training method.
        division: file of the division (`save_division`).
        classes: K.
        seed: of the classifier.
        steps: optimizer steps.
        fraction: of synthetic images in a batch, or None.
        pipeline: the classical augmentation, for arms that have it.
        device: where to compute.
        file: the file for the predicted classes.
    """

    arm: str
    division: Path
    classes: int
    seed: int
    steps: int
    fraction: float | None
    pipeline: ClassicalPipeline
    device: str
    file: Path


def save_division(division: Division, path: Path) -> None:
    """Write which images a division consists of."""
    buffer = io.BytesIO()
    arrays: dict[str, NDArray[np.generic]] = {}
    for name in _PARTS:
        images: Images = getattr(division, name)
        arrays[f"{name}_cache"] = np.array(str(images.cache.directory))
        arrays[f"{name}_rows"], arrays[f"{name}_labels"] = images.rows_N, images.labels_N
    np.savez(buffer, **arrays)  # type: ignore[arg-type] # the stub knows only its own keyword
    write_atomic(path, buffer.getvalue(), durable=False)


def load_division(path: Path) -> Division:
    """Open what `save_division` wrote."""
    with np.load(path, allow_pickle=False) as kept:
        return Division(
            *(
                Images(open_cache(Path(str(kept[f"{name}_cache"]))), kept[f"{name}_rows"], kept[f"{name}_labels"])
                for name in _PARTS
            )
        )


@one_thread()
def run_arm_task(task: ArmTask, tell: Callable[[float], None]) -> None:
    """Train a classifier and write the classes that it predicts for the test images.

    Args:
        task: the task.
        tell: receives the fraction that is done, now and then.
    """
    division = load_division(task.division)
    real, synthetic = _labelled(division.real), _labelled(division.synthetic)
    classifier = train_arm(
        ARMS[task.arm],
        real,
        synthetic,
        task.classes,
        seed=task.seed,
        config=ClassifierConfig(steps=task.steps),
        augment=task.pipeline.build(real.pixels_NHWC, indexed=division.real.cache.palette is not None),
        mixup=task.pipeline.mixup,
        share=task.fraction,
        device=torch.device(task.device),
        report=_now_and_then(tell),
    )
    test = division.test
    predicted_N = np.concatenate(
        [
            classifier.probabilities(test.cache.pixels_NHWC[rows]).argmax(axis=1)
            for rows in np.array_split(test.rows_N, -(-len(test) // 1024))
        ]
    )
    buffer = io.BytesIO()
    np.savez(buffer, predicted_N=predicted_N)
    write_atomic(task.file, buffer.getvalue(), durable=False)
    tell(1.0)


def read_predicted(file: Path) -> NDArray[np.int64]:
    """Return the classes that a task wrote.

    Raises:
        OSError, ValueError, KeyError, EOFError, BadZipFile: if there is no such file, or if it is truncated.
    """
    with np.load(file, allow_pickle=False) as kept:
        predicted_N: NDArray[np.int64] = kept["predicted_N"]
        return predicted_N


def is_done(task: ArmTask) -> bool:
    """Return whether the file of a task exists and is complete."""
    try:
        read_predicted(task.file)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # after a power cut a file may be empty
        return False
    return True


def _labelled(images: Images) -> Labelled:
    return Labelled(images.pixels(), images.labels_N)


def _now_and_then(tell: Callable[[float], None]) -> Callable[[float], None]:
    """Pass on one in fifty reports: a step takes milliseconds, and a message wakes the parent."""
    reported = 0.0

    def report(fraction: float) -> None:
        nonlocal reported
        if fraction - reported >= 0.02:
            reported = fraction
            tell(fraction)

    return report

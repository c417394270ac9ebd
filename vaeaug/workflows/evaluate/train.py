"""The trainings of an evaluation: which there are, and what their classifiers made of the test images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.classifier.classical import ClassicalPipeline
from vaeaug.cpus import cpu_count
from vaeaug.engine.local import run_tasks
from vaeaug.evaluation.arms import Arm
from vaeaug.progress import Progress, Tick
from vaeaug.seeds import seed_of
from vaeaug.workflows.evaluate.settings import EvaluateSettings
from vaeaug.workflows.evaluate.task import (
    ArmTask,
    Division,
    is_done,
    read_predicted,
    run_arm_task,
    save_division,
)


@dataclass(frozen=True, slots=True)
class WrittenDivision:
    """A division that is written down.

    Attributes:
        repeat: of which repeat it is; 0 where there are test images.
        number: from 0.
        images: what it holds.
        path: where it is written.
    """

    repeat: int
    number: int
    images: Division
    path: Path


@dataclass(frozen=True, slots=True)
class Trainings:
    """What all trainings have in common.

    Attributes:
        classes: K.
        settings: of the run.
        steps: optimizer steps.
        device: where to compute.
        scratch: where files go.
    """

    classes: int
    settings: EvaluateSettings
    steps: int
    device: torch.device
    scratch: Path

    def task(self, arm: str, division: Path, name: str, *, seed: int, pipeline: ClassicalPipeline) -> ArmTask:
        """Return a training whose result goes into the file `name`."""
        return ArmTask(
            arm=arm,
            division=division,
            classes=self.classes,
            seed=seed,
            steps=self.steps,
            share=self.settings.share,
            pipeline=pipeline,
            device=str(self.device),
            file=self.scratch / f"{name}.npz",
        )

    def run(self, tasks: Sequence[ArmTask], stage: str, progress: Progress) -> None:
        """Do the tasks that are not done yet."""
        pending = [task for task in tasks if not is_done(task)]
        progress.stage(stage)
        shares = np.zeros(len(pending))

        def hear(number: int, share: float) -> None:
            shares[number] = share
            progress.tick(Tick((len(tasks) - len(pending) + float(shares.sum())) / len(tasks)))

        workers = self.settings.workers or (cpu_count() if self.device.type == "cpu" else 1)
        run_tasks(run_arm_task, pending, workers=workers, hear=hear)


def write_divisions(divisions: Iterable[tuple[int, Division]], scratch: Path) -> list[WrittenDivision]:
    """Write divisions, each with the number of its repeat, for worker processes to read."""
    written = []
    for number, (repeat, images) in enumerate(divisions):
        path = scratch / f"division-{number:03}.npz"
        save_division(images, path)
        written.append(WrittenDivision(repeat, number, images, path))
    return written


def predict(
    base: Trainings,
    arms: Sequence[Arm],
    divisions: Sequence[WrittenDivision],
    pipelines: Sequence[ClassicalPipeline],
    progress: Progress,
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.int64]]]:
    """Train all classifiers.

    Args:
        base: what the trainings have in common.
        arms: the ways of training.
        divisions: of the images, as `write_divisions` returns them.
        pipelines: the classical augmentation of each division.
        progress: progress callback.

    Returns:
        The true classes of the test images (N,), and arm -> what each seed's classifiers take them for, (S, N). Where
        there are folds, the test images are all real ones, each judged by a classifier that has not seen it.
    """
    repeats = 1 + max(division.repeat for division in divisions)
    tasks: dict[tuple[str, int, int], ArmTask] = {}
    for seed in range(base.settings.seeds):
        for division, pipeline in zip(divisions, pipelines, strict=True):
            if division.repeat != seed % repeats:
                continue
            for arm in arms:
                key = (arm.name, seed, division.number)
                name = f"{arm.name}-seed-{seed:04}-{division.number:03}"
                tasks[key] = base.task(
                    arm.name, division.path, name, seed=seed_of(base.settings.seed, "evaluate", seed), pipeline=pipeline
                )
    base.run(list(tasks.values()), "Training classifiers", progress)
    tested = divisions[0].images.test.cache
    place_N = np.full(len(tested), -1)  # of an image of the cache among the test images
    rows_N = np.unique(np.concatenate([division.images.test.rows_N for division in divisions]))
    place_N[rows_N] = np.arange(len(rows_N))
    true_N = np.empty(len(rows_N), np.int64)
    predicted = {arm.name: np.empty((base.settings.seeds, len(rows_N)), np.int64) for arm in arms}
    for (arm_name, seed, number), task in tasks.items():
        test = divisions[number].images.test
        true_N[place_N[test.rows_N]] = test.labels_N
        predicted[arm_name][seed, place_N[test.rows_N]] = read_predicted(task.file)
    return true_N, predicted

"""The classifiers of an evaluation: their trainings, and the classes that they predict for the test images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vaeaug.classifier.classical import ClassicalPipeline
from vaeaug.cpus import cpu_count
from vaeaug.engine.local import run_tasks
from vaeaug.evaluation.arms import Arm
from vaeaug.progress import Tick
from vaeaug.seeds import seed_of
from vaeaug.workflows.evaluate.classifier_choice import ClassifierChoice
from vaeaug.workflows.evaluate.classifier_task import (
    ArmTask,
    TrainTestSplit,
    feature_tasks,
    is_done,
    read_predicted,
    run_arm_task,
    save_split,
)
from vaeaug.workflows.evaluate.evaluate_settings import EvaluateSettings
from vaeaug.workflows.evaluate.feature_task import FeatureStore, run_feature_task
from vaeaug.workflows.run import Run

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SavedSplit:
    """A split that is written to a file; `repeat` is 0 if there are test images."""

    repeat: int
    number: int
    images: TrainTestSplit
    path: Path


@dataclass(frozen=True, slots=True)
class Trainings:
    """What all trainings have in common.

    Attributes:
        classes: K.
    """

    run: Run[EvaluateSettings]
    classifier: ClassifierChoice
    classes: int
    steps: int
    scratch: Path

    def task(self, arm: str, split: Path, name: str, *, seed: int, pipeline: ClassicalPipeline) -> ArmTask:
        """Return a training that writes its result to the file `name`."""
        device = str(self.run.device)
        return ArmTask(
            arm=arm,
            classifier=self.classifier,
            store=FeatureStore(self.classifier, self.scratch, self.run.settings.seed, device),
            split=split,
            classes=self.classes,
            seed=seed,
            steps=self.steps,
            fraction=self.run.settings.share,
            pipeline=pipeline,
            device=device,
            file=self.scratch / f"{name}.npz",
        )

    def train(self, tasks: Sequence[ArmTask], stage: str) -> None:
        """Run the tasks that are not done yet."""
        pending = [task for task in tasks if not is_done(task)]
        features = feature_tasks(pending)
        if features:
            self.run.progress.stage("Computing features")
            self._run(run_feature_task, features, done=0)
        self.run.progress.stage(stage)
        self._run(run_arm_task, pending, done=len(tasks) - len(pending))

    def _run(self, function: Callable[[T, Callable[[float], None]], None], tasks: Sequence[T], *, done: int) -> None:
        """Run tasks that report fractions; `done` others count as done."""
        fractions = np.zeros(len(tasks))

        def on_progress(number: int, fraction: float) -> None:
            fractions[number] = fraction
            self.run.progress.tick(Tick((done + float(fractions.sum())) / (done + len(tasks))))

        workers = self.run.settings.workers or (cpu_count() if self.run.device.type == "cpu" else 1)
        run_tasks(function, tasks, workers=workers, on_message=on_progress)


def save_splits(splits: Iterable[tuple[int, TrainTestSplit]], scratch: Path) -> list[SavedSplit]:
    """Write splits, each with the number of its repeat, for worker processes to read."""
    written = []
    for number, (repeat, images) in enumerate(splits):
        path = scratch / f"division-{number:03}.npz"
        save_split(images, path)
        written.append(SavedSplit(repeat, number, images, path))
    return written


def predict(
    trainings: Trainings,
    arms: Sequence[Arm],
    splits: Sequence[SavedSplit],
    pipelines: Sequence[ClassicalPipeline],
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.int64]]]:
    """Train all classifiers; `pipelines` has one pipeline per split.

    Returns:
        The true classes of the test images (N,), and arm -> the classes that each seed's classifiers predict, (S, N).
        With folds, all real images are test images, each of a classifier that has not seen it.
    """
    settings = trainings.run.settings
    repeats = 1 + max(split.repeat for split in splits)
    tasks: dict[tuple[str, int, int], ArmTask] = {}
    for seed in range(settings.seeds):
        for split, pipeline in zip(splits, pipelines, strict=True):
            if split.repeat != seed % repeats:
                continue
            for arm in arms:
                key = (arm.name, seed, split.number)
                name = f"{arm.name}-seed-{seed:04}-{split.number:03}"
                tasks[key] = trainings.task(
                    arm.name, split.path, name, seed=seed_of(settings.seed, "evaluate", seed), pipeline=pipeline
                )
    trainings.train(list(tasks.values()), "Training classifiers")
    test_cache = splits[0].images.test.cache
    position_N = np.full(len(test_cache), -1)  # of an image of the cache among the test images
    rows_N = np.unique(np.concatenate([split.images.test.rows_N for split in splits]))
    position_N[rows_N] = np.arange(len(rows_N))
    true_N = np.empty(len(rows_N), np.int64)
    predicted = {arm.name: np.empty((settings.seeds, len(rows_N)), np.int64) for arm in arms}
    for (arm_name, seed, number), task in tasks.items():
        test = splits[number].images.test
        true_N[position_N[test.rows_N]] = test.labels_N
        predicted[arm_name][seed, position_N[test.rows_N]] = read_predicted(task.file)
    return true_N, predicted

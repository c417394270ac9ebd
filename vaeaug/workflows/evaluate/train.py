"""The trainings of an evaluation: which there are, and what their classifiers made of the test images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.classifier.folds import stratified_folds
from vaeaug.engine.local import cores, run_tasks
from vaeaug.evaluation.arms import Arm
from vaeaug.evaluation.recognition import shares_right
from vaeaug.progress import Progress, Tick
from vaeaug.seeds import seed_of
from vaeaug.workflows.evaluate.settings import STRENGTHS, EvaluateSettings
from vaeaug.workflows.evaluate.task import (
    ArmTask,
    Classical,
    Division,
    is_done,
    read_predicted,
    run_arm_task,
    save_division,
)
from vaeaug.workflows.settings import AUTO

UNUSED = Classical(flip=False, strength="mild")
"""What stands in a task where no arm has classical augmentation."""

TRIAL_FOLDS = 3
"""One part in so many of the real training images tells which classical augmentation is best."""


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

    def task(self, arm: str, division: Path, name: str, *, seed: int, classical: Classical) -> ArmTask:
        """Return a training whose result goes into the file `name`."""
        return ArmTask(
            arm=arm,
            division=division,
            classes=self.classes,
            seed=seed,
            steps=self.steps,
            share=self.settings.share,
            classical=classical,
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

        workers = self.settings.workers or (cores() if self.device.type == "cpu" else 1)
        run_tasks(run_arm_task, pending, workers=workers, hear=hear)


def write_divisions(divisions: Iterable[tuple[int, Division]], scratch: Path) -> list[WrittenDivision]:
    """Write divisions, each with the number of its repeat, for worker processes to read."""
    written = []
    for number, (repeat, images) in enumerate(divisions):
        path = scratch / f"division-{number:03}.npz"
        save_division(images, path)
        written.append(WrittenDivision(repeat, number, images, path))
    return written


def choose_classical(
    base: Trainings, divisions: Sequence[WrittenDivision], measure: str, progress: Progress
) -> list[Classical]:
    """Return for each division how its classical augmentation is done.

    Letters must not be mirrored and cats may be, and small objects must not be moved far: what a dataset takes, nobody
    said. So classifiers are trained on two thirds of the real training images in each way that the settings leave open,
    and the third says which of them knows most by the measure of the verdict. Without this, weak classical augmentation
    would flatter the synthetic images.
    """
    settings = base.settings
    ways = [
        Classical(flip, strength)
        for strength in (STRENGTHS if settings.strength == AUTO else (settings.strength,))
        for flip in ((False, True) if settings.flip == AUTO else (settings.flip == "yes",))
    ]
    if len(ways) == 1:
        return ways * len(divisions)
    trials: list[list[ArmTask]] = []
    held_out = []
    for division in divisions:
        real = division.images.real
        seed = seed_of(settings.seed, "trial", division.number)
        held_N = stratified_folds(real.labels_N, TRIAL_FOLDS, seed, digests=real.digests()) == 0
        trial = Division(real.only(~held_N), division.images.synthetic, real.only(held_N))
        name = f"trial-{division.number:03}"
        save_division(trial, base.scratch / f"{name}.npz")
        trials.append(
            [
                base.task(
                    "classical",
                    base.scratch / f"{name}.npz",
                    f"{name}-{way.strength}-{'mirrored' if way.flip else 'plain'}",
                    seed=seed_of(settings.seed, "trial"),
                    classical=way,
                )
                for way in ways
            ]
        )
        held_out.append(trial.test.labels_N)
    base.run([task for tasks in trials for task in tasks], "Choosing the classical augmentation", progress)
    right_DW = [
        [shares_right(labels_N, read_predicted(task.file)[None], measure).mean() for task in tasks]
        for tasks, labels_N in zip(trials, held_out, strict=True)
    ]
    return [ways[int(np.argmax(right_W))] for right_W in right_DW]


def predict(
    base: Trainings,
    arms: Sequence[Arm],
    divisions: Sequence[WrittenDivision],
    ways: Sequence[Classical],
    progress: Progress,
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.int64]]]:
    """Train all classifiers.

    Returns:
        The true classes of the test images (N,), and arm -> what each seed's classifiers take them for, (S, N). Where
        there are folds, the test images are all real ones, each judged by a classifier that has not seen it.
    """
    repeats = 1 + max(division.repeat for division in divisions)
    tasks: dict[tuple[str, int, int], ArmTask] = {}
    for seed in range(base.settings.seeds):
        for division, way in zip(divisions, ways, strict=True):
            if division.repeat != seed % repeats:
                continue
            for arm in arms:
                key = (arm.name, seed, division.number)
                name = f"{arm.name}-seed-{seed:04}-{division.number:03}"
                tasks[key] = base.task(
                    arm.name, division.path, name, seed=seed_of(base.settings.seed, "evaluate", seed), classical=way
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

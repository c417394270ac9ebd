"""The choice of the classical augmentation that synthetic images are compared with, in each division of the images."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from vaeaug.classifier.classical import ClassicalPipeline, base_pipelines, parse_pipeline
from vaeaug.classifier.folds import stratified_folds
from vaeaug.evaluation.choice import FOLDS, TRIAL_STEPS, Choice, Trial
from vaeaug.progress import Progress
from vaeaug.seeds import seed_of
from vaeaug.workflows.evaluate.settings import EvaluateSettings
from vaeaug.workflows.evaluate.task import ArmTask, Division, read_predicted, save_division
from vaeaug.workflows.evaluate.train import Trainings, WrittenDivision
from vaeaug.workflows.settings import AUTO

UNUSED = ClassicalPipeline()
"""What a task contains where no arm has classical augmentation."""


def candidates_of(settings: EvaluateSettings, *, indexed: bool) -> tuple[list[ClassicalPipeline], bool]:
    """Return the pipelines that the settings leave open, and whether random erasing and mixup are tried on top.

    Raises:
        InputError: the settings name a pipeline that does not exist.
    """
    flips = (False, True) if settings.flip == AUTO else (settings.flip == "yes",)
    if settings.classical == AUTO:
        return base_pipelines(flips, indexed=indexed), True
    named = parse_pipeline(settings.classical)
    return [dataclasses.replace(named, flip=flip) for flip in flips], False


def choose_classical(
    base: Trainings, divisions: Sequence[WrittenDivision], measure: str, progress: Progress
) -> list[ClassicalPipeline]:
    """Return the classical augmentation of each division, chosen by its real training images (`Choice`)."""
    trials = [_Trials(base, division, measure) for division in divisions]
    while tasks := [task for entry in trials for task in entry.pending()]:
        base.run(tasks, "Choosing the classical augmentation", progress)
        for entry in trials:
            entry.record()
    return [entry.choice.best for entry in trials]


class _Trials:
    """The choice in one division: its trials as tasks."""

    def __init__(self, base: Trainings, division: WrittenDivision, measure: str) -> None:
        self._base, self._number = base, division.number
        real = division.images.real
        self._synthetic = division.images.synthetic
        self._real = real
        candidates, extend = candidates_of(base.settings, indexed=real.cache.palette is not None)
        self.choice = Choice(candidates, extend=extend, measure=measure)
        self._divisions: dict[int, tuple[Path, Division]] = {}

    def pending(self) -> list[ArmTask]:
        """Return the tasks of the trials that are needed next."""
        return [self._task(trial) for trial in self.choice.pending()]

    def record(self) -> None:
        """Read what the trials came to."""
        for trial in self.choice.pending():
            _, held_out = self._divided(trial.fold)
            self.choice.record(trial, held_out.test.labels_N, read_predicted(self._task(trial).file))

    def _task(self, trial: Trial) -> ArmTask:
        settings = self._base.settings
        path, _ = self._divided(trial.fold)
        flip = "flip" if trial.pipeline.flip else "plain"
        task = self._base.task(
            "classical",
            path,
            f"{path.stem}-{trial.pipeline.name}-{flip}",
            seed=seed_of(settings.seed, "trial"),
            pipeline=trial.pipeline,
        )
        return dataclasses.replace(task, steps=max(1, round(TRIAL_STEPS * task.steps)))

    def _divided(self, fold: int) -> tuple[Path, Division]:
        """Return the real training images divided into those of a fold and the others, and where that is written."""
        if fold not in self._divisions:
            real = self._real
            seed = seed_of(self._base.settings.seed, "trial", self._number)
            held_N = stratified_folds(real.labels_N, FOLDS, seed, digests=real.digests()) == fold
            division = Division(real.only(~held_N), self._synthetic, real.only(held_N))
            path = self._base.scratch / f"trial-{self._number:03}-{fold}.npz"
            save_division(division, path)
            self._divisions[fold] = path, division
        return self._divisions[fold]

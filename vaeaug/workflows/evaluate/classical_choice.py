"""The choice of the classical augmentation that synthetic images are compared with, for each train-test split."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from vaeaug.classifier.classical import ClassicalPipeline, base_pipelines, parse_pipeline
from vaeaug.classifier.folds import stratified_folds
from vaeaug.evaluation.successive_halving import FOLDS, TRIAL_STEP_FRACTION, SuccessiveHalving, Trial
from vaeaug.seeds import seed_of
from vaeaug.workflows.evaluate.classifier_task import ArmTask, TrainTestSplit, read_predicted, save_split
from vaeaug.workflows.evaluate.classifier_trainings import SavedSplit, Trainings
from vaeaug.workflows.evaluate.evaluate_settings import EvaluateSettings
from vaeaug.workflows.settings import AUTO

UNUSED = ClassicalPipeline()
"""The pipeline of a task if no arm has classical augmentation."""


def candidates_of(settings: EvaluateSettings, *, indexed: bool) -> tuple[list[ClassicalPipeline], bool]:
    """Return the pipelines that the settings allow, and whether random erasing and mixup are also tried.

    Raises:
        InputError: if the settings name a pipeline that does not exist.
    """
    flips = (False, True) if settings.flip == AUTO else (settings.flip == "yes",)
    if settings.classical == AUTO:
        return base_pipelines(flips, indexed=indexed), True
    named = parse_pipeline(settings.classical)
    return [dataclasses.replace(named, flip=flip) for flip in flips], False


def choose_classical(trainings: Trainings, splits: Sequence[SavedSplit], metric: str) -> list[ClassicalPipeline]:
    """Return the classical augmentation of each split, chosen on its real training images (`SuccessiveHalving`)."""
    trials = [_Trials(trainings, split, metric) for split in splits]
    while tasks := [task for entry in trials for task in entry.pending()]:
        trainings.train(tasks, "Choosing the classical augmentation")
        for entry in trials:
            entry.record()
    return [entry.choice.best for entry in trials]


class _Trials:
    """The choice for one split, with its trials as tasks."""

    def __init__(self, trainings: Trainings, split: SavedSplit, metric: str) -> None:
        self._trainings, self._number = trainings, split.number
        real = self._real = split.images.real
        self._synthetic = split.images.synthetic
        seed = seed_of(trainings.run.settings.seed, "trial", split.number)
        self._fold_N = stratified_folds(real.labels_N, FOLDS, seed, digests=real.digests())
        candidates, extend = candidates_of(trainings.run.settings, indexed=real.cache.palette is not None)
        sizes = [int((self._fold_N == fold).sum()) for fold in range(FOLDS)]
        folds = [fold for fold, size in enumerate(sizes) if 0 < size < len(real)]
        self.choice = SuccessiveHalving(candidates, extend=extend, metric=metric, folds=folds)
        self._splits: dict[int, tuple[Path, TrainTestSplit]] = {}

    def pending(self) -> list[ArmTask]:
        """Return the tasks of the trials that are needed next."""
        return [self._task(trial) for trial in self.choice.pending()]

    def record(self) -> None:
        """Read the results of the trials."""
        for trial in self.choice.pending():
            _, held_out = self._train_test_split(trial.fold)
            self.choice.record(trial, held_out.test.labels_N, read_predicted(self._task(trial).file))

    def _task(self, trial: Trial) -> ArmTask:
        settings = self._trainings.run.settings
        path, _ = self._train_test_split(trial.fold)
        flip = "flip" if trial.pipeline.flip else "plain"
        task = self._trainings.task(
            "classical",
            path,
            f"{path.stem}-{trial.pipeline.name}-{flip}",
            seed=seed_of(settings.seed, "trial"),
            pipeline=trial.pipeline,
        )
        return dataclasses.replace(task, steps=max(1, round(TRIAL_STEP_FRACTION * task.steps)))

    def _train_test_split(self, fold: int) -> tuple[Path, TrainTestSplit]:
        """Return the file and the content of the split of the real training images that holds out a fold."""
        if fold not in self._splits:
            real, held_out_N = self._real, self._fold_N == fold
            split = TrainTestSplit(real.subset(~held_out_N), self._synthetic, real.subset(held_out_N))
            path = self._trainings.scratch / f"trial-{self._number:03}-{fold}.npz"
            save_split(split, path)
            self._splits[fold] = path, split
        return self._splits[fold]

"""The classical augmentation of `utility.py`: chosen as `vaeaug evaluate` chooses, on a draw that is not reported."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from utility_data import CLASSES, FLIPS, draw, load

from vaeaug.classifier.classical import ClassicalPipeline, base_pipelines
from vaeaug.classifier.fit import ClassifierConfig
from vaeaug.classifier.folds import stratified_folds
from vaeaug.evaluation.arms import ARMS, LabelledImages, train_arm
from vaeaug.evaluation.classifier_metrics import ACCURACY, BALANCED_ACCURACY
from vaeaug.evaluation.successive_halving import FOLDS, TRIAL_STEP_FRACTION, SuccessiveHalving, Trial

SEED = 100
"""Of the draw that the pipeline is chosen on; no figures are reported of it."""


def choose(file: Path, data: str, cifar: Path | None, per_class: int, tail: float, steps: int) -> ClassicalPipeline:
    """Return the pipeline; each trial adds a line to a JSONL file and is not made again.

    Args:
        file: where trials are kept.
        data: name of the data set.
        cifar: where CIFAR-10 is, or None.
        per_class: training images per class (of the first class, with a tail).
        tail: R, or 1.
        steps: of an evaluated classifier.
    """
    choice = SuccessiveHalving(
        base_pipelines((FLIPS[data],), indexed=False), extend=True, metric=BALANCED_ACCURACY if tail > 1 else ACCURACY
    )
    kept = _kept(file)
    real: LabelledImages | None = None
    while pending := choice.pending():
        if real is None:
            real = draw(load(data, cifar)[0], per_class, tail, SEED)
        fold_N = stratified_folds(real.labels_N, FOLDS, SEED)
        for trial in pending:
            true_N = real.labels_N[fold_N == trial.fold]
            if trial not in kept:
                kept[trial] = _predicted(real, fold_N, trial, max(1, round(TRIAL_STEP_FRACTION * steps)))
                row = {**dataclasses.asdict(trial.pipeline), "fold": trial.fold, "predicted": kept[trial].tolist()}
                with file.open("a") as lines:
                    lines.write(json.dumps(row) + "\n")
                right = 100 * np.mean(kept[trial] == true_N)
                print(f"{file.stem} {trial.pipeline.description}, fold {trial.fold}: {right:.1f} %", flush=True)
            choice.record(trial, true_N, kept[trial])
    return choice.best


def _kept(file: Path) -> dict[Trial, Any]:
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return {Trial(ClassicalPipeline(**row), fold): predicted for row, fold, predicted in map(_split, rows)}


def _split(row: dict[str, Any]) -> tuple[dict[str, Any], int, Any]:
    return row, row.pop("fold"), np.array(row.pop("predicted"))


def _predicted(real: LabelledImages, fold_N: np.ndarray, trial: Trial, steps: int) -> np.ndarray:
    """Train without a fold, and return what its images are taken for."""
    seen_N = fold_N != trial.fold
    seen = LabelledImages(real.pixels_NHWC[seen_N], real.labels_N[seen_N])
    classifier = train_arm(
        ARMS["classical"],
        seen,
        LabelledImages(seen.pixels_NHWC[:0], seen.labels_N[:0]),
        CLASSES,
        seed=SEED,
        config=ClassifierConfig(steps=steps),
        augment=trial.pipeline.build(seen.pixels_NHWC),
        mixup=trial.pipeline.mixup,
    )
    return classifier.probabilities(real.pixels_NHWC[~seen_N]).argmax(axis=1)

"""Which classical augmentation is chosen, and what the choice costs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaeaug.classifier.classical import ClassicalPipeline, base_pipelines, with_additions
from vaeaug.evaluation.classifier_metrics import ACCURACY, BALANCED_ACCURACY
from vaeaug.evaluation.successive_halving import FOLDS, SuccessiveHalving, Trial

BASE = base_pipelines((False, True), indexed=False)
EVERY = [pipeline for base in BASE for pipeline in (base, *with_additions(base))]


def settle(choice: SuccessiveHalving, quality: dict[ClassicalPipeline, int]) -> list[Trial]:
    """Answer each trial with so many of 20 images recognized, and return all trials."""
    trials: list[Trial] = []
    while pending := choice.pending():
        trials += pending
        for trial in pending:
            choice.record(trial, np.zeros(20, np.int64), (np.arange(20) >= quality[trial.pipeline]).astype(np.int64))
    return trials


@settings(deadline=None)
@given(st.lists(st.integers(0, 20), min_size=len(EVERY), max_size=len(EVERY)))
def test_no_pipeline_that_was_tried_is_better_than_the_chosen_one(scores: list[int]) -> None:
    quality = dict(zip(EVERY, scores, strict=True))
    choice = SuccessiveHalving(BASE, extend=True, metric=ACCURACY)
    trials = settle(choice, quality)
    assert len(trials) == len(set(trials)) == 8 + 2 * 3 + 3 * 3
    finals = [trial.pipeline for trial in trials if trial.fold == FOLDS - 1]
    assert quality[choice.best] == max(quality[pipeline] for pipeline in finals)
    # With scores that do not depend on the fold, no base pipeline is better than the best finalist either.
    assert quality[choice.best] >= max(quality[pipeline] for pipeline in BASE)


def test_equal_scores_go_to_what_changes_images_least() -> None:
    choice = SuccessiveHalving(BASE, extend=True, metric=ACCURACY)
    settle(choice, dict.fromkeys(EVERY, 10))
    assert choice.best == ClassicalPipeline("mild")


def test_nothing_is_trained_where_nothing_is_open() -> None:
    choice = SuccessiveHalving([ClassicalPipeline("full", mixup=True)], extend=False, metric=ACCURACY)
    assert choice.pending() == []
    assert choice.best == ClassicalPipeline("full", mixup=True)


@settings(deadline=None)
@given(st.sets(st.integers(0, FOLDS - 1), max_size=2))
def test_folds_without_images_are_not_tried(folds: set[int]) -> None:
    quality = {pipeline: number for number, pipeline in enumerate(EVERY) if number <= 20} | dict.fromkeys(EVERY[21:], 3)
    choice = SuccessiveHalving(BASE, extend=True, metric=ACCURACY, folds=sorted(folds))
    assert {trial.fold for trial in settle(choice, quality)} == folds
    assert (choice.best == BASE[0]) == (not folds)


@pytest.mark.parametrize(("metric", "best"), [(ACCURACY, "mild"), (BALANCED_ACCURACY, "full")])
def test_the_measure_of_the_verdict_decides(metric: str, best: str) -> None:
    """The first pipeline recognizes all nine images of the larger class; the second five of them, and the other one."""
    choice = SuccessiveHalving([ClassicalPipeline("mild"), ClassicalPipeline("full")], extend=False, metric=metric)
    true_N = np.array([0] * 9 + [1])
    predicted = {"mild": np.zeros(10, np.int64), "full": np.array([0] * 5 + [1] * 5)}
    while pending := choice.pending():
        for trial in pending:
            choice.record(trial, true_N, predicted[trial.pipeline.policy])
    assert choice.best.policy == best

"""Choose the classical augmentation for a dataset: successive halving of candidates on held-out training images.

It is unknown whether images may be mirrored, moved far or recoloured, and a weak baseline would flatter the synthetic
images. The training images are divided into three folds. Classifiers are trained without a fold and tested on it:

    1. every policy with each flip that is allowed, on the first fold; the best three continue.
    2. these on the other two folds; the best over all three folds continues.
    3. that one with random erasing, with mixup and with both, on all three folds; the best of these four is chosen.

That is at most 8 + 6 + 9 = 23 trainings with half the steps of an evaluated classifier. Ties go to the earlier
candidate, which changes images less.

    K. Jamieson, A. Talwalkar. Non-stochastic Best Arm Identification and Hyperparameter Optimization. AISTATS 2016.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaeaug.classifier.classical import ClassicalPipeline, with_additions
from vaeaug.evaluation.classifier_metrics import contributions

FOLDS = 3
FINALISTS = 3
TRIAL_STEP_FRACTION = 0.5
"""Steps of a trial, as a fraction of those of an evaluated classifier."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One classifier to be trained; it does not see its fold and is tested on it."""

    pipeline: ClassicalPipeline
    fold: int


class SuccessiveHalving:
    """Chooses among pipelines. The caller trains what `pending` lists and calls `record`, until nothing is pending.

    Args:
        candidates: at least one.
        extend: whether random erasing and mixup are tried on top of the best candidate.
        metric: what decides, one of `METRICS`.
        folds: the folds that are not empty; without any, the first candidate is chosen.
    """

    def __init__(
        self,
        candidates: Sequence[ClassicalPipeline],
        *,
        extend: bool,
        metric: str,
        folds: Sequence[int] = tuple(range(FOLDS)),
    ) -> None:
        self._extend, self._measure, self._folds = extend, metric, folds
        self._tested: dict[Trial, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        self._candidates = list(candidates)
        self._rounds = self._halving_rounds()
        self._pending = next(self._rounds, [])

    def pending(self) -> list[Trial]:
        """Return the trials that are needed next; empty if the choice is made."""
        while self._pending and all(trial in self._tested for trial in self._pending):
            self._pending = next(self._rounds, [])
        return [trial for trial in self._pending if trial not in self._tested]

    def _halving_rounds(self) -> Iterator[list[Trial]]:
        """Yield the trials of each round, and leave the best pipeline first among the candidates."""
        if not self._folds:
            return
        if len(self._candidates) > 1:
            yield _trials(self._candidates, self._folds[:1])
            self._candidates = self._ranked(self._candidates, self._folds[:1])[:FINALISTS]
            yield _trials(self._candidates, self._folds)
            self._candidates = self._ranked(self._candidates, self._folds)[:1]
        if self._extend:
            self._candidates += with_additions(self._candidates[0])
            yield _trials(self._candidates, self._folds)
            self._candidates = self._ranked(self._candidates, self._folds)[:1]

    def record(self, trial: Trial, true_N: NDArray[np.int64], predicted_N: NDArray[np.int64]) -> None:
        """Record the classes that a classifier predicted for its fold."""
        self._tested[trial] = (true_N, predicted_N)

    @property
    def best(self) -> ClassicalPipeline:
        """The chosen pipeline; valid once nothing is pending."""
        return self._candidates[0]

    def _ranked(self, candidates: Sequence[ClassicalPipeline], folds: Sequence[int]) -> list[ClassicalPipeline]:
        return sorted(candidates, key=lambda pipeline: -self._score(pipeline, folds))

    def _score(self, pipeline: ClassicalPipeline, folds: Sequence[int]) -> float:
        tested = [self._tested[Trial(pipeline, fold)] for fold in folds]
        true_N, predicted_N = (np.concatenate(part) for part in zip(*tested, strict=True))
        return float(contributions(true_N, predicted_N[None], self._measure).mean())


def _trials(pipelines: Sequence[ClassicalPipeline], folds: Sequence[int]) -> list[Trial]:
    return [Trial(pipeline, fold) for pipeline in pipelines for fold in folds]

"""The result of an evaluation, and how it was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vaeaug.classifier.classical import ClassicalPipeline
from vaeaug.evaluation.statistics import MIN_SEEDS
from vaeaug.evaluation.utility import Utility
from vaeaug.export.card import ClassCount
from vaeaug.workflows.evaluate.classifier_choice import ClassifierChoice
from vaeaug.workflows.evaluate.evaluate_settings import SMALL, EvaluateSettings
from vaeaug.workflows.evaluate.evaluation_data import EvaluateData
from vaeaug.workflows.evaluate.similarity import Similarity
from vaeaug.workflows.run import Run


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        pipelines: the classical augmentation of each split; empty if no arm has it.
    """

    run: Run[EvaluateSettings]
    data: EvaluateData
    directory: Path
    classifier: ClassifierChoice
    utility: Utility
    similarity: Similarity
    steps: int
    pipelines: Sequence[ClassicalPipeline]

    @property
    def method(self) -> str:
        """How the classifiers were trained and tested, in a few sentences."""
        settings = self.run.settings
        if self.data.test is not None:
            tested = f"Tested on {self.data.tested_on}."
        else:
            times = f", {settings.repeats} times" if settings.repeats > 1 else ""
            tested = (
                f"REAL has no test images, so each of {settings.folds} parts of it was held out in turn{times}, "
                "and the model was retrained without it."
            )
        if settings.seeds < MIN_SEEDS:
            interval = f"There are no intervals, because {settings.seeds} seeds are too few for them."
        else:
            interval = "The interval treats seeds and test images as samples, and the training images as fixed."
        named = "" if self.classifier.kind == SMALL else f"is {self.classifier.description}, and "
        return (
            f"{tested} Every classifier {named}took {self.steps:,} steps. With one seed, all start from the same "
            f"weights. "
            f"{interval}"
        )

    @property
    def mirrored(self) -> str:
        """Whether classical augmentation mirrored images."""
        return _common_value(["yes" if pipeline.flip else "no" for pipeline in self.pipelines])

    @property
    def pipeline(self) -> str:
        """The name of the classical augmentation at the command line, without the flip."""
        return _common_value([pipeline.name for pipeline in self.pipelines])

    @property
    def counts(self) -> list[ClassCount]:
        """Number of images of each class."""
        data = self.data
        parts = [data.real.labels_N, data.synthetic.labels_N]
        real_K, synthetic_K = (np.bincount(labels_N, minlength=len(data.classes)) for labels_N in parts)
        test_K = np.zeros(len(data.classes), int) if data.test is None else self.utility.test_counts_K
        return [
            ClassCount(name, int(real), int(synthetic), test=int(test))
            for name, real, synthetic, test in zip(data.classes, real_K, synthetic_K, test_K, strict=True)
        ]

    @property
    def pair_names(self) -> list[tuple[str, str]]:
        """The files of each near pair: the synthetic and the real one."""
        synthetic, real = self.data.synthetic, self.data.real
        return [
            (
                synthetic.cache.files[synthetic.rows_N[pair.synthetic]].file_name,
                real.cache.files[real.rows_N[pair.real]].file_name,
            )
            for pair in self.similarity.memorisation.pairs
        ]


def pipelines_description(pipelines: Sequence[ClassicalPipeline]) -> str:
    """Return the classical augmentation in words, or how many folds have which one if they differ."""
    values = _common_value([pipeline.description for pipeline in pipelines])
    return values if len(set(pipelines)) == 1 else f"classical augmentation ({values})"


def _common_value(values: Sequence[str]) -> str:
    """Return the value of all splits, or how many have which."""
    counts = Counter(values)
    if not counts:
        return "not used"
    return (
        values[0]
        if len(counts) == 1
        else ", ".join(f"{word} in {n} of {len(values)} folds" for word, n in sorted(counts.items()))
    )

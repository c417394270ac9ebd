"""The evaluation inside an extended dataset: where its figures are, and what the maker of a dataset needs of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from vaeaug.dataset.index import DatasetIndex
from vaeaug.export.real import RealImage
from vaeaug.pages.evaluation_results import EvaluationResults
from vaeaug.workflows.run import Run
from vaeaug.workflows.sample_settings import AugmentSettings

FOLDER = "utility"
"""Directory of the figures in OUT; the page shows the rest. (Hugging Face `datasets` takes a directory that is called
`evaluation` for a test split.)"""


class Evaluation(Protocol):
    """Measures whether the synthetic images of a dataset help a classifier."""

    def check(self, index: DatasetIndex) -> None:
        """Check before any work that the images of DATA can be evaluated.

        Raises:
            InputError: if they cannot.
        """

    def evaluate(
        self, run: Run[AugmentSettings], index: DatasetIndex, copied: Sequence[RealImage], out: Path
    ) -> EvaluationResults:
        """Evaluate a dataset under construction, write the figures to `out / FOLDER`, and return the report's part.

        Only the report is missing in `out`; `copied` are the images of DATA that were copied.
        """


def verdict_of(out: Path) -> str | None:
    """Return the verdict on the images of a finished output, or None if they were not evaluated."""
    path = out / FOLDER / "evaluation.json"
    return str(json.loads(path.read_bytes())["verdict"]) if path.exists() else None


def discard_evaluation(content: Path) -> None:
    """Remove the figures of an interrupted run: this run writes them again, or evaluates nothing."""
    shutil.rmtree(content / FOLDER, ignore_errors=True)

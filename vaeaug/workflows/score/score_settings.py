"""What users can set when images are scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vaeaug.anomaly.columns import DEFAULT, JUDGE_AUTO, JUDGES, SCORES
from vaeaug.options import option
from vaeaug.workflows.settings import LabelSettings, UseSettings


@dataclass(frozen=True, kw_only=True)
class ScoreSettings(LabelSettings, UseSettings):
    """What images are ranked by, and what is written besides the table."""

    _NOT_REQUESTED: ClassVar[frozenset[str]] = frozenset({"skip_invalid"})

    by: str = option(DEFAULT, "What the score is, higher for what is stranger.", choices=SCORES)
    judge: str = option(
        JUDGE_AUTO,
        "What tells wrong labels: features (of the labelled images themselves, where there are enough), evidence (the "
        "networks, for images that the model was not trained on), or auto.",
        choices=JUDGES,
    )
    draws: int = option(16, "Draws an image for the bounds on the likelihood.", minimum=1, maximum=100_000)
    maps: bool = option(False, "Write a PNG an image that shows where it differs from its reconstruction.")
    gallery: int = option(48, "Images of each kind that the page shows.", minimum=0, maximum=1000)
    seed: int = option(0, "Seed of the draws.", minimum=0)
    skip_invalid: bool = option(False, "Leave unreadable images out instead of stopping.")

"""What users can set when images are scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vaeaug.anomaly.columns import DEFAULT_SCORE, LABEL_METHOD_AUTO, LABEL_METHODS, SCORE_OPTIONS
from vaeaug.options import option
from vaeaug.workflows.settings import LabelSettings, UseSettings


@dataclass(frozen=True, kw_only=True)
class ScoreSettings(LabelSettings, UseSettings):
    """What images are ranked by, and what is written besides the table."""

    _EXCLUDED_FROM_REQUEST: ClassVar[frozenset[str]] = frozenset({"skip_invalid"})

    by: str = option(
        DEFAULT_SCORE, "Score to rank images by. A higher score means a more anomalous image.", choices=SCORE_OPTIONS
    )
    judge: str = option(
        LABEL_METHOD_AUTO,
        "How wrong labels are found: features (class densities fitted to the features of the labelled images, if "
        "there are enough of them), evidence (the model's evidence for each class, for images that it was not "
        "trained on), or auto.",
        choices=LABEL_METHODS,
    )
    draws: int = option(16, "Draws per image for the bounds on the likelihood.", minimum=1, maximum=100_000)
    maps: bool = option(False, "Write one PNG per image that shows where it differs from its reconstruction.")
    gallery: int = option(48, "Number of images of each kind to show on the page.", minimum=0, maximum=1000)
    seed: int = option(0, "Random seed.", minimum=0)
    skip_invalid: bool = option(False, "Skip unreadable images instead of stopping.")

"""Limits that no option sets and that would make tests slow: they are lowered here, and nowhere else."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from vaeaug.inpainting import train_encoder
from vaeaug.workflows.augment import augment_evaluation
from vaeaug.workflows.evaluate import evaluation_plan
from vaeaug.workflows.evaluate.evaluate_settings import EvaluateSettings
from vaeaug.workflows.score import score_command

FEW: dict[str, Any] = {
    "seeds": 3,
    "arms": "classical,classical+synthetic",
    "classical": "mild",
    "flip": "no",
    "folds": 2,
}
"""Settings of an evaluation with few classifiers, which `augment --evaluate` does not have."""


def evaluation(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """Train the classifiers of `augment --evaluate` for one step, with settings that only `evaluate` has as options."""
    monkeypatch.setattr(evaluation_plan, "MAX_STEPS", 1)
    monkeypatch.setattr(evaluation_plan, "MIN_STEPS", 1)
    monkeypatch.setattr(augment_evaluation, "EvaluateSettings", partial(EvaluateSettings, **settings))


def inpainting_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train the encoder of `train --inpainting` for eight steps; `inpaint` itself has --partial-steps."""
    monkeypatch.setattr(train_encoder, "STEPS", 8)


def score_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Score four images per task, so that a tiny dataset has several tasks."""
    monkeypatch.setattr(score_command, "WINDOW", 4)

"""Limits that no option sets and that would make tests slow: they are lowered here, and nowhere else."""

from __future__ import annotations

import pytest

from vaeaug.inpainting import train_encoder
from vaeaug.workflows.evaluate import evaluation_plan
from vaeaug.workflows.score import score_command


def evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train the classifiers of `augment --evaluate` for three steps; `evaluate` itself has --steps."""
    monkeypatch.setattr(evaluation_plan, "MAX_STEPS", 3)
    monkeypatch.setattr(evaluation_plan, "MIN_STEPS", 1)


def inpainting_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train the encoder of `train --inpainting` for eight steps; `inpaint` itself has --partial-steps."""
    monkeypatch.setattr(train_encoder, "STEPS", 8)


def score_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Score four images per task, so that a tiny dataset has several tasks."""
    monkeypatch.setattr(score_command, "WINDOW", 4)

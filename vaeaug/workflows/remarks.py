"""What a user should know of a trained model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaeaug.models.store import StoredModel
from vaeaug.training.collapse import ActiveUnits, CodeUse
from vaeaug.training.schedules import is_kl


def latents_in_words(metrics: Mapping[str, Any]) -> str:
    """Return how much of the latent is in use, as the metrics of a training say it: codes, or latent dimensions."""
    codes = CodeUse.of(metrics)
    if codes is not None:
        return str(codes)
    return f"{metrics['active_units']} of {metrics['latent_units']} latent dimensions are active"


def remarks_on(model: StoredModel) -> list[str]:
    """Return what a user should know of a model: posterior collapse, training cut short, classes that are too small."""
    record = model.record
    named = {entry.name: entry.metrics for entry in record.classes if entry.metrics} or {"all classes": record.metrics}
    remarks = []
    kl = _has_kl(model.directory / "history.jsonl")
    for name, metrics in named.items():
        codes = CodeUse.of(metrics)
        units = ActiveUnits(metrics["active_units"], metrics["latent_units"])
        advice = units.advice(kl=kl) if codes is None else codes.advice()
        remarks += [] if advice is None else [f"{name}: {advice}"]
    if record.metrics["still_improving"]:
        whose = "training" if record.scope == "shared" else "training of the shared network"
        remarks.append(
            f"{whose} ended ({record.metrics['stopped']}) while it still improved fast, so images may be poor; "
            "give it more with --steps, --epochs or --time-budget"
        )
    small = [entry.name for entry in record.classes if entry.metrics and entry.metrics["steps"] == 0]
    if small:
        remarks.append(
            f"too few images for a network of their own, so these classes keep the shared one: {', '.join(small)}"
        )
    if record.metrics["validation_loss"] is None:
        remarks.append(
            "no class has enough images to hold some out, so the model may know its few images by heart: look for "
            "copies among the synthetic ones"
        )
    return remarks


def _has_kl(history: Path) -> bool:
    """Tell by the terms of its training whether a KL divergence was part of a model's objective."""
    rows = map(json.loads, history.read_text(encoding="utf-8").splitlines())
    return any(is_kl(term) for row in rows for term in row["train"])

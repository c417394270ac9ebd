"""What a user should know of a trained model."""

from __future__ import annotations

import json
from pathlib import Path

from vaeaug.models.store import StoredModel
from vaeaug.training.collapse import ActiveUnits
from vaeaug.training.schedules import is_kl


def remarks_on(model: StoredModel) -> list[str]:
    """Return what a user should know of a model: posterior collapse, training cut short, classes that are too small."""
    record = model.record
    named = {entry.name: entry.metrics for entry in record.classes if entry.metrics} or {"all classes": record.metrics}
    remarks = []
    kl = _has_kl(model.directory / "history.jsonl")
    for name, metrics in named.items():
        advice = ActiveUnits(metrics["active_units"], metrics["latent_units"]).advice(kl=kl)
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

"""Warnings about a trained model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaeaug.models.store import StoredModel
from vaeaug.training.collapse import ActiveUnits, CodeUse
from vaeaug.training.schedules import is_kl
from vaeaug.workflows.name_list import SHOWN, name_list


def latents_in_words(metrics: Mapping[str, Any]) -> str:
    """Return how much of the latent is in use according to the metrics of a training: codes, or latent dimensions."""
    codes = CodeUse.of(metrics)
    if codes is not None:
        return str(codes)
    return f"{metrics['active_units']} of {metrics['latent_units']} latent dimensions are active"


def remarks_on(model: StoredModel) -> list[str]:
    """Return the warnings: posterior collapse, training that stopped early, classes with too few images."""
    record = model.record
    named = {entry.name: entry.metrics for entry in record.classes if entry.metrics} or {"all classes": record.metrics}
    collapsed = []
    kl = _has_kl(model.directory / "history.jsonl")
    for name, metrics in named.items():
        codes = CodeUse.of(metrics)
        units = ActiveUnits(metrics["active_units"], metrics["latent_units"])
        advice = units.advice(kl=kl) if codes is None else codes.advice()
        collapsed += [] if advice is None else [f"{name}: {advice}"]
    remarks = collapsed[:SHOWN]
    if len(collapsed) > SHOWN:
        remarks.append(f"{len(collapsed) - SHOWN} more of {len(named)} classes have the same problem")
    if record.metrics["still_improving"]:
        what = "training" if record.scope == "shared" else "training of the shared network"
        remarks.append(
            f"{what} stopped ({record.metrics['stopped']}) while the loss was still falling fast, so image quality may "
            "be poor; train longer with --steps, --epochs or --time-budget"
        )
    small = [entry.name for entry in record.classes if entry.metrics and entry.metrics["steps"] == 0]
    if small:
        remarks.append(
            f"{len(small)} of {len(named)} classes have too few images for their own network and use the shared one: "
            f"{name_list(small)}"
        )
    if record.metrics["validation_loss"] is None:
        remarks.append(
            "no class has enough images to hold out validation images, so the model may have memorized its few "
            "training images: look for copies among the synthetic ones"
        )
    return remarks


def _has_kl(history: Path) -> bool:
    """Return whether a KL divergence was part of the objective, according to the terms of the history."""
    rows = map(json.loads, history.read_text(encoding="utf-8").splitlines())
    return any(is_kl(term) for row in rows for term in row["train"])

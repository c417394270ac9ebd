"""Warnings about a trained model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaeaug.errors import SHOWN, name_list
from vaeaug.models.record import ModelRecord
from vaeaug.models.store import StoredModel
from vaeaug.training.collapse import ActiveUnits, CodeUse
from vaeaug.training.history import annealed_terms
from vaeaug.training.plan import SHARED_FRACTION


def describe_latents(metrics: Mapping[str, Any]) -> str:
    """Return how much of the latent is in use according to the metrics of a training: codes, or latent dimensions."""
    codes = CodeUse.of(metrics)
    if codes is not None:
        return str(codes)
    return f"{metrics['active_units']} of {metrics['latent_units']} latent dimensions are active"


def model_warnings(model: StoredModel) -> list[str]:
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
    warnings = collapsed[:SHOWN]
    if len(collapsed) > SHOWN:
        warnings.append(f"{len(collapsed) - SHOWN} more of {len(named)} classes have the same problem")
    short = too_short(record)
    warnings += [] if short is None else [short]
    small = [entry.name for entry in record.classes if entry.metrics and entry.metrics["steps"] == 0]
    if small:
        warnings.append(
            f"{len(small)} of {len(named)} classes have too few images for their own network and use the shared one: "
            f"{name_list(small)}"
        )
    if record.metrics["validation_loss"] is None:
        warnings.append(
            "no class has enough images to hold out validation images, so the model may have memorized its few "
            "training images: look for copies among the synthetic ones"
        )
    return warnings


def too_short(record: ModelRecord) -> str | None:
    """Return a warning if networks that the model uses were still improving when their training ended, or None.

    With scope `per-class` the shared network counts only for classes that keep it because they have too few images.
    """
    poor = "was still falling fast, so image quality may be poor; train longer with --steps, --epochs or --time-budget"
    if record.scope == "shared" or len(record.classes) == 1:
        shared = record.metrics
        return f"training stopped ({shared['stopped']}) while the loss {poor}" if shared["still_improving"] else None
    metrics_by_class = {
        entry.name: entry.metrics if entry.metrics.get("steps") else record.metrics for entry in record.classes
    }
    improving = [name for name, metrics in metrics_by_class.items() if metrics["still_improving"]]
    if not improving:
        return None
    return (
        f"training stopped while the loss of {len(improving)} of {len(metrics_by_class)} classes "
        f"({name_list(improving)}) {poor} ({SHARED_FRACTION:.0%} of the steps and of the time go to the network that "
        "all classes start from; the classes divide the rest)"
    )


def _has_kl(history: Path) -> bool:
    return bool(annealed_terms(map(json.loads, history.read_text(encoding="utf-8").splitlines())))

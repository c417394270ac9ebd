"""What the record of a directory of synthetic images tells of how they were made, where vaeaug wrote one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def dropped_of(directory: Path) -> Mapping[str, Mapping[str, int]]:
    """Return class -> why samples were dropped -> how many; empty where that is not told."""
    try:
        dropped = _record(directory)["dropped"]
        return {str(label): {str(cause): int(n) for cause, n in causes.items()} for label, causes in dropped.items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def units_of(directory: Path) -> Mapping[str, tuple[int, int]]:
    """Return name of a training -> (active, all) latent dimensions; empty if unknown, or if the latent is discrete."""
    try:
        model = _record(directory)["model"]
        units = {name: metrics for name, metrics in model["classes"].items() if metrics} or {
            "all classes": model["metrics"]
        }
        return {
            str(name): (int(metrics["active_units"]), int(metrics["latent_units"]))
            for name, metrics in units.items()
            if "codes" not in metrics
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def trained_on(directory: Path) -> str | None:
    """Return the fingerprint of the data that the model was trained on; None where that is not told."""
    try:
        return str(_record(directory)["model"]["data_fingerprint"])
    except (KeyError, TypeError):
        return None


def background_of(directory: Path) -> str:
    """Return the colour that transparent pixels were composited over, as a user gives it; white where none is named."""
    try:
        return str(_record(directory)["settings"]["background"])
    except (KeyError, TypeError):
        return "white"


def sampler_plugin(directory: Path) -> Mapping[str, str | None]:
    """Return `distribution` and `version` of a sampler that is not vaeaug's; empty for one of vaeaug's."""
    try:
        return dict(_record(directory)["sampler_plugin"])
    except (KeyError, TypeError, ValueError):
        return {}


def _record(directory: Path) -> Any:
    try:
        return json.loads((directory / "vaeaug.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}

"""What a directory of synthetic images records about them: its manifest and its `vaeaug.json`, if it has any."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaeaug.dataset.provenance import read_manifest
from vaeaug.workflows.samplers import Samplers

__all__ = [
    "REAL",
    "SYNTHETIC",
    "Manifest",
    "background_of",
    "dropped_of",
    "is_edited",
    "read_manifest",
    "sampler_plugin",
    "trained_on",
    "units_of",
]

REAL, SYNTHETIC = ("false",), ("true", "partly")  # what the column `synthetic` says of an image
Manifest = Mapping[str, Mapping[str, str]]  # file name -> row


def is_edited(manifest: Manifest | None, samplers: Samplers) -> bool:
    """Return whether synthetic images are edited real ones: completed in part, or made by a sampler that edits."""
    rows = (row for row in (manifest or {}).values() if row["synthetic"] in SYNTHETIC)
    editors = {name for name, sampler in samplers.items() if sampler.cls.edits}
    return any(row["synthetic"] == "partly" or row.get("sampler") in editors for row in rows)


def dropped_of(directory: Path) -> Mapping[str, Mapping[str, int]]:
    """Return class -> reason -> number of dropped samples; empty if unknown."""
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
    """Return the fingerprint of the data that the model was trained on; None if unknown."""
    try:
        return str(_record(directory)["model"]["data_fingerprint"])
    except (KeyError, TypeError):
        return None


def background_of(directory: Path) -> str:
    """Return the colour that transparent pixels were composited over, as an option value; white if unknown."""
    try:
        return str(_record(directory)["settings"]["background"])
    except (KeyError, TypeError):
        return "white"


def sampler_plugin(directory: Path) -> Mapping[str, str | None]:
    """Return `distribution` and `version` of a sampler that vaeaug does not bring; empty for a sampler of vaeaug."""
    try:
        return dict(_record(directory)["sampler_plugin"])
    except (KeyError, TypeError, ValueError):
        return {}


def _record(directory: Path) -> Any:
    try:
        return json.loads((directory / "vaeaug.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}

"""What the manifest of a directory of synthetic images says about its files, if there is one."""

from __future__ import annotations

from collections.abc import Mapping

from vaeaug.dataset.earlier_output import read_manifest
from vaeaug.workflows.samplers import Samplers

__all__ = ["REAL", "SYNTHETIC", "Manifest", "is_edited", "read_manifest"]

REAL, SYNTHETIC = ("false",), ("true", "partly")  # what the column `synthetic` says of an image
Manifest = Mapping[str, Mapping[str, str]]  # file name -> row


def is_edited(manifest: Manifest | None, samplers: Samplers) -> bool:
    """Return whether synthetic images are edited real ones: completed in part, or made by a sampler that edits."""
    rows = (row for row in (manifest or {}).values() if row["synthetic"] in SYNTHETIC)
    editors = {name for name, sampler in samplers.items() if sampler.cls.edits}
    return any(row["synthetic"] == "partly" or row.get("sampler") in editors for row in rows)

"""What the manifest of a directory of synthetic images tells of its files, where there is one."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from vaeaug.errors import InputError
from vaeaug.synthesis.samplers import SAMPLERS

REAL, SYNTHETIC = ("false",), ("true", "partly")  # what the column `synthetic` says of an image
Manifest = Mapping[str, Mapping[str, str]]  # file name -> row

_FILE = "manifest.csv"


def read_manifest(directory: Path) -> Manifest | None:
    """Return the manifest, or None where there is none that tells what is synthetic.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with (directory / _FILE).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{directory / _FILE} cannot be read ({error}); mend it, or remove it") from None
    if not rows or not {"file_name", "split", "label", "synthetic", "source"} <= rows[0].keys():
        return None
    return {row["file_name"]: row for row in rows}


def is_edited(manifest: Manifest | None) -> bool:
    """Tell whether synthetic images are changed real ones: completed in part, or made by a sampler that edits."""
    rows = (row for row in (manifest or {}).values() if row["synthetic"] in SYNTHETIC)
    editors = {name for name, sampler in SAMPLERS.items() if sampler.edits}
    return any(row["synthetic"] == "partly" or row.get("sampler") in editors for row in rows)

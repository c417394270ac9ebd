"""`vaeaug.json`: a machine-readable record of how a directory was made.

All commands record the schema version, the command and its settings, the model, unused and unreadable files, and
warnings. The schema is `docs/reference/vaeaug-json.schema.json`.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import vaeaug
from vaeaug.dataset.provenance import RECORD
from vaeaug.disk import write_atomic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from vaeaug.dataset.image_cache import InvalidImage
    from vaeaug.dataset.passed_over import PassedOver
    from vaeaug.models.record import ModelRecord

__all__ = ["RECORD", "SCHEMA_VERSION", "command_record", "model_entry", "write_record"]

SCHEMA_VERSION = 1
"""Raised when a reader of the earlier version would misread a record; new keys alone do not raise it."""


def command_record(
    command: str,
    settings: Mapping[str, Any],
    *,
    model: ModelRecord | None,
    passed_over: Iterable[PassedOver] = (),
    invalid: Iterable[InvalidImage] = (),
    warnings: Iterable[str] = (),
    **rest: Any,
) -> dict[str, Any]:
    """Return the record of a command as JSON values; `settings` contains no paths of this machine."""
    return {
        "schema_version": SCHEMA_VERSION,
        "vaeaug": vaeaug.__version__,
        "command": command,
        "settings": dict(settings),
        "model": None if model is None else model_entry(model),
        **rest,
        "passed_over": [entry.record() for entry in passed_over],
        "invalid": [{"name": image.file_name, "reason": image.reason} for image in invalid],
        "remarks": list(warnings),
    }


def model_entry(record: ModelRecord) -> dict[str, Any]:
    """Return the entry of a model: its kind, its training, and its identity."""
    return {
        "variant": dataclasses.asdict(record.variant),
        "loss": dataclasses.asdict(record.loss),
        "scope": record.scope,
        "image": {"channels": record.channels, "height": record.height, "width": record.width},
        "seed": record.seed,
        "training": record.training,
        "holdout": record.holdout,
        "metrics": record.metrics,
        "classes": {entry.name: entry.metrics for entry in record.classes},
        "versions": record.versions,
        "fingerprint": record.fingerprint,
        "data_fingerprint": record.data_fingerprint,
    }


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write indented JSON; the same record gives the same bytes. ValueError for numbers that are not finite."""
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomic(path, (text + "\n").encode(errors="backslashreplace"))

"""`vaeaug.json`: a machine-readable record of how a directory was made.

All commands write the same entries for the version of the schema, the command and its settings, the model, unused and
unreadable files and warnings. What else a command has to say stands between. The schema is
`docs/reference/vaeaug-json.schema.json`.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import vaeaug
from vaeaug.dataset.earlier_output import RECORD
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
    """Return the record of a command, as JSON values.

    Args:
        command: its name.
        settings: the options that decide the result, without paths of this machine.
        model: the model that was used; None if there was none, or several.
        passed_over: files in the data that are not used.
        invalid: files that could not be read and were left out.
        warnings: warnings for the user.
        **rest: further entries of the command.
    """
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
    """Write indented JSON; the same record gives the same bytes.

    Args:
        record: JSON values (tuples become lists); keys keep their order, the most important first.

    Raises:
        ValueError: a number is not finite, which JSON cannot hold.
        TypeError: a value is none of JSON's.
    """
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomic(path, (text + "\n").encode(errors="backslashreplace"))

"""The request of a finished run, kept in its record, so that `--resume` can tell whether anything is left to do.

The key `resume` of a command's record (`vaeaug.json`, `evaluation.json`, `model.json`) contains:

    request   what determines the result, without paths of this machine, and without values that are off
    inputs    identifiers of the images and models that were read
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaeaug.disk import write_atomic
from vaeaug.errors import InputError

KEY = "resume"

_INPUT_SETTINGS = ("data", "images", "real", "synthetic", "model")
"""Requested places whose contents are among the inputs."""


def keep_request(path: Path, request: Mapping[str, Any], inputs: Mapping[str, str]) -> None:
    """Add the request and the identifiers of the inputs to a record, if there is one."""
    if path.is_file():
        record = json.loads(path.read_bytes())
        kept = {"request": _portable(request), "inputs": dict(inputs)}
        text = json.dumps({**record, KEY: kept}, indent=2, ensure_ascii=False, allow_nan=False)
        write_atomic(path, (text + "\n").encode(errors="backslashreplace"))


def read_finished(path: Path, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the record of a finished run with the same request, or None if there is no record.

    Raises:
        InputError: if the run had another request.
    """
    try:
        record = json.loads(path.read_bytes())
        before: dict[str, Any] = record[KEY]["request"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    now = _portable(request)
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            old, new = (json.dumps(values.get(name), ensure_ascii=False) for values in (before, now))
            raise InputError(
                f"{path.parent} contains a finished run with {name} = {old}, and this one has {new}: "
                f"name a new directory, or remove {path.parent} to start again"
            )
    return dict(record)


def check_inputs(out: Path, record: Mapping[str, Any], inputs: Mapping[str, str]) -> None:
    """Check that the inputs of a finished run are unchanged; only those in `inputs` are compared.

    Raises:
        InputError: if an input has changed.
    """
    before = record[KEY]["inputs"]
    for name, identity in inputs.items():
        if before.get(name) != identity:
            has = "have" if name.endswith("images") else "has"
            raise InputError(
                f"{out} contains a finished run, and the {name} {has} changed since: name a new directory, "
                f"or remove {out} to start again"
            )


def _portable(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request as JSON values without places on this machine."""
    plain = json.loads(json.dumps(dict(request)))
    kept = {name: value for name, value in plain.items() if not (name in _INPUT_SETTINGS and _is_absolute_path(value))}
    return {name: _without_directories(value) for name, value in kept.items() if not _is_off(value)}


def _without_directories(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_directories(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_directories(part) for part in value]
    return Path(value).name if _is_absolute_path(value) else value


def _is_off(value: Any) -> bool:
    """Return whether a value means that an option was not given; 0 does not."""
    return value is None or value is False or value in ({}, [], "")


def _is_absolute_path(value: Any) -> bool:
    return isinstance(value, str) and Path(value).is_absolute()

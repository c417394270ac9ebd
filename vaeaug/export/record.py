"""`vaeaug.json`: how a directory was made, for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from vaeaug.disk import write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write JSON that people can read and that a comparison of files can rely on: the same record, the same bytes.

    Args:
        path: the file.
        record: JSON values (tuples become lists); keys keep their order, so that what matters most stands first.

    Raises:
        ValueError: a number is not finite, which JSON cannot hold.
        TypeError: a value is none of JSON's.
    """
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomic(path, (text + "\n").encode(errors="backslashreplace"))

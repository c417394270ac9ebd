"""The names a split goes by."""

from __future__ import annotations

_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def split_named(name: str) -> str | None:
    """Return `train`, `val` or `test` for a name it goes by, in any case; None for any other name.

    >>> split_named("Validation")
    'val'
    >>> split_named("cat") is None
    True
    """
    return _NAMES.get(name.casefold())

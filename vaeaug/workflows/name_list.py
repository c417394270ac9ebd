"""Lists of names in warnings: the first few, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 3
"""Names in a list, at most."""


def name_list(names: Sequence[str], shown: int = SHOWN) -> str:
    """Return names separated by commas; if there are too many, the first ones and how many more there are."""
    listed = ", ".join(names[:shown])
    return listed if len(names) <= shown else f"{listed} and {len(names) - shown:,} more"

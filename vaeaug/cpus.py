"""How many processors this process may use."""

from __future__ import annotations

import os

MAX_THREADS = 8
"""Threads of one interpreter that decode or encode images at most: more only wait for its lock."""


def cpu_count() -> int:
    """Return the number of processors in the affinity mask of this process, or of the machine if it has no mask."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_count(requested: int | None = None) -> int:
    """Return `requested`, which is at least one, or by default one thread per processor, at most `MAX_THREADS`."""
    return min(MAX_THREADS, cpu_count()) if requested is None else max(1, requested)

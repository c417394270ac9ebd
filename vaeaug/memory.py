"""How much memory this process may still take."""

from __future__ import annotations

import sys
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
_STATM = Path("/proc/self/statm")


def available_memory() -> int | None:
    """Return the bytes of memory that are free for this process, or None if the system does not say.

    The least of what the machine has left, the limit of the container (cgroup v2), and the limit of the address space
    (`ulimit -v`).
    """
    limits = [value for value in (_machine(), _container(), _address_space()) if value is not None]
    return max(0, min(limits)) if limits else None


def _machine() -> int | None:
    try:
        fields = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
        return 1024 * int(fields["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        return None


def _container() -> int | None:
    try:
        limit, used = ((_CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return None if limit == "max" else int(limit) - int(used)
    except (OSError, ValueError):
        return None


def _address_space() -> int | None:
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 (Windows has none)

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    try:
        pages = int(_STATM.read_text().split()[0])
    except (OSError, ValueError):
        return None
    return None if limit == resource.RLIM_INFINITY else limit - pages * resource.getpagesize()

"""Which plugins were executed in this process: each is executed once, as `import` does it, however often it is loaded.

A plugin may register what can be registered only once: a torch operator, a codec, a class in another library's
registry. Executed again it would fail, and would not be the one to blame.
"""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from vaeaug.plugins.problems import FaultError
from vaeaug.plugins.sources import Source


@dataclass(frozen=True, slots=True)
class Collected:
    """What a plugin brought.

    Attributes:
        brought: what its hooks returned, as (kind, object), not yet checked.
        faults: what is wrong with it.
        module: its module, or None if it could not be executed.
    """

    brought: tuple[tuple[str, object], ...]
    faults: tuple[FaultError, ...]
    module: types.ModuleType | None


_COLLECTED: dict[tuple[str, str], tuple[str, Collected]] = {}  # beside sys.modules, and as long-lived


def content_digest(file: Path | None) -> str:
    """Return the hash of a file's content, or "" for a file that cannot be read."""
    try:
        return blake2b(file.read_bytes(), digest_size=16).hexdigest() if file else ""
    except OSError:
        return ""


def recall(source: Source, digest: str) -> Collected | None:
    """Return what a plugin brought earlier in this process, or None if it is to be executed.

    A file is executed again after it was edited. What could not be imported for want of another module is tried again,
    since that may have been installed in the meantime.

    Args:
        source: the plugin.
        digest: `content_digest` of its file.
    """
    known = _COLLECTED.get((source.module, source.attribute))
    if known is None:
        return None
    before, collected = known
    if collected.module is None:
        return collected if before == digest and not any(_is_missing_module(f) for f in collected.faults) else None
    if sys.modules.get(source.module) is not collected.module:
        return None
    return collected if source.file is None or before == digest else None


def was_edited(source: Source, digest: str) -> bool:
    """Return whether another content of the plugin's file was executed in this process."""
    known = _COLLECTED.get((source.module, source.attribute))
    return source.file is not None and known is not None and known[0] != digest


def remember(source: Source, digest: str, collected: Collected) -> None:
    """Keep what a plugin brought for as long as the process lives."""
    _COLLECTED[source.module, source.attribute] = digest, collected


def _is_missing_module(fault: FaultError) -> bool:
    return fault.kind == "missing-module" or isinstance(fault.__cause__, ImportError)

"""The list of plugins as their metadata and source tell it, without running any of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from vaeaug.hookspecs import API_VERSION
from vaeaug.plugins.reading import Brought, Reading, read
from vaeaug.plugins.sources import Source


@dataclass(frozen=True, slots=True)
class Listed:
    """One variant or loss of one plugin; a plugin of which nothing is known has one entry without a name.

    The fields are the keys of `vaeaug plugins --json`; they are documented in `docs/writing-a-plugin.md`.
    """

    name: str | None
    kind: str | None
    help: str | None
    plugin: str
    distribution: str | None
    version: str | None
    origin: str
    module: str | None
    file: str | None
    hooks: list[str] | None
    blocked: bool
    shadowed_by: str | None
    note: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as JSON has it."""
        return asdict(self)


def listing(sources: Iterable[Source]) -> list[Listed]:
    """List what plugins bring, read from their source; what the source does not say plainly is None, never guessed.

    Args:
        sources: as `find_sources` gives them: the first to bring a name keeps it.
    """
    holders: dict[tuple[str, str], Source] = {}
    listed = []
    for source in sources:
        reading = read(source)
        for brought in reading.brought or (None,):
            holder = source
            if brought and brought.name and not source.blocked:
                holder = holders.setdefault((brought.kind, brought.name), source)
            listed.append(_entry(source, reading, brought, None if holder is source else holder.plugin))
    return listed


def _entry(source: Source, reading: Reading, brought: Brought | None, shadowed_by: str | None) -> Listed:
    note = reading.note
    if reading.api is not None and reading.api > API_VERSION:
        note = f"written for plugin API {reading.api}; this vaeaug has {API_VERSION}"
    elif brought and not brought.name:
        note = "its name is only known when it runs"
    return Listed(
        name=brought.name if brought else None,
        kind=brought.kind if brought else None,
        help=(brought.help if brought else None) or reading.help,
        plugin=source.plugin,
        distribution=source.distribution,
        version=source.version,
        origin=source.origin,
        module=None if source.file else source.module or None,
        file=str(reading.file) if reading.file else None,
        hooks=None if reading.hooks is None else list(reading.hooks),
        blocked=source.blocked,
        shadowed_by=shadowed_by,
        note=note,
    )

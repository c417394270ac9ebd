"""Where plugins come from: entry points of installed distributions, and single files. Nothing is imported here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_name

from vaeaug.errors import InputError
from vaeaug.hookspecs import PROJECT

DIRS_VARIABLE = "VAEAUG_PLUGINS_DIR"
BLOCK_VARIABLE = "VAEAUG_BLOCK_PLUGINS"
STRICT_VARIABLE = "VAEAUG_STRICT"

_ENTRY_POINT = re.compile(r"^[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*)?$")


@dataclass(frozen=True, slots=True)
class Source:
    """One plugin that was found, whether it works or not.

    Attributes:
        plugin: its name: that of the entry point, or the file's without `.py`.
        origin: how it was found.
        module: the module it is loaded as; for a file the path is what counts.
        attribute: what of the module is the plugin (`module:attribute`), or empty for the module itself.
        file: the plugin's file, for single files.
        distribution: the distribution that brings it, for entry points.
        version: the distribution's version.
        blocked: whether `VAEAUG_BLOCK_PLUGINS` names it: it is listed and never imported.
        fault: why it cannot even be looked up, or None.
    """

    plugin: str
    origin: Literal["entry-point", "file"]
    module: str
    attribute: str = ""
    file: Path | None = None
    distribution: str | None = None
    version: str | None = None
    blocked: bool = False
    fault: str | None = None

    @property
    def where(self) -> str:
        """How a user recognizes it: `my-plugin 1.2` for a distribution, the path for a file."""
        return str(self.file) if self.file else f"{self.distribution} {self.version or '(version unknown)'}"


def find_sources(plugins_dirs: Iterable[str | Path] = (), environ: Mapping[str, str] | None = None) -> list[Source]:
    """Find every plugin without importing any, in the order in which they may claim names.

    The order: ours (the distribution `vaeaug`), the entry points of others by name, then files: the directories in
    `plugins_dirs` first, then those of `VAEAUG_PLUGINS_DIR`, each by file name. A directory named twice counts once.

    Args:
        plugins_dirs: directories whose `*.py` files are plugins, but those starting with `_` or `.`.
        environ: the environment; `os.environ` if none.

    Raises:
        InputError: a directory does not exist.
    """
    environ = os.environ if environ is None else environ
    blocked = blocked_names(environ)
    found = [*_entry_points(), *_files([*plugins_dirs, *_split(environ.get(DIRS_VARIABLE, ""), os.pathsep)])]
    return [replace(source, blocked=source.plugin in blocked) for source in found]


def blocked_names(environ: Mapping[str, str]) -> set[str]:
    """Return the plugin names in `VAEAUG_BLOCK_PLUGINS` (separated by commas)."""
    return set(_split(environ.get(BLOCK_VARIABLE, ""), ","))


def is_strict(environ: Mapping[str, str]) -> bool:
    """Return whether `VAEAUG_STRICT` makes the first problem fatal: anything but empty, 0, false or no."""
    return environ.get(STRICT_VARIABLE, "").strip().lower() not in {"", "0", "false", "no"}


def _split(text: str, separator: str) -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]


def _entry_points() -> list[Source]:
    """Return the plugins of installed distributions, ours first."""
    found = [source for distribution in _distributions() for source in _of_distribution(distribution)]
    return sorted(found, key=lambda source: (not _is_ours(source), source.plugin, source.distribution or ""))


def _is_ours(source: Source) -> bool:
    return source.distribution is not None and canonicalize_name(source.distribution) == PROJECT


def _distributions() -> Iterator[metadata.Distribution]:
    """Yield the distributions that have entry points of our group; of several with one name, the one imports see.

    `metadata.entry_points` is not used: one malformed file of an unrelated distribution makes it fail for all.
    """
    seen: set[str] = set()
    for distribution in metadata.distributions():
        try:
            if f"[{PROJECT}]" not in (distribution.read_text("entry_points.txt") or "").replace(" ", ""):
                continue
            name = canonicalize_name(distribution.name)
            if name not in seen:
                seen.add(name)
                yield metadata.distribution(distribution.name)
        except Exception:  # noqa: S112 (a distribution without a readable name or file brings no plugin)
            continue


def _of_distribution(distribution: metadata.Distribution) -> list[Source]:
    """Return the plugins of one distribution."""
    name, version = distribution.name, distribution.version
    try:
        points = list(distribution.entry_points.select(group=PROJECT))
    except Exception as error:
        fault = f"its entry_points.txt cannot be read ({error}); reinstall it: pip install --force-reinstall {name}"
        return [Source(name, "entry-point", "", distribution=name, version=version, fault=fault)]
    return [_of_entry_point(point, name, version) for point in points]


def _of_entry_point(point: metadata.EntryPoint, distribution: str, version: str | None) -> Source:
    value = point.value.split("[")[0].replace(" ", "")  # "module:attribute [extra]"
    if not _ENTRY_POINT.match(value):
        fault = (
            f"its entry point {point.name!r} = {point.value!r} names no module; write {point.name} = 'package.module'"
        )
        return Source(point.name, "entry-point", "", distribution=distribution, version=version, fault=fault)
    module, _, attribute = value.partition(":")
    return Source(point.name, "entry-point", module, attribute, distribution=distribution, version=version)


def _files(directories: Sequence[str | Path]) -> list[Source]:
    """Return the plugins that are single files."""
    resolved: dict[Path, None] = {}
    for directory in directories:
        path = Path(directory).expanduser()
        if not path.is_dir():
            raise InputError(
                f"the plugins directory {str(directory)!r} is not a directory; mend --plugins-dir or {DIRS_VARIABLE}"
            )
        resolved[path.resolve()] = None
    return [
        Source(file.stem, "file", file_module_name(file), file=file)
        for path in resolved
        for file in sorted(path.glob("*.py"))
        if file.is_file() and not file.name.startswith(("_", "."))
    ]


def file_module_name(file: Path) -> str:
    """Return the name a plugin file is loaded under: two files of one name in two directories do not meet."""
    digest = blake2b(str(file).encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()
    return f"vaeaug_plugin_file_{re.sub(r'[^0-9a-zA-Z_]', '_', file.stem)}_{digest}"

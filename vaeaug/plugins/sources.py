"""Where plugins come from: entry points of installed distributions, and single files. Nothing is imported here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from typing import Literal

from vaeaug.errors import InputError
from vaeaug.hookspecs import PROJECT

DIRS_VARIABLE = "VAEAUG_PLUGINS_DIR"
BLOCK_VARIABLE = "VAEAUG_BLOCK_PLUGINS"
STRICT_VARIABLE = "VAEAUG_STRICT"


@dataclass(frozen=True, slots=True)
class Source:
    """One plugin that was found, whether it works or not.

    Attributes:
        plugin: name of the entry point, or of the file without `.py`.
        attribute: the object of `module` that is the plugin; empty for the module itself.
        blocked: whether `VAEAUG_BLOCK_PLUGINS` names it: it is listed but never imported.
    """

    plugin: str
    origin: Literal["entry-point", "file"]
    module: str = ""
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

    The order: ours (the distribution `vaeaug`), other entry points by name, then files (`*.py`, unless they start with
    `_` or `.`) by directory and name: `plugins_dirs` first, then `VAEAUG_PLUGINS_DIR`.

    Raises:
        InputError: if a directory does not exist.
    """
    environ = os.environ if environ is None else environ
    blocked = blocked_names(environ)
    points = [source for distribution in _distributions() for source in _entry_points(distribution)]
    points.sort(key=lambda source: (source.distribution != PROJECT, source.plugin, source.distribution or ""))
    found = [*points, *_files([*plugins_dirs, *_split(environ.get(DIRS_VARIABLE, ""), os.pathsep)])]
    return [replace(source, blocked=source.plugin in blocked) for source in found]


def blocked_names(environ: Mapping[str, str]) -> set[str]:
    """Return the plugin names in `VAEAUG_BLOCK_PLUGINS` (separated by commas)."""
    return set(_split(environ.get(BLOCK_VARIABLE, ""), ","))


def _split(text: str, separator: str) -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]


def _distributions() -> Iterable[metadata.Distribution]:
    """Return the distributions with entry points of our group; for duplicate names, the one that imports see.

    `metadata.entry_points` is not used, because one malformed file of an unrelated distribution makes it fail.
    """
    found: dict[str, metadata.Distribution] = {}
    for distribution in metadata.distributions():
        try:
            if f"[{PROJECT}]" in (distribution.read_text("entry_points.txt") or "").replace(" ", ""):
                imported = metadata.distribution(distribution.name)
                found[imported.name] = imported
        except Exception:  # noqa: S112 (a distribution without a readable name or file brings no plugin)
            continue
    return found.values()


def _entry_points(distribution: metadata.Distribution) -> Iterator[Source]:
    base = Source(distribution.name, "entry-point", distribution=distribution.name, version=distribution.version)
    try:
        points = list(distribution.entry_points.select(group=PROJECT))
    except Exception as error:
        fix = f"reinstall it: pip install --force-reinstall {distribution.name}"
        yield replace(base, fault=f"its entry_points.txt cannot be read ({error}); {fix}")
        return
    for point in points:
        try:
            yield replace(base, plugin=point.name, module=point.module, attribute=point.attr or "")
        except (AttributeError, AssertionError):  # its value is not `module:attribute`
            fault = f"its entry point {point.name!r} = {point.value!r} names no module"
            yield replace(base, plugin=point.name, fault=f"{fault}; write {point.name} = 'package.module'")


def _files(directories: Iterable[str | Path]) -> Iterator[Source]:
    resolved: dict[Path, None] = {}  # a directory given twice counts once
    for directory in directories:
        path = Path(directory).expanduser()
        if not path.is_dir():
            fix = f"fix --plugins-dir or {DIRS_VARIABLE}"
            raise InputError(f"the plugins directory {str(directory)!r} is not a directory; {fix}")
        resolved[path.resolve()] = None
    for file in (file for path in resolved for file in sorted(path.glob("*.py"))):
        if file.is_file() and not file.name.startswith(("_", ".")):
            yield Source(file.stem, "file", file_module_name(file), file=file)


def file_module_name(file: Path) -> str:
    """Return the module name of a plugin file; files with the same name in two directories get different ones."""
    digest = blake2b(str(file).encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()
    return f"vaeaug_plugin_file_{re.sub(r'[^0-9a-zA-Z_]', '_', file.stem)}_{digest}"

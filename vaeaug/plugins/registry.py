"""The variants and losses that plugins bring, by name, and what is wrong with the plugins that do not."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from packaging.utils import canonicalize_name

from vaeaug.errors import InputError, PluginError, VaeaugError, nearest
from vaeaug.plugins.isolation import guard
from vaeaug.plugins.loading import collect
from vaeaug.plugins.problems import FaultError, Problem
from vaeaug.plugins.reading import Reading, read
from vaeaug.plugins.sources import BLOCK_VARIABLE, STRICT_VARIABLE, Source, find_sources, is_strict

if TYPE_CHECKING:
    from vaeaug.contracts import ReconstructionLoss, Variant

T = TypeVar("T")

_LOADING = (
    threading.RLock()
)  # no plugin is executed twice at once, and what plugins print is redirected for all threads


@dataclass(frozen=True, slots=True)
class Provided(Generic[T]):
    """A variant or loss and the plugin it comes from.

    Attributes:
        name: how users call it.
        cls: the class.
        source: the plugin: its name, file, distribution and version.
    """

    name: str
    cls: type[T]
    source: Source

    @property
    def plugin(self) -> str:
        """The plugin's name."""
        return self.source.plugin

    @property
    def distribution(self) -> str | None:
        """The distribution that brings it, or None for a plugin file."""
        return self.source.distribution

    @property
    def version(self) -> str | None:
        """The distribution's version, or None."""
        return self.source.version

    @property
    def origin(self) -> str:
        """The module or the file it was loaded from."""
        return str(self.source.file) if self.source.file else self.source.module


@dataclass(frozen=True, slots=True)
class Registry:
    """What `load` found. It holds no state beyond these; load once and hand it on.

    Attributes:
        variants: name -> variant.
        losses: name -> loss.
        problems: what is wrong, in the order of loading.
        sources: every plugin that was found, blocked and broken ones too.
        blocked: the plugins that `VAEAUG_BLOCK_PLUGINS` keeps out, with the names their source says they bring.
    """

    variants: Mapping[str, Provided[Variant]]
    losses: Mapping[str, Provided[ReconstructionLoss]]
    problems: tuple[Problem, ...] = ()
    sources: tuple[Source, ...] = ()
    blocked: tuple[tuple[Source, tuple[str, ...]], ...] = ()

    def variant(self, name: str, *, distribution: str | None = None) -> Provided[Variant]:
        """Return a variant.

        Args:
            name: its name.
            distribution: the distribution it came from when a model was saved: named if it is not installed now.

        Raises:
            InputError: there is none of that name; the nearest are offered, or what to unblock or install is said.
            PluginError: the plugin that brings it is broken; its cause is said.
        """
        if name in self.variants:
            return self.variants[name]
        raise self._missing("variant", name, self.variants, distribution)

    def loss(self, name: str, *, distribution: str | None = None) -> Provided[ReconstructionLoss]:
        """Return a reconstruction loss; see `variant`."""
        if name in self.losses:
            return self.losses[name]
        raise self._missing("loss", name, self.losses, distribution)

    def find(self, name: str) -> list[tuple[str, Provided[Any]]]:
        """Return the variant, the loss or both of that name, each with its kind; see `variant` for what is raised."""
        kinds: list[tuple[str, Mapping[str, Provided[Any]]]] = [("variant", self.variants), ("loss", self.losses)]
        found = [(kind, names[name]) for kind, names in kinds if name in names]
        if not found:
            raise self._missing("variant or loss", name, {*self.variants, *self.losses})
        return found

    def _missing(self, kind: str, name: str, valid: Iterable[str], distribution: str | None = None) -> VaeaugError:
        """Return the error that helps most."""
        for problem in self.problems:
            if problem.kind != "shadowed" and name in (problem.plugin, *problem.names):
                return PluginError(f"there is no {kind} {name!r}, for its plugin is broken: {problem}")
        for source, names in self.blocked:
            if name in (source.plugin, *names):
                mend = f"take {source.plugin} out of {BLOCK_VARIABLE}"
                return InputError(f"there is no {kind} {name!r}, for its plugin {source.plugin!r} is blocked; {mend}")
        installed = {canonicalize_name(source.distribution) for source in self.sources if source.distribution}
        if distribution and canonicalize_name(distribution) not in installed:
            mend = f"which is not installed here: pip install {distribution}"
            return InputError(f"the {kind} {name!r} comes from the distribution {distribution}, {mend}")
        if name in self.variants or name in self.losses:
            other = "loss" if kind == "variant" else "variant"
            return InputError(f"{name!r} is a {other}, not a {kind}; there are: {', '.join(sorted(valid))}")
        return InputError(f"there is no {kind} {name!r}; {nearest(name, valid)}")


def load(plugins_dirs: Iterable[str | Path] = (), *, environ: Mapping[str, str] | None = None) -> Registry:
    """Load every plugin. One that is broken is listed in `problems` and stands in nobody's way.

    A hook that raises brings nothing; a class that breaks the contract is left out alone. A plugin is executed once per
    process: later calls return the same classes, except those of a plugin file that was edited in the meantime.

    Args:
        plugins_dirs: directories of plugin files, besides those of `VAEAUG_PLUGINS_DIR`.
        environ: the environment; `os.environ` if none.

    Raises:
        InputError: a directory does not exist.
        PluginError: `VAEAUG_STRICT` is set and something is wrong.
    """
    environ = os.environ if environ is None else environ
    strict = is_strict(environ)
    variants: dict[str, Provided[Any]] = {}
    losses: dict[str, Provided[Any]] = {}
    problems: list[Problem] = []
    blocked: list[tuple[Source, tuple[str, ...]]] = []
    sources = find_sources(plugins_dirs, environ)
    with _LOADING:
        for source in sources:
            reading = read(source)
            if source.blocked:
                blocked.append((source, _names(reading)))
                continue
            found = _add(source, reading, {"variant": variants, "loss": losses})
            problems += found
            if strict and found:
                raise PluginError(f"{found[0]} ({STRICT_VARIABLE} is set)")
    return Registry(
        MappingProxyType(variants), MappingProxyType(losses), tuple(problems), tuple(sources), tuple(blocked)
    )


def _names(reading: Reading) -> tuple[str, ...]:
    return tuple(brought.name for brought in reading.brought if brought.name)


def _add(source: Source, reading: Reading, claimed: Mapping[str, dict[str, Provided[Any]]]) -> list[Problem]:
    """Load one plugin, give its classes their names where these are free, and return what is wrong with it."""
    from vaeaug.plugins.checking import check_class  # noqa: PLC0415 (imports torch)

    collected = collect(source, reading)
    faults = list(collected.faults)
    for kind, item in collected.brought:
        try:
            cls = guard(partial(check_class, kind, item), "while its class is checked", reading.file, "wrong-class")
        except FaultError as fault:
            faults.append(fault)
            continue
        holder = claimed[kind].setdefault(cls.name, Provided(cls.name, cls, source))
        if holder.cls is not cls or holder.source is not source:
            cause = f"its {kind} {cls.name!r} is shadowed by that of {holder.plugin!r} ({holder.source.where})"
            faults.append(FaultError("shadowed", f"{cause}; give it another name", (cls.name,)))
    got = {provided.name for names in claimed.values() for provided in names.values() if provided.source is source}
    lost = tuple(name for name in _names(reading) if name not in got)
    return [FaultError(fault.kind, fault.cause, fault.names or lost).of(source) for fault in faults]

"""The variants, losses and samplers that plugins bring, by name, and what is wrong with the plugins that do not."""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from vaeaug.errors import InputError, PluginError, VaeaugError, nearest
from vaeaug.hookspecs import HOOKS
from vaeaug.plugins.listing import read
from vaeaug.plugins.loading import load_plugin
from vaeaug.plugins.problems import FaultError, Problem, guard
from vaeaug.plugins.sources import BLOCK_VARIABLE, STRICT_VARIABLE, Source, find_sources

if TYPE_CHECKING:
    from vaeaug.contracts import ReconstructionLoss, Sampler, Variant

T = TypeVar("T")

_LOADING = threading.RLock()  # no plugin is executed twice at once, and stdout is redirected for all threads


@dataclass(frozen=True, slots=True)
class Provided(Generic[T]):
    """A class, the name that users call it by, and the plugin that brings it; `origin` is its module or file."""

    kind: str
    name: str
    cls: type[T]
    source: Source
    plugin: str
    distribution: str | None
    version: str | None
    origin: str


@dataclass(frozen=True, slots=True)
class Registry:
    """The classes by kind (`variant`, `loss`, `sampler`) and name, what is wrong, and every plugin that was found."""

    classes: Mapping[str, Mapping[str, Provided[Any]]]
    problems: tuple[Problem, ...] = ()
    sources: tuple[Source, ...] = ()

    @property
    def variants(self) -> Mapping[str, Provided[Variant]]:
        """Name -> variant."""
        return self.classes["variant"]

    @property
    def losses(self) -> Mapping[str, Provided[ReconstructionLoss]]:
        """Name -> reconstruction loss."""
        return self.classes["loss"]

    @property
    def samplers(self) -> Mapping[str, Provided[Sampler]]:
        """Name -> sampler."""
        return self.classes["sampler"]

    def variant(self, name: str, *, distribution: str | None = None) -> Provided[Variant]:
        """Return a variant; see `get`."""
        return self.get(("variant",), name, distribution)[0]

    def loss(self, name: str, *, distribution: str | None = None) -> Provided[ReconstructionLoss]:
        """Return a reconstruction loss; see `get`."""
        return self.get(("loss",), name, distribution)[0]

    def sampler(self, name: str, *, distribution: str | None = None) -> Provided[Sampler]:
        """Return a sampler; see `get`."""
        return self.get(("sampler",), name, distribution)[0]

    def get(self, kinds: Collection[str], name: str, distribution: str | None = None) -> list[Provided[Any]]:
        """Return the classes of a name, at most one of each kind.

        Raises:
            InputError: if there is none, with the nearest names, or what to unblock or to install: `distribution` is
                where the class came from when a model was saved.
            PluginError: if its plugin is broken.
        """
        found = [self.classes[kind][name] for kind in kinds if name in self.classes[kind]]
        if not found:
            raise self._missing(kinds, name, distribution)
        return found

    def _missing(self, kinds: Collection[str], name: str, distribution: str | None) -> VaeaugError:
        from packaging.utils import canonicalize_name  # noqa: PLC0415 (slow to import, and rarely needed)

        not_found = f"there is no {_join_kinds(kinds)} {name!r}"
        for problem in self.problems:
            if problem.kind != "shadowed" and name in (problem.plugin, *problem.names):
                return PluginError(f"{not_found}, because its plugin is broken: {problem}")
        for source in self.sources:
            if source.blocked and name in (source.plugin, *read(source).names):
                cause = f"its plugin {source.plugin!r} is blocked; remove {source.plugin} from {BLOCK_VARIABLE}"
                return InputError(f"{not_found}, because {cause}")
        installed = {canonicalize_name(source.distribution) for source in self.sources if source.distribution}
        if distribution and canonicalize_name(distribution) not in installed:
            cause = f"comes from the distribution {distribution}, which is not installed here"
            return InputError(f"the {_join_kinds(kinds)} {name!r} {cause}: pip install {distribution}")
        valid = {valid for kind in kinds for valid in self.classes[kind]}
        for other, names in self.classes.items():
            if name in names:
                available = ", ".join(sorted(valid))
                return InputError(f"{name!r} is a {other}, not a {_join_kinds(kinds)}; available: {available}")
        return InputError(f"{not_found}; {nearest(name, valid)}")


def load(plugins_dirs: Iterable[str | Path] = (), *, environ: Mapping[str, str] | None = None) -> Registry:
    """Load every plugin that `find_sources` finds. A broken one is listed in `problems` and does not affect others.

    A class that breaks the contract is left out; the plugin's others are kept. A plugin is executed once per process,
    unless its file was edited.

    Raises:
        InputError: if a directory does not exist.
        PluginError: if `VAEAUG_STRICT` is set and something is wrong.
    """
    environ = os.environ if environ is None else environ
    is_strict = environ.get(STRICT_VARIABLE, "").strip().lower() not in {"", "0", "false", "no"}
    classes: dict[str, dict[str, Provided[Any]]] = {kind: {} for kind in HOOKS.values()}
    problems: list[Problem] = []
    sources = find_sources(plugins_dirs, environ)
    with _LOADING:
        for source in sources:
            problems += [] if source.blocked else _add(source, classes)
            if is_strict and problems:
                raise PluginError(f"{problems[0]} ({STRICT_VARIABLE} is set)")
    return Registry(classes, tuple(problems), tuple(sources))


def _add(source: Source, classes: Mapping[str, dict[str, Provided[Any]]]) -> list[Problem]:
    parsed = read(source)
    loaded = load_plugin(source, parsed)
    faults, registered, origin = list(loaded.faults), set(), str(source.file or source.module)
    for kind, cls in loaded.provided:
        try:
            guard(partial(_check_class, kind, cls), "while its class is checked", parsed.file, "wrong-class")
            candidate = Provided(
                kind, cls.name, cls, source, source.plugin, source.distribution, source.version, origin
            )
            owner = classes[kind].setdefault(cls.name, candidate)
            if owner.source is not source or owner.cls is not cls:
                cause = f"its {kind} {cls.name!r} is shadowed by the one of {owner.plugin!r} ({owner.source.where})"
                raise FaultError("shadowed", f"{cause}; give it another name", (cls.name,))
            registered.add(cls.name)
        except FaultError as fault:
            faults.append(fault)
    missing = tuple(name for name in parsed.names if name not in registered)
    return [Problem(source.plugin, fault.kind, fault.cause, source, fault.names or missing) for fault in faults]


def _check_class(kind: str, cls: type[Any]) -> None:
    from vaeaug.contracts.declaration import declaration_fault  # noqa: PLC0415 (imports torch)

    cause = declaration_fault(kind, cls)
    if cause is None:
        return
    try:
        where = f" ({inspect.getsourcefile(cls)}, line {inspect.getsourcelines(cls)[1]})"
    except (OSError, TypeError):
        where = ""
    names = (cls.name,) if isinstance(getattr(cls, "name", None), str) else ()
    raise FaultError("wrong-class", f"{cls.__name__}{where} {cause}", names)


def _join_kinds(kinds: Collection[str]) -> str:
    *others, last = kinds
    return f"{', '.join(others)} or {last}" if others else last

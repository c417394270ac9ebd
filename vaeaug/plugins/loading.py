"""Load one plugin: import it and call its hooks, once per process."""

from __future__ import annotations

import inspect
import operator
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from vaeaug import hookspecs
from vaeaug.errors import nearest
from vaeaug.hookspecs import API_VERSION, HOOKS, PROJECT
from vaeaug.plugins.listing import ParsedPlugin
from vaeaug.plugins.problems import FaultError, describe, guard
from vaeaug.plugins.sources import Source


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a plugin's hooks returned, as (kind, class), not yet checked, and what is wrong with the plugin."""

    provided: tuple[tuple[str, type[Any]], ...]
    faults: tuple[FaultError, ...]
    may_retry: bool = False


_LOADED: dict[tuple[str, str], tuple[bytes, Loaded]] = {}  # next to sys.modules, and as long-lived


def load_plugin(source: Source, parsed: ParsedPlugin) -> Loaded:
    """Load a plugin, or return the earlier result in this process.

    A plugin may register something that can be registered only once, such as a torch operator. So it is executed again
    only if its file was edited, or if it lacked a module that may have been installed since.
    """
    key = source.module, source.attribute
    text, loaded = _LOADED.get(key, (parsed.text, None))
    edited = text != parsed.text and source.file is not None
    if loaded is None or loaded.may_retry or edited:
        loaded = _load(source, parsed, edited=edited)
        _LOADED[key] = parsed.text, loaded
    return loaded


def _load(source: Source, parsed: ParsedPlugin, *, edited: bool) -> Loaded:
    try:
        plugin = guard(partial(_import, source, parsed), "while it is imported", parsed.file, "import-error")
        manager = guard(partial(_register, plugin), "while its hooks are looked up", parsed.file, "import-error")
    except FaultError as fault:
        if edited:
            fault.cause += "; the file was executed in this process before it was edited: if the new content is right, "
            fault.cause += "start the process (or the notebook kernel) again"
        return Loaded((), (fault,), may_retry=isinstance(fault.__cause__, ImportError))
    provided: list[tuple[str, type[Any]]] = []
    faults: list[FaultError] = []
    callers = manager.get_hookcallers(plugin) or []
    for hook, implementation in ((caller.name, one) for caller in callers for one in caller.get_hookimpls()):
        try:
            provided += [(HOOKS[hook], cls) for cls in _call(hook, implementation, parsed.file)]
        except FaultError as fault:
            faults.append(fault)
    faults += _unmarked(plugin, is_file=source.file is not None, has_hooks=bool(callers))
    return Loaded(tuple(provided), tuple(faults))


def _import(source: Source, parsed: ParsedPlugin) -> object:
    if source.fault:
        raise FaultError("metadata", source.fault)
    _check_api(parsed.api)
    module = _execute(source.module, source.file, parsed.text) if source.file else _import_module(source)
    _check_api(getattr(module, "VAEAUG_API", None))
    try:
        return operator.attrgetter(source.attribute)(module) if source.attribute else module
    except AttributeError:
        cause = f"module {source.module} has no {source.attribute!r}, which its entry point names; reinstall it"
        raise FaultError("missing-module", cause) from None


def _check_api(version: object) -> None:
    if version is not None and (not isinstance(version, int) or isinstance(version, bool) or version < 1):
        cause = f"VAEAUG_API is a whole number from 1, not {version!r}; write VAEAUG_API = {API_VERSION}"
        raise FaultError("newer-api", cause)
    if version is not None and version > API_VERSION:
        cause = f"it is written for plugin API {version}, but this vaeaug has {API_VERSION}"
        raise FaultError("newer-api", f"{cause}; upgrade vaeaug: pip install --upgrade vaeaug")


def _import_module(source: Source) -> ModuleType:
    try:
        return import_module(source.module)
    except ModuleNotFoundError as error:
        if not error.name or not f"{source.module}.".startswith(f"{error.name}."):
            raise
        cause = f"its entry point names the module {source.module}, but there is no {error.name}; reinstall it"
        raise FaultError("missing-module", f"{cause}: pip install --force-reinstall {source.distribution}") from error


def _execute(name: str, file: Path, text: bytes) -> ModuleType:
    """Execute a plugin file as a module of `sys.modules`, without writing a `__pycache__` into the user's directory."""
    before, module = sys.modules.get(name), ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    try:
        exec(compile(text, file, "exec"), vars(module))  # noqa: S102 (running the plugin is the purpose)
    except BaseException:
        del sys.modules[name]
        if before is not None:  # of the content before the file was edited; objects of its classes may live
            sys.modules[name] = before
        raise
    return module


def _register(plugin: object) -> pluggy.PluginManager:
    """Register a plugin with a pluggy manager of its own: not even a hook wrapper reaches the results of others."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(plugin)
    except pluggy.PluginValidationError as error:
        wants = " ".join(str(error).splitlines()[-1].split())
        cause = f"{wants}; hooks take no arguments here: remove them, or upgrade vaeaug"
        raise FaultError("hook-arguments", cause) from error
    return manager


def _call(hook: str, implementation: pluggy.HookImpl, file: Path | None) -> list[type[Any]]:
    function = implementation.function
    if hook not in HOOKS:
        raise FaultError("unknown-hook", f"there is no hook {hook!r}{_at(function)}; {nearest(hook, HOOKS)}")
    if implementation.wrapper or implementation.hookwrapper:
        cause = f"{function.__name__!r}{_at(function)} wraps a hook; a plugin only implements hooks"
        raise FaultError("unknown-hook", cause)

    def run() -> list[type[Any]]:
        result = function()
        if isinstance(result, str | bytes | dict | type) or not isinstance(result, Iterable):
            example = result.__name__ if isinstance(result, type) else "MyClass"
            cause = f"{hook} returns {describe(result)}; return a list of classes: return [{example}]"
            raise FaultError("wrong-return", cause)
        classes = list(result)
        for item in (item for item in classes if not isinstance(item, type)):
            cause = f"{hook} returns {describe(item)}, which is not a class; return the class itself, not"
            raise FaultError("wrong-return", f"{cause} an instance of {type(item).__name__}")
        return classes

    return guard(run, f"in {hook}", file, "hook-raised")


def _unmarked(plugin: object, *, is_file: bool, has_hooks: bool) -> list[FaultError]:
    """Return a fault for each hook that is not marked, or for a plugin without any hook."""
    faults = []
    for name, value in getattr(plugin, "__dict__", {}).items():
        is_unmarked = inspect.isroutine(value) and name.startswith("vaeaug_") and not hasattr(value, "vaeaug_impl")
        if is_unmarked and (name in HOOKS or not has_hooks):
            what = "is not marked" if name in HOOKS else f"is not a hook; {nearest(name, HOOKS)}"
            cause = f"{name!r}{_at(value)} {what}; write @hookimpl above it"
            faults.append(FaultError("unmarked-hook" if name in HOOKS else "no-hook", cause))
    if faults or has_hooks:
        return faults
    cause = f"it implements no hook; write one and @hookimpl above it: def {'() or def '.join(HOOKS)}()"
    return [FaultError("no-hook", f"{cause}; a file that is not a plugin starts with _" if is_file else cause)]


def _at(function: object) -> str:
    code = getattr(function, "__code__", None)
    return f" ({code.co_filename}, line {code.co_firstlineno})" if code else ""

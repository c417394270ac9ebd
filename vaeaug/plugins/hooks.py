"""A plugin's hooks: which it implements, what looks like one and is not, and what they return."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterable
from pathlib import Path

import pluggy

from vaeaug import hookspecs
from vaeaug.errors import nearest
from vaeaug.hookspecs import PROJECT
from vaeaug.plugins.isolation import guard
from vaeaug.plugins.problems import FaultError, shown
from vaeaug.plugins.reading import HOOKS

_MARK = f"{PROJECT}_impl"  # the attribute pluggy's marker sets on a function


def register(plugin: object, name: str, file: Path | None) -> pluggy.PluginManager:
    """Give a plugin a pluggy manager of its own: not even a hook wrapper reaches the results of others.

    Raises:
        FaultError: it marks what is no hook's implementation.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)

    def run() -> None:
        try:
            manager.register(plugin, name)
        except pluggy.PluginValidationError as error:
            wants = " ".join(str(error).splitlines()[-1].split())
            cause = f"{wants}; hooks take no arguments here: take them away, or upgrade vaeaug"
            raise FaultError("hook-arguments", cause) from error

    guard(run, "while its hooks are looked up", file, "import-error")
    return manager


def implementations(manager: pluggy.PluginManager, plugin: object) -> dict[str, int]:
    """Return hook -> how often the plugin implements it (more than once by `specname`); wrappers do not count."""
    found = {}
    for caller in manager.get_hookcallers(plugin) or []:
        plain = [impl for impl in caller.get_hookimpls() if not (impl.wrapper or impl.hookwrapper)]
        if caller.name in HOOKS and len(plain) == len(caller.get_hookimpls()):
            found[caller.name] = len(plain)
    return found


def call(manager: pluggy.PluginManager, hook: str, count: int, file: Path | None) -> list[object]:
    """Call one hook of one plugin, which implements it `count` times.

    Raises:
        FaultError: it raises, also half-way through a generator, or returns no list of classes.
    """
    results = guard(lambda: [_listed(one) for one in getattr(manager.hook, hook)()], f"in {hook}", file, "hook-raised")
    results += [None] * (count - len(results))  # pluggy leaves out those that return None
    items: list[object] = []
    for result in results:
        if not isinstance(result, list):
            cause = f"{hook} returns {_what(result)}; return a list of classes"
            example = result.__name__ if isinstance(result, type) else "MyClass"
            raise FaultError("wrong-return", f"{cause}: return [{example}]")
        items += result
    return items


def _what(result: object) -> str:
    """Return what a hook returned instead of a list, in words."""
    if result is None:
        return "nothing"
    return f"the class {result.__name__}" if isinstance(result, type) else f"{type(result).__name__} {shown(result)}"


def _listed(result: object) -> object:
    """Return what an implementation returned, as a list if it is a collection of things."""
    if isinstance(result, str | bytes | dict | type) or not isinstance(result, Iterable):
        return result
    return list(result)


def doubtful_functions(plugin: object) -> list[FaultError]:
    """Return a fault for each function that looks like a hook and is not heard."""
    functions = {name: value for name, value in getattr(plugin, "__dict__", {}).items() if inspect.isroutine(value)}
    return [fault for name, value in functions.items() if (fault := _doubt(name, value))]


def _doubt(name: str, function: object) -> FaultError | None:
    """Return what keeps one function from being heard, if it looks like a hook."""
    mark = getattr(function, _MARK, None)
    if not isinstance(mark, dict):
        if name not in HOOKS:
            return None
        return FaultError("unmarked-hook", f"{name!r}{_at(function)} is not marked; write @hookimpl above it")
    hook = mark.get("specname") or name
    if hook not in HOOKS:
        return FaultError("unknown-hook", f"there is no hook {hook!r}{_at(function)}; {nearest(hook, HOOKS)}")
    if mark.get("wrapper") or mark.get("hookwrapper"):
        return FaultError("unknown-hook", f"{name!r}{_at(function)} wraps a hook; a plugin only implements hooks")
    return None


def no_hook(plugin: object, *, is_file: bool) -> FaultError:
    """Return the fault of a plugin that implements nothing; a function that is nearly called like a hook is named."""
    hooks = " or ".join(f"def {hook}()" for hook in HOOKS)
    for name, function in getattr(plugin, "__dict__", {}).items():
        if isinstance(function, types.FunctionType) and name.startswith(f"{PROJECT}_"):
            cause = f"{name!r}{_at(function)} is no hook; {nearest(name, HOOKS)}; write @hookimpl above it"
            return FaultError("no-hook", cause)
    cause = f"it implements no hook; write one and @hookimpl above it: {hooks}"
    return FaultError("no-hook", f"{cause}; a file that is no plugin starts with _" if is_file else cause)


def _at(function: object) -> str:
    code = getattr(function, "__code__", None)
    return f" ({code.co_filename}, line {code.co_firstlineno})" if code else ""

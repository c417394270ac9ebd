"""Run a plugin's code so that nothing it does reaches other plugins or the command's standard output."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, TypeVar

import pluggy

from vaeaug import hookspecs
from vaeaug.errors import nearest
from vaeaug.hookspecs import API_VERSION, PROJECT
from vaeaug.plugins.problems import FaultError, one_line, place, syntax_fault
from vaeaug.plugins.reading import HOOKS, Reading
from vaeaug.plugins.sources import Source

T = TypeVar("T")

_MARK = f"{PROJECT}_impl"  # the attribute pluggy's marker sets on a function


def collect(source: Source, reading: Reading) -> tuple[list[tuple[str, object]], list[FaultError]]:
    """Load one plugin and call its hooks.

    Args:
        source: the plugin.
        reading: what its source says, so that one written for a newer contract is refused before it runs.

    Returns:
        What its hooks returned, as (kind, object), not yet checked; and what is wrong with it.
    """
    try:
        plugin = _load(source, reading)
        manager = _register(source, plugin)
    except FaultError as fault:
        return [], [fault]
    brought: list[tuple[str, object]] = []
    faults = _doubtful_functions(plugin)
    implementations = _implementations(manager, plugin)
    for hook, count in implementations.items():
        try:
            brought += [(HOOKS[hook], item) for item in _call(manager, hook, count, reading.file)]
        except FaultError as fault:
            faults.append(fault)
    if not implementations and not faults:
        faults.append(_no_hook(source, plugin))
    return brought, faults


@contextlib.contextmanager
def _contained() -> Iterator[None]:
    """Send what a plugin prints to stderr, and turn every way of ending but Ctrl-C into an exception."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            yield
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit, CancelledError, a test runner's own: none may end our process
            raise _EscapedError(error) from error


class _EscapedError(Exception):
    """A plugin raised what is no Exception."""

    def __init__(self, original: BaseException) -> None:
        super().__init__(str(original))
        self.original = original


def _guard(run: Callable[[], T], doing: str, file: Path | None, otherwise: Any) -> T:
    """Run a plugin's code; whatever it raises becomes a `FaultError` that says where."""
    try:
        with _contained():
            return run()
    except FaultError:
        raise
    except SyntaxError as error:
        raise syntax_fault(error, file) from error
    except _EscapedError as error:
        original = error.original
        if isinstance(original, SystemExit):
            cause = f"it calls sys.exit({original.code!r}) {doing}{place(original, file)}; a plugin only defines things"
            raise FaultError("exit", cause) from error
        raise FaultError(otherwise, f"{doing}: {one_line(original)}{place(original, file)}") from error
    except Exception as error:
        raise FaultError(otherwise, f"{doing}: {one_line(error)}{place(error, file)}{_mend(error, file)}") from error


def _mend(error: Exception, file: Path | None) -> str:
    """Return what mends a missing import, where that can be known."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    missing = error.name.split(".")[0]
    if file is not None and (file.with_name(f"{missing}.py").exists() or file.with_name(missing).is_dir()):
        return f"; a plugin file cannot import its neighbour {missing}: make a package of both (vaeaug plugins new)"
    return f"; install what brings {missing!r} into this environment"


def _load(source: Source, reading: Reading) -> object:
    """Import a plugin.

    Raises:
        FaultError: it cannot be found, raises, exits, or is written for a newer contract.
    """
    if source.fault:
        raise FaultError("metadata", source.fault)
    _check_api(reading.api)
    if source.file is not None:
        module = _guard(
            lambda: _load_file(source.module, source.file), "while it is imported", source.file, "import-error"
        )
    else:
        module = _guard(lambda: _load_module(source), "while it is imported", reading.file, "import-error")
    _check_api(getattr(module, "VAEAUG_API", None))
    plugin: object = module
    for name in source.attribute.split(".") if source.attribute else ():
        if not hasattr(plugin, name):
            cause = f"module {source.module} has no {source.attribute!r}, which its entry point names; reinstall it"
            raise FaultError("missing-module", cause)
        plugin = getattr(plugin, name)
    return plugin


def _check_api(written_for: object) -> None:
    if written_for is None:
        return
    if not isinstance(written_for, int) or isinstance(written_for, bool) or written_for < 1:
        raise FaultError(
            "newer-api", f"VAEAUG_API is a whole number from 1, not {written_for!r}; write VAEAUG_API = {API_VERSION}"
        )
    if written_for > API_VERSION:
        cause = f"it is written for plugin API {written_for}, and this vaeaug has {API_VERSION}"
        raise FaultError("newer-api", f"{cause}; upgrade vaeaug: pip install --upgrade vaeaug")


def _load_module(source: Source) -> types.ModuleType:
    try:
        return import_module(source.module)
    except ModuleNotFoundError as error:
        if error.name and (source.module == error.name or source.module.startswith(f"{error.name}.")):
            cause = f"its entry point names the module {source.module}, and there is no {error.name}"
            raise FaultError(
                "missing-module", f"{cause}; reinstall it: pip install --force-reinstall {source.distribution}"
            ) from None
        raise


class _FileLoader(SourceFileLoader):
    """Loads a single file without writing or trusting a `__pycache__` in the user's directory."""

    def get_code(self, fullname: str) -> types.CodeType:  # noqa: ARG002 (the loader protocol's signature)
        """Compile the file as it stands."""
        code: types.CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def _load_file(name: str, file: Path | None) -> types.ModuleType:
    """Run a plugin file as a module of `sys.modules`, where dataclasses and pickling of its classes look it up."""
    loader = _FileLoader(name, str(file))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None  # noqa: S101 (a loader is given, so there is a spec)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _register(source: Source, plugin: object) -> pluggy.PluginManager:
    """Give a plugin a pluggy manager of its own: not even a hook wrapper reaches the results of others.

    Raises:
        FaultError: it marks what is no hook's implementation.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        with _contained():
            manager.register(plugin, source.plugin)
    except pluggy.PluginValidationError as error:
        wants = " ".join(str(error).splitlines()[-1].split())
        raise FaultError(
            "hook-arguments", f"{wants}; hooks take no arguments here: take them away, or upgrade vaeaug"
        ) from error
    except Exception as error:
        raise FaultError("import-error", f"its hooks cannot be looked up: {one_line(error)}") from error
    return manager


def _doubtful_functions(plugin: object) -> list[FaultError]:
    """Return a fault for each function that looks like a hook and is not heard."""
    faults = []
    for name, function in getattr(plugin, "__dict__", {}).items():
        marked = getattr(function, _MARK, None) if callable(function) else None
        heard_as = (marked.get("specname") or name) if isinstance(marked, dict) else name
        if isinstance(marked, dict) and heard_as not in HOOKS:
            faults.append(
                FaultError("unknown-hook", f"there is no hook {heard_as!r}{_at(function)}; {nearest(heard_as, HOOKS)}")
            )
        elif isinstance(marked, dict) and (marked.get("wrapper") or marked.get("hookwrapper")):
            faults.append(
                FaultError("unknown-hook", f"{name!r}{_at(function)} wraps a hook; a plugin only implements hooks")
            )
        elif isinstance(function, types.FunctionType) and not isinstance(marked, dict) and name in HOOKS:
            faults.append(
                FaultError("unmarked-hook", f"{name!r}{_at(function)} is not marked; write @hookimpl above it")
            )
    return faults


def _no_hook(source: Source, plugin: object) -> FaultError:
    """Return the fault of a plugin that implements nothing; a function that is nearly called like a hook is named."""
    hooks = " or ".join(f"def {hook}()" for hook in HOOKS)
    for name, function in getattr(plugin, "__dict__", {}).items():
        if isinstance(function, types.FunctionType) and name.startswith(f"{PROJECT}_"):
            cause = f"{name!r}{_at(function)} is no hook; {nearest(name, HOOKS)}; write @hookimpl above it"
            return FaultError("no-hook", cause)
    cause = f"it implements no hook; write one and @hookimpl above it: {hooks}"
    return FaultError("no-hook", f"{cause}; a file that is no plugin starts with _" if source.file else cause)


def _at(function: object) -> str:
    code = getattr(function, "__code__", None)
    return f" ({code.co_filename}, line {code.co_firstlineno})" if code else ""


def _implementations(manager: pluggy.PluginManager, plugin: object) -> dict[str, int]:
    """Return hook -> how often the plugin implements it (more than once by `specname`); wrappers do not count."""
    found = {}
    for caller in manager.get_hookcallers(plugin) or []:
        plain = [impl for impl in caller.get_hookimpls() if not (impl.wrapper or impl.hookwrapper)]
        if caller.name in HOOKS and len(plain) == len(caller.get_hookimpls()):
            found[caller.name] = len(plain)
    return found


def _call(manager: pluggy.PluginManager, hook: str, count: int, file: Path | None) -> list[object]:
    """Call one hook of one plugin, which implements it `count` times.

    Raises:
        FaultError: it raises, also half-way through a generator, or returns no list of classes.
    """
    results = _guard(lambda: [_listed(one) for one in getattr(manager.hook, hook)()], f"in {hook}", file, "hook-raised")
    results += [None] * (count - len(results))  # pluggy leaves out those that return None
    for result in results:
        if not isinstance(result, list):
            what = (
                f"the class {result.__name__}"
                if isinstance(result, type)
                else f"{type(result).__name__} {result!r:.60}"
            )
            what = "nothing" if result is None else what
            example = result.__name__ if isinstance(result, type) else "MyClass"
            raise FaultError("wrong-return", f"{hook} returns {what}; return a list of classes: return [{example}]")
    return [item for result in results if isinstance(result, list) for item in result]


def _listed(result: object) -> object:
    """Return what an implementation returned, as a list if it is a collection of things."""
    if isinstance(result, str | bytes | dict | type) or not isinstance(result, Iterable):
        return result
    return list(result)

"""Load one plugin: refuse what is written for a newer contract, import it once, call its hooks once."""

from __future__ import annotations

import importlib.util
import sys
import types
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path

from vaeaug.hookspecs import API_VERSION
from vaeaug.plugins.executed import Collected, content_digest, recall, remember, was_edited
from vaeaug.plugins.hooks import call, doubtful_functions, implementations, no_hook, register
from vaeaug.plugins.isolation import guard
from vaeaug.plugins.problems import FaultError
from vaeaug.plugins.reading import HOOKS, Reading
from vaeaug.plugins.sources import Source


def collect(source: Source, reading: Reading) -> Collected:
    """Load one plugin and call its hooks, or return what that gave earlier in this process.

    Args:
        source: the plugin.
        reading: what its source says, so that one written for a newer contract is refused before it runs.
    """
    digest = content_digest(reading.file)
    collected = recall(source, digest)
    if collected is None:
        collected = _collect(source, reading, edited=was_edited(source, digest))
        remember(source, digest, collected)
    return collected


def _collect(source: Source, reading: Reading, *, edited: bool) -> Collected:
    """Execute one plugin and call its hooks; `edited` tells whether its file was executed with other content before."""
    try:
        plugin = _load(source, reading)
        manager = register(plugin, source.plugin, reading.file)
    except FaultError as fault:
        if edited:
            fault.cause += (
                "; the file was executed in this process before it was edited: if the new content is right, start "
                "the process (or the notebook kernel) again"
            )
        return Collected((), (fault,), None)
    brought: list[tuple[str, object]] = []
    faults = doubtful_functions(plugin)
    implemented = implementations(manager, plugin)
    for hook, count in implemented.items():
        try:
            brought += [(HOOKS[hook], item) for item in call(manager, hook, count, reading.file)]
        except FaultError as fault:
            faults.append(fault)
    if not implemented and not faults:
        faults.append(no_hook(plugin, is_file=source.file is not None))
    return Collected(tuple(brought), tuple(faults), sys.modules.get(source.module))


def _load(source: Source, reading: Reading) -> object:
    """Import a plugin.

    Raises:
        FaultError: it cannot be found, raises, exits, or is written for a newer contract.
    """
    if source.fault:
        raise FaultError("metadata", source.fault)
    _check_api(reading.api)
    if source.file is not None:
        module = guard(
            lambda: _load_file(source.module, source.file), "while it is imported", source.file, "import-error"
        )
    else:
        module = guard(lambda: _load_module(source), "while it is imported", reading.file, "import-error")
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
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        if before is not None:  # of the content before the file was edited; objects of its classes may live
            sys.modules[name] = before
        raise
    return module

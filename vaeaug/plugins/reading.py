"""What a plugin's source says about it: its hooks, the names it brings and their help, read without running it."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from vaeaug.plugins.sources import Source

HOOKS = {"vaeaug_variants": "variant", "vaeaug_losses": "loss"}
"""Hook -> the kind of thing it brings."""

_DEPTH = 5  # imports and base classes are followed this far


@dataclass(frozen=True, slots=True)
class Brought:
    """One class that a hook returns.

    Attributes:
        kind: `variant` or `loss`.
        name: the name users call it by, or None where the source does not say it plainly.
        help: the first line of the class's docstring, or None.
    """

    kind: str
    name: str | None
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the source of a plugin says.

    Attributes:
        file: the module's file, or None if it was not found.
        hooks: the hooks it implements, or None if they cannot be told from the source.
        brought: what they return; a class that cannot be told has no name.
        api: the contract version it says it was written for (`VAEAUG_API`), or None.
        help: the first line of the module's docstring.
        note: why something is not known, or None.
    """

    file: Path | None = None
    hooks: tuple[str, ...] | None = None
    brought: tuple[Brought, ...] = ()
    api: int | None = None
    help: str | None = None
    note: str | None = None


@dataclass(slots=True)
class _Module:
    """A parsed module and the names bound at its top level."""

    name: str
    file: Path | None
    is_package: bool
    tree: ast.Module
    bound: dict[str, ast.stmt | ast.expr] = field(default_factory=dict)


def read(source: Source) -> Reading:
    """Read a plugin's source. Never raises and never runs any of the plugin's code."""
    if source.fault:
        return Reading(note=source.fault)
    try:
        module = _read_module(source.module, source.file)
    except SyntaxError as error:
        return Reading(file=source.file, note=f"syntax error, line {error.lineno}: {error.msg}")
    except (OSError, ValueError, RecursionError) as error:
        return Reading(file=source.file, note=f"its source cannot be read: {error}")
    if module is None:
        return Reading(file=source.file, note=f"no source of module {source.module} was found")
    api, text = _constant(module, "VAEAUG_API"), ast.get_docstring(module.tree)
    reading = Reading(module.file, api=api if isinstance(api, int) else None, help=first_line(text))
    if source.attribute:
        return Reading(module.file, api=reading.api, help=reading.help, note=f"made when it runs ({source.attribute})")
    hooks = list(_hooks(module))
    brought = tuple(item for hook, function in hooks for item in _brought(module, HOOKS[hook], function))
    note = None if hooks else "no hook was found in its source"
    return Reading(module.file, tuple(dict(hooks)), brought, reading.api, reading.help, note)


def first_line(docstring: str | None) -> str | None:
    """Return the first line of a docstring, or None."""
    lines = (docstring or "").strip().splitlines()
    return lines[0].strip() if lines else None


def _find_spec(name: str) -> ModuleSpec | None:
    """Find a module without importing the packages above it, which `importlib.util.find_spec` would."""
    top, *parts = name.split(".")
    spec = importlib.util.find_spec(top)
    for part in parts:
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(f"{spec.name}.{part}", list(spec.submodule_search_locations))
    return spec


def _read_module(name: str, file: Path | None = None) -> _Module | None:
    """Parse a module given by its file or its name; None where there is no source.

    Raises:
        SyntaxError: the source is not Python.
        OSError, ValueError: it cannot be read or decoded.
    """
    text: str | bytes | None
    if file is not None:
        text, is_package = file.read_bytes(), False
    else:
        spec = _find_spec(name)
        get_source = getattr(spec.loader if spec else None, "get_source", None)
        text = get_source(name) if get_source else None
        if spec is None or text is None:
            return None
        is_package = spec.submodule_search_locations is not None
        file = Path(spec.origin) if spec.origin else None
    module = _Module(name, file, is_package, ast.parse(text))
    module.bound = dict(_bindings(module.tree.body))
    return module


def _bindings(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt | ast.expr]]:
    """Yield the names that the plain statements of a body bind, and what to."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, node) for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def _hooks(module: _Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the marked hooks of a module: hook name, function."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef):
            for mark in node.decorator_list:
                name = _specname(mark) or node.name
                if _is_mark(mark) and name in HOOKS:
                    yield name, node


def _is_mark(node: ast.expr) -> bool:
    node = node.func if isinstance(node, ast.Call) else node
    return (isinstance(node, ast.Name) and node.id == "hookimpl") or (
        isinstance(node, ast.Attribute) and node.attr == "hookimpl"
    )


def _specname(mark: ast.expr) -> str | None:
    """Return the hook that `@hookimpl(specname=...)` names."""
    for keyword in mark.keywords if isinstance(mark, ast.Call) else ():
        if keyword.arg == "specname" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None


def _brought(module: _Module, kind: str, hook: ast.FunctionDef) -> list[Brought]:
    """Return what a hook brings. What depends on a condition, a loop or a call is unknown, and said to be."""
    scope = {**module.bound, **dict(_bindings(hook.body))}
    brought: list[Brought] = []
    for node in hook.body:
        if isinstance(node, ast.Return):
            values = _elements(node.value, scope)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield):
            values = [node.value.value] if node.value.value else None
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.YieldFrom):
            values = _elements(node.value.value, scope)
        elif isinstance(node, ast.If | ast.For | ast.While | ast.Try | ast.With | ast.Match):
            values = None
        else:
            continue
        brought += [Brought(kind, None)] if values is None else [_describe(module, kind, v, scope) for v in values]
    return brought


def _elements(node: ast.expr | None, scope: dict[str, ast.stmt | ast.expr]) -> list[ast.expr] | None:
    """Return the elements of a literal list, tuple or set, or of a name bound to one."""
    if isinstance(node, ast.Name):
        bound = scope.get(node.id)
        node = bound if isinstance(bound, ast.expr) else None
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return None if any(isinstance(element, ast.Starred) for element in node.elts) else node.elts
    return None


def _describe(module: _Module, kind: str, node: ast.expr, scope: dict[str, ast.stmt | ast.expr]) -> Brought:
    """Return the name and help of the class that an expression stands for."""
    found = _class(module, node, scope, _DEPTH)
    if found is None:
        return Brought(kind, None)
    home, definition = found
    name = _class_name(home, definition, _DEPTH)
    return Brought(kind, name if isinstance(name, str) else None, first_line(ast.get_docstring(definition)))


def _class(
    module: _Module, node: ast.expr, scope: dict[str, ast.stmt | ast.expr], depth: int
) -> tuple[_Module, ast.ClassDef] | None:
    """Return the class an expression names, and the module it is written in; imports are followed by their source."""
    if not isinstance(node, ast.Name):
        return None
    bound = scope.get(node.id)
    if isinstance(bound, ast.ClassDef):
        return module, bound
    if not isinstance(bound, ast.ImportFrom) or depth == 0:
        return None
    target = _import_target(module, bound)
    original = next((alias.name for alias in bound.names if (alias.asname or alias.name) == node.id), node.id)
    try:
        home = _read_module(target) if target else None
    except (SyntaxError, OSError, ValueError, RecursionError):
        return None
    return _class(home, ast.Name(original), home.bound, depth - 1) if home else None


def _import_target(module: _Module, node: ast.ImportFrom) -> str | None:
    """Return the full name of the module in `from ... import`; None for a relative import out of its package."""
    if not node.level:
        return node.module
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*parts, *([node.module] if node.module else [])]) if parts else None


def _class_name(module: _Module, definition: ast.ClassDef, depth: int) -> Any:
    """Return the class's `name`: a string literal or a module's constant, its own or that of its first bases."""
    for bound, value in _bindings(definition.body):
        if bound == "name":
            if isinstance(value, ast.Name):
                return _constant(module, value.id)
            return value.value if isinstance(value, ast.Constant) else None
    for base in definition.bases if depth else ():
        found = _class(module, base, module.bound, depth)
        name = _class_name(*found, depth - 1) if found else None
        if name is not None:
            return name
    return None


def _constant(module: _Module, name: str) -> Any:
    """Return a literal bound at a module's top level, or None."""
    value = module.bound.get(name)
    return value.value if isinstance(value, ast.Constant) else None

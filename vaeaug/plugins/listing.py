"""What plugins provide, according to their source code. No plugin is executed, so none can break the list.

Only the module of the entry point is parsed, for hooks whose body is `return [MyVariant]` and classes with `name =
"..."`. Anything else is None, never guessed.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.machinery import PathFinder
from pathlib import Path
from typing import NamedTuple, TypeVar

from vaeaug.hookspecs import API_VERSION, HOOKS
from vaeaug.plugins.sources import Source

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ParsedPlugin:
    """What the source of a plugin states; None for what is unknown.

    Attributes:
        provided: the classes that the hooks return, each as (kind, name, help).
    """

    file: Path | None = None
    text: bytes = b""
    hooks: tuple[str, ...] | None = None
    provided: tuple[tuple[str, str | None, str | None], ...] = ()
    api: int | None = None
    help: str | None = None
    note: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names that are known."""
        return tuple(name for _, name, _ in self.provided if name)


class Listed(NamedTuple):
    """One class of one plugin, or a plugin whose classes are not known; see `docs/writing-a-plugin.md`."""

    name: str | None
    kind: str | None
    help: str | None
    plugin: str
    distribution: str | None
    version: str | None
    origin: str
    module: str | None
    file: str | None
    hooks: tuple[str, ...] | None
    blocked: bool
    shadowed_by: str | None
    note: str | None


def list_plugins(sources: Iterable[Source]) -> list[Listed]:
    """List what plugins bring; of `sources`, in the order of `find_sources`, the first to bring a name keeps it."""
    owners: dict[tuple[str | None, str], Source] = {}
    listed = []
    for source in sources:
        parsed = read(source)
        for kind, name, help_ in parsed.provided or ((None, None, None),):
            owner = owners.setdefault((kind, name), source) if name and not source.blocked else source
            note = "its name is only known when it runs" if kind and not name else parsed.note
            if parsed.api is not None and parsed.api > API_VERSION:
                note = f"written for plugin API {parsed.api}; this vaeaug has {API_VERSION}"
            module = None if source.file else source.module or None
            file = str(parsed.file) if parsed.file else None
            shadowed_by = None if owner is source else owner.plugin
            plugin = source.plugin, source.distribution, source.version, source.origin, module, file, parsed.hooks
            listed.append(Listed(name, kind, help_ or parsed.help, *plugin, source.blocked, shadowed_by, note))
    return listed


def read(source: Source) -> ParsedPlugin:
    """Read the source of a plugin's module; whatever is wrong with it becomes the note."""
    if source.fault:
        return ParsedPlugin(note=source.fault)
    file, text = source.file, b""
    try:
        file = file or _find(source.module)
        if file is None:
            return ParsedPlugin(note=f"no source of module {source.module} was found")
        text = file.read_bytes()
        tree = ast.parse(text)
    except SyntaxError as error:
        return ParsedPlugin(file, text, note=f"syntax error, line {error.lineno}: {error.msg}")
    except (OSError, ValueError, ImportError, RecursionError) as error:
        return ParsedPlugin(file, text, note=f"its source cannot be read: {error}")
    parsed = ParsedPlugin(file, text, api=_constant(tree, "VAEAUG_API", int), help=_help(tree))
    if source.attribute:
        return replace(parsed, note=f"made when it runs ({source.attribute})")
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    hooks = [(hook, node) for node in functions if (hook := _hook(node)) in HOOKS]
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    known = {name: (_constant(node, "name", str), _help(node)) for name, node in classes.items()}
    provided = [(HOOKS[hook], *known.get(name, (None, None))) for hook, node in hooks for name in _returned(node)]
    note = None if hooks else "no hook was found in its source"
    return replace(parsed, hooks=tuple(dict(hooks)), provided=tuple(provided), note=note)


def _find(module: str) -> Path | None:
    """Find a module's source without importing the packages above it, as `importlib.util.find_spec` would do."""
    top, *parts = module.split(".")
    spec = importlib.util.find_spec(top)
    for part in parts:
        spec = spec and PathFinder.find_spec(f"{spec.name}.{part}", spec.submodule_search_locations or ())
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _hook(function: ast.FunctionDef) -> str:
    """Return the name of the hook that a function is marked to implement, or an empty string."""
    for mark in map(ast.unparse, function.decorator_list):
        if re.fullmatch(r"(\w+\.)*hookimpl(\(.*\))?", mark):
            named = re.search(r"\bspecname='(\w+)'", mark)
            return named[1] if named else function.name
    return ""


def _returned(hook: ast.FunctionDef) -> list[str]:
    """Return the names in the list that a hook returns; a single empty name if its body is anything else."""
    match hook.body[1:] if ast.get_docstring(hook) is not None else hook.body:
        case [ast.Return(value=ast.List(elts) | ast.Tuple(elts) | ast.Set(elts))]:
            return [ast.unparse(element) for element in elts]
    return [""]


def _help(node: ast.Module | ast.ClassDef) -> str | None:
    return (ast.get_docstring(node) or "").partition("\n")[0].strip() or None


def _constant(node: ast.Module | ast.ClassDef, name: str, cls: type[T]) -> T | None:
    for line in node.body:
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            value = getattr(getattr(line, "value", None), "value", None)
            return value if isinstance(value, cls) else None
    return None

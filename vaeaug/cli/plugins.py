"""`vaeaug plugins`: list, check, show and start plugins. Listing imports neither torch nor any plugin."""

from __future__ import annotations

import functools
import inspect
import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from vaeaug.cli.common import output_options, plugins_dir_option
from vaeaug.errors import InputError, PluginError, nearest
from vaeaug.hookspecs import HOOKS
from vaeaug.options import describe_options
from vaeaug.plugins import Problem, Provided, Registry, Source, find_sources, load
from vaeaug.plugins.listing import Listed, list_plugins
from vaeaug.plugins.sources import BLOCK_VARIABLE, STRICT_VARIABLE, blocked_names

KINDS = list(HOOKS.values())
JSON_KEYS = {kind: hook.removeprefix("vaeaug_") for hook, kind in HOOKS.items()}
"""Kind -> its key in `vaeaug plugins check --json`."""


@dataclass(frozen=True)
class CommonOptions:
    """The options that every `vaeaug plugins` command has; before or after the subcommand they mean the same."""

    plugins_dirs: tuple[str, ...] = ()
    as_json: bool = False
    quiet: bool = False


def common(function: Callable[..., None]) -> Callable[..., None]:
    """Add the common options; the function gets them as `options`."""

    @plugins_dir_option
    @output_options
    @click.pass_context
    @functools.wraps(function)
    def wrapper(
        ctx: click.Context, /, *, plugins_dirs: tuple[str, ...], as_json: bool, quiet: bool, **options: Any
    ) -> None:
        outer = ctx.obj or CommonOptions()
        ctx.obj = CommonOptions((*outer.plugins_dirs, *plugins_dirs), outer.as_json or as_json, outer.quiet or quiet)
        function(options=ctx.obj, **options)

    return wrapper


@click.group(invoke_without_command=True)
@common
def command(options: CommonOptions) -> None:
    """List, check, show or create plugins.

    Without a subcommand, list the installed plugins. The list is read from package metadata and source code; nothing is
    imported. Facts that cannot be determined this way are shown as "?".
    """
    if click.get_current_context().invoked_subcommand is None:
        _list(options)


@command.command(short_help="Load every plugin and report problems.")
@common
def check(options: CommonOptions) -> None:
    """Load every plugin and report problems; the exit code is 3 if there are any."""
    lenient = {key: value for key, value in os.environ.items() if key != STRICT_VARIABLE}  # all problems, not the first
    registry = load(options.plugins_dirs, environ=lenient)
    rows = [_check_row(source, registry) for source in registry.sources]
    if options.as_json:
        _print_json(rows)
    else:
        header = ("STATUS", "PLUGIN", "FROM", "PROVIDES, OR PROBLEM")
        lines = [
            (row["status"], row["plugin"], source.where, text) if number == 0 else ("", "", "", text)
            for row, source in zip(rows, registry.sources, strict=True)
            for number, text in enumerate(_findings(row))
        ]
        click.echo(_table(header, lines, cut=False))
    _hint_unknown_blocks(registry.sources, options.quiet)
    broken = len({id(problem.source) for problem in registry.problems})
    if broken:
        raise PluginError(
            f"{broken} of {len(rows)} plugins {'has' if broken == 1 else 'have'} a problem; see the list above"
        )


@command.command(short_help="Show the options of a variant, loss or sampler.")
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), help="Kind, if plugins of several kinds have this name.")
@common
def show(options: CommonOptions, name: str, kind: str | None) -> None:
    """Show a variant, loss or sampler: its options and their ranges, its paper, and the package that provides it."""
    matches = load(options.plugins_dirs).get([kind] if kind else KINDS, name)
    if len(matches) > 1:
        kinds = [provided.kind for provided in matches]
        raise InputError(f"{name!r} is a {' and a '.join(kinds)}; add --kind {' or --kind '.join(kinds)}")
    description = describe(matches[0])
    if options.as_json:
        _print_json(description)
        return
    click.echo(_description_text(description))
    if not options.quiet:
        click.echo(f"\nUse it: vaeaug augment DATA OUT {_usage(description)}", err=True)


@command.command(short_help="Create a plugin package with passing tests.")
@click.argument("name")
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option(
    "--kind", type=click.Choice(KINDS), default="variant", show_default=True, help="Kind of plugin to create."
)
@common
def new(options: CommonOptions, name: str, directory: Path | None, kind: str) -> None:
    """Create a package with passing tests for a variant, loss or sampler NAME in DIRECTORY (default: vaeaug-NAME)."""
    from vaeaug.workflows.new_plugin import write_package  # noqa: PLC0415 (imported when it runs)

    package = write_package(name, kind, directory, list_plugins(find_sources(options.plugins_dirs)))
    if options.as_json:
        _print_json({"directory": str(package.directory), "files": list(package.files), "name": package.name})
    elif not options.quiet:
        click.echo("\n".join([f"Wrote {package.directory}:", *(f"  {file}" for file in package.files)]))
        change_directory = (
            f"cd {shlex.quote(str(package.directory))} && " if package.directory.resolve() != Path.cwd() else ""
        )
        click.echo(f"\nNext: {change_directory}pip install -e '.[test]' && pytest", err=True)


def _list(options: CommonOptions) -> None:
    sources = find_sources(options.plugins_dirs)
    entries = list_plugins(sources)
    if options.as_json:
        _print_json([entry._asdict() for entry in entries])
    else:
        header = ("KIND", "NAME", "PLUGIN", "FROM", "DESCRIPTION")
        rows = [_row(entry) for entry in entries]
        click.echo(_table(header, sorted(rows, key=_kind_order), cut=sys.stdout.isatty()))
    _hint_unknown_blocks(sources, options.quiet)


def _row(entry: Listed) -> tuple[str, ...]:
    state = "blocked" if entry.blocked else f"shadowed by {entry.shadowed_by}" if entry.shadowed_by else entry.note
    text = " ".join(part for part in (f"[{state}]" if state else None, entry.help) if part)
    where = f"{entry.distribution} {entry.version or '?'}" if entry.distribution else str(entry.file)
    return entry.kind or "?", entry.name or "?", entry.plugin, where, text


def _kind_order(row: Sequence[str]) -> int:
    """Order rows by kind, and leave them otherwise as they are (the order in which names are claimed)."""
    return KINDS.index(row[0]) if row[0] in KINDS else len(KINDS)


def _check_row(source: Source, registry: Registry) -> dict[str, Any]:
    """Return what there is to say of one plugin, as `vaeaug plugins check --json` has it."""
    problems = [problem for problem in registry.problems if problem.source is source]
    return {
        "plugin": source.plugin,
        "status": _status(source, problems),
        "distribution": source.distribution,
        "version": source.version,
        "origin": source.origin,
        "module": None if source.file else source.module or None,
        "file": str(source.file) if source.file else None,
        **{key: _names_of(source, registry, kind) for kind, key in JSON_KEYS.items()},
        "problems": [{"kind": problem.kind, "cause": problem.cause} for problem in problems],
    }


def _names_of(source: Source, registry: Registry, kind: str) -> list[str]:
    return [name for name, provided in registry.classes[kind].items() if provided.source is source]


def _status(source: Source, problems: list[Problem]) -> str:
    if source.blocked:
        return "blocked"
    if not problems:
        return "ok"
    return "shadowed" if all(problem.kind == "shadowed" for problem in problems) else "broken"


def _findings(row: dict[str, Any]) -> list[str]:
    """Return the lines that a plugin's row of the table has: what it brings, then its problems."""
    provided_names = [f"{kind} {name}" for kind, key in JSON_KEYS.items() for name in row[key]]
    problems = [problem["cause"] for problem in row["problems"]]
    blocked = [f"not imported: {BLOCK_VARIABLE} names it"] if row["status"] == "blocked" else []
    return [*([", ".join(provided_names)] if provided_names else []), *problems, *blocked] or [""]


def describe(provided: Provided[Any]) -> dict[str, Any]:
    """Return what `vaeaug plugins show --json` prints."""
    cls = provided.cls
    docstring = inspect.cleandoc(cls.__doc__ or "")
    return {
        "name": provided.name,
        "kind": provided.kind,
        "help": docstring.split("\n")[0] or None,
        "docstring": docstring or None,
        "reference": cls.reference or None,
        "conditional": getattr(cls, "conditional", None),
        "class": f"{cls.__module__}:{cls.__qualname__}",
        "plugin": provided.plugin,
        "distribution": provided.distribution,
        "version": provided.version,
        "origin": provided.origin,
        "options": describe_options(cls.Config),
    }


def _description_text(description: dict[str, Any]) -> str:
    where = f"{description['distribution']} {description['version'] or ''}".strip()
    where = where if description["distribution"] else description["origin"]
    facts = [
        ("from", where),
        ("class", description["class"]),
        ("paper", description["reference"]),
        (
            "labels",
            {True: "conditional: trained with class labels", False: "ignored", None: None}[description["conditional"]],
        ),
    ]
    lines = [f"{description['name']} ({description['kind']})", "", description["docstring"] or "No docstring.", ""]
    lines += [f"{key + ':':<8}{value}" for key, value in facts if value]
    header = ("OPTION", "TYPE", "DEFAULT", "RANGE", "DESCRIPTION")
    options = [
        (option["name"], option["type"], _value_text(option["default"]), _range(option), option["help"] or "")
        for option in description["options"]
    ]
    return "\n".join([*lines, "", _table(header, options, cut=False) if options else "It has no options."])


def _usage(description: dict[str, Any]) -> str:
    choose = f"--{description['kind']} {description['name']}"
    flag = "--set" if description["kind"] == "variant" else f"--set-{description['kind']}"
    last_option = description["options"][-1:]
    return " ".join([choose, *(f"{flag} {option['name']}={_value_text(option['default'])}" for option in last_option)])


def _value_text(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _range(option: dict[str, Any]) -> str:
    minimum, maximum = option["minimum"], option["maximum"]
    if option["choices"]:
        return ", ".join(map(_value_text, option["choices"]))
    if minimum is not None and maximum is not None:
        return f"{minimum:g} to {maximum:g}"
    return f"at least {minimum:g}" if minimum is not None else f"at most {maximum:g}" if maximum is not None else ""


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, cut: bool) -> str:
    """Return aligned columns; with `cut`, lines are no longer than the terminal is wide."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header) - 1)]
    texts = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
        for line in lines
    ]
    limit = shutil.get_terminal_size().columns
    return "\n".join(f"{text[: limit - 1]}…" if cut and len(text) > limit else text for text in texts)


def _hint_unknown_blocks(sources: Sequence[Source], quiet: bool) -> None:
    """Say on stderr which blocked names are no plugin's: a misspelt one blocks nothing."""
    plugins = {source.plugin for source in sources}
    for name in sorted(blocked_names(os.environ) - plugins):
        if not quiet:
            click.echo(f"{BLOCK_VARIABLE} names {name!r}, which is not a plugin; {nearest(name, plugins)}", err=True)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))

"""Parts shared by commands: options made from settings, `--config`, and the result on stdout."""

from __future__ import annotations

import dataclasses
import json
import tomllib
import typing
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from vaeaug.errors import InputError, nearest
from vaeaug.options import members

F = TypeVar("F", bound=Callable[..., Any])

_SHORT = {"device": "-d", "seed": "-s"}
_METAVARS = {
    "classifier": "NAME",
    "classifier_weights": "FILE",
    "coco": "FILE",
    "data": "DIR",
    "device": "NAME",
    "image": "FILE",
    "image_size": "SIZE",
    "file_column": "NAME",
    "label": "NAME",
    "label_column": "NAME",
    "labels": "FILE",
    "loss": "NAME",
    "masks": "DIR",
    "missing_color": "COLOR",
    "model": "DIR",
    "sampler": "NAME",
    "test": "DIR",
    "train_augment": "FILE",
    "variant": "NAME",
}


class _PluginOption(click.Option):
    """An option that names a plugin's class; its help lists the names that are installed."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the flags and the help, with `{names}` filled in."""
        record = super().get_help_record(ctx)
        return record and (record[0], record[1].replace("{names}", _installed_names(str(self.name))))


def _installed_names(kind: str) -> str:
    """Return the names of a kind as an alternative, "a, b or c", without importing any plugin."""
    from vaeaug.plugins.listing import list_plugins  # noqa: PLC0415 (only for --help)
    from vaeaug.plugins.sources import find_sources  # noqa: PLC0415 (only for --help)

    try:
        sources = find_sources()
    except InputError:  # of VAEAUG_PLUGINS_DIR; help is shown anyway
        sources = find_sources(environ={})
    entries = (entry for entry in list_plugins(sources) if not entry.blocked and not entry.shadowed_by)
    *rest, last = sorted(entry.name for entry in entries if entry.kind == kind and entry.name) or ["NAME"]
    return f"{', '.join(rest)} or {last}" if rest else last


def output_options(function: F) -> F:
    """Add `--json`, `--quiet` and `--debug`: every command has them."""
    for decorate in (
        click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback if an error occurs."),
        click.option("--quiet", "-q", is_flag=True, help="Hide progress and warnings."),
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout."),
    ):
        function = decorate(function)
    return function


def config_option(function: F) -> F:
    """Add `--config FILE`: a TOML file that holds any option of the command; the command line wins."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_read_config,
        metavar="FILE",
        help="TOML file with any of these options, e.g. seed = 3. Options on the command line take precedence.",
    )(function)


def settings_options(*settings: type[Any], leave_out: Iterable[str] = ()) -> Callable[[F], F]:
    """Make command-line options from the declared fields of settings dataclasses.

    Own fields come before inherited ones, so that help begins with the main options of the command.
    """

    def decorate(function: F) -> F:
        seen: set[str] = set(leave_out)
        options = []
        for cls in settings:
            hints = typing.get_type_hints(cls)
            for field in sorted(dataclasses.fields(cls), key=partial(_depth, cls)):
                if field.metadata and field.name not in seen:
                    seen.add(field.name)
                    options.append(_option(field, hints[field.name]))
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def _depth(cls: type[Any], field: dataclasses.Field[Any]) -> int:
    """Return how far up among the bases of `cls` the field is declared; 0 is `cls` itself."""
    bases = enumerate(cls.__mro__)
    return max(depth for depth, base in bases if field.name in getattr(base, "__dataclass_fields__", {}))


def sampling_options(function: F) -> F:
    """Add `--set`, for the options of a trained variant that only change what is drawn."""
    return click.option(
        "--set",
        "variant_options",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_pairs,
        help="Set an option of the variant that only affects sampling, e.g. a temperature; can be repeated.",
    )(function)


def sampler_options(function: F) -> F:
    """Add `--set-sampler`."""
    return click.option(
        "--set-sampler",
        "sampler_options",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_pairs,
        help="Set an option of the sampler; can be repeated (see: vaeaug plugins show NAME).",
    )(function)


def plugin_options(function: F) -> F:
    """Add `--set`, `--set-loss`, `--latent-dim` and `--plugins-dir`."""
    for decorate in (
        click.option(
            "--set-loss",
            "loss_options",
            multiple=True,
            metavar="NAME=VALUE",
            callback=_pairs,
            help="Set an option of the loss; can be repeated (see: vaeaug plugins show NAME).",
        ),
        click.option("--latent-dim", metavar="N", help="Same as --set latent_dim=N."),
        click.option(
            "--set",
            "variant_options",
            multiple=True,
            metavar="NAME=VALUE",
            callback=_pairs,
            help="Set an option of the variant; can be repeated (see: vaeaug plugins show NAME).",
        ),
        plugins_dir_option,
    ):
        function = decorate(function)
    return function


def plugins_dir_option(function: F) -> F:
    """Add `--plugins-dir`."""
    return click.option(
        "--plugins-dir",
        "plugins_dirs",
        multiple=True,
        metavar="DIR",
        help="Load each *.py file in DIR as a plugin; can be repeated.",
    )(function)


def given_options(values: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given, with `--latent-dim` put among those of the variant."""
    latent_dim = values.pop("latent_dim", None)
    if latent_dim is not None:
        values["variant_options"] = {**values["variant_options"], "latent_dim": latent_dim}
    return {name: value for name, value in values.items() if value is not None}


def print_result(values: dict[str, Any], text: str, *, as_json: bool, quiet: bool = False) -> None:
    """Print a command's result: JSON on stdout, or words for a person on stderr."""
    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo(text, err=True)


def _option(field: dataclasses.Field[Any], hint: Any) -> Callable[[F], F]:
    kind = next(member for member in members(hint) if member is not type(None))
    flag = f"--{field.name.replace('_', '-')}"
    text = field.metadata["help"] + (
        "" if field.default is None or field.default is False else f"  [default: {field.default}]"
    )
    if kind is bool and field.default is True:
        return click.option(f"{flag}/--no-{flag[2:]}", default=None, help=field.metadata["help"] + "  [default: yes]")
    if kind is bool:
        return click.option(flag, is_flag=True, default=None, help=text)
    choices = field.metadata["choices"]
    if field.name == "time_budget":
        return click.option(flag, metavar="TIME", callback=_seconds, help=text)
    return click.option(
        flag,
        *([_SHORT[field.name]] if field.name in _SHORT else []),
        cls=_PluginOption if "{names}" in text else click.Option,
        type=click.Choice(choices) if choices else kind,
        metavar=None if choices else _METAVARS.get(field.name) or {int: "N", float: "X"}.get(kind, "TEXT"),
        help=text,
    )


def _seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:  # noqa: ARG001
    from vaeaug.workflows.settings import parse_seconds  # noqa: PLC0415 (kept out of --help)

    return None if value is None else parse_seconds(value)


def _pairs(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:  # noqa: ARG001
    pairs = {}
    for item in value:
        name, equals, text = item.partition("=")
        if not equals:
            raise InputError(f"{param.opts[0]} must be NAME=VALUE, not {item!r}")
        pairs[name.strip()] = text.strip()
    return pairs


def _read_config(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:  # noqa: ARG001
    if value is None:
        return
    try:
        values = tomllib.loads(value.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"the config file {value} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the config file {value} is not valid TOML: {error}") from None
    by_flag = {
        option.removeprefix("--"): parameter
        for parameter in ctx.command.params
        for option in parameter.opts
        if option.startswith("--")
    }
    defaults: dict[str, Any] = {}
    for key, setting in values.items():
        parameter = by_flag.get(key.replace("_", "-"))
        if parameter is None or parameter.name is None or key in ("config", "debug"):
            raise InputError(f"the config file {value} has an unknown option {key!r}; {nearest(key, by_flag)}")
        defaults[parameter.name] = _as_typed(setting, multiple=getattr(parameter, "multiple", False))
    ctx.default_map = {**(ctx.default_map or {}), **defaults}


def _as_typed(setting: Any, *, multiple: bool) -> Any:
    """Return a TOML value as it would stand on the command line: a table of options becomes NAME=VALUE pairs."""
    if multiple and isinstance(setting, dict):
        return tuple(f"{name}={value}" for name, value in setting.items())
    if multiple:
        return tuple(map(str, setting)) if isinstance(setting, list) else (str(setting),)
    if isinstance(setting, dict | list):
        raise InputError(f"an option in the config file must have a single value, not {setting!r}")
    return setting if isinstance(setting, bool) else str(setting)  # as text: 2.9 is no number of epochs

"""Options: the fields of a dataclass, each with a line of help, a range and a check.

Plugins declare theirs with `option`, and so does the host; the command line is made from them. No torch here.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from vaeaug.errors import InputError, SettingError, nearest

C = TypeVar("C")


def option(
    default: Any,
    help: str,  # noqa: A002 (the field's own word, as in click and argparse)
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[Any, ...] | None = None,
    sampling: bool = False,
    imports: bool = False,
) -> Any:
    """Declare an option of a plugin, as a field of its `Config` dataclass.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Config:
        ...     beta: float = option(4.0, "Weight of the KL term.", minimum=0)

    Args:
        sampling: whether a trained model may be opened with another value (`vaeaug sample --set`), because it only
            changes sampling.
        imports: whether a value `module:callable` is imported and called. For a trained model, which may come from
            elsewhere, that requires the user's consent (`vaeaug score --allow-imports`).
    """
    metadata: dict[str, Any] = {"help": help, "minimum": minimum, "maximum": maximum, "choices": choices}
    metadata |= {"sampling": sampling, "imports": imports}
    return dataclasses.field(default=default, metadata=metadata)


def parse_options(config: type[C], values: Mapping[str, Any], owner: str) -> C:
    """Build `config` from names (hyphens are underscores) and values, which may be strings.

    Args:
        owner: for messages, such as "variant 'vae'".

    Raises:
        InputError: if a name is unknown, or a value has the wrong type or is out of range.
    """
    parsed: dict[str, Any] = {}
    for name, value in _named(config, values, owner):
        try:
            parsed[name] = _parse(config, name, value)
        except ValueError as error:
            raise InputError(f"{owner}: {name} {error}") from None
    return config(**parsed)


def parse_settings(settings: type[C], values: Mapping[str, Any], call: str) -> C:
    """Build a settings dataclass of a command, likewise; `call` is the Python function, for messages.

    Raises:
        SettingError: if a value has the wrong type or is out of range.
        InputError: if a name is unknown.
    """
    parsed: dict[str, Any] = {}
    for name, value in _named(settings, values, call):
        try:
            parsed[name] = _parse(settings, name, value)
        except ValueError as error:
            raise SettingError(name, str(error), call) from None
    return settings(**parsed)


def check_names_no_code(config: type[Any], values: Mapping[str, Any], subject: str) -> None:
    """Check that no option names code to import and call (`option(imports=True)`), which requires consent.

    Args:
        subject: for the message ("DIR was trained with 'perceptual'").

    Raises:
        InputError: if an option does.
    """
    given = {name.replace("-", "_"): str(value) for name, value in values.items()}
    for field in dataclasses.fields(config):
        if field.metadata.get("imports") and ":" in given.get(field.name, ""):
            raise InputError(
                f"{subject}, whose option {field.name} names code to import and call: {given[field.name]}; if you "
                "trust it, add --allow-imports (allow_imports=True)"
            )


def members(hint: Any) -> tuple[Any, ...]:
    """Return the types of a union (`int | None` and `Optional[int]` alike), or the one type that `hint` is."""
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def type_name(hint: Any) -> str:
    """Return how a user reads an option's type: `int`, `float or none`."""
    return " or ".join(
        "none" if member is type(None) else getattr(member, "__name__", str(member)) for member in members(hint)
    )


def describe_options(config: type[Any]) -> list[dict[str, Any]]:
    """Return each option of a dataclass as JSON values: name, type, default, help, minimum, maximum, choices."""
    hints = typing.get_type_hints(config)
    described = []
    for field in dataclasses.fields(config):
        default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        default = default if isinstance(default, int | float | str | None) else str(default)
        limits = {key: field.metadata.get(key) for key in ("help", "minimum", "maximum", "choices")}
        limits["choices"] = list(limits["choices"]) if limits["choices"] else None
        described.append({"name": field.name, "type": type_name(hints[field.name]), "default": default, **limits})
    return described


def _named(config: type[Any], values: Mapping[str, Any], owner: str) -> Iterator[tuple[str, Any]]:
    names = [field.name for field in dataclasses.fields(config)]
    for given, value in values.items():
        name = given.replace("-", "_")
        if name not in names:
            raise InputError(f"{owner} has no option {given!r}; {nearest(name, names)}")
        yield name, value


def _parse(config: type[Any], name: str, value: Any) -> Any:
    field = next(field for field in dataclasses.fields(config) if field.name == name)
    return _check(_convert(value, typing.get_type_hints(config)[name]), field)


def _convert(value: Any, hint: Any) -> Any:
    if type(None) in members(hint) and (value is None or str(value).lower() == "none"):
        return None
    target = next(member for member in members(hint) if member is not type(None))
    try:
        if target is bool:
            return value if isinstance(value, bool) else _BOOLEANS[str(value).lower()]
        if target is int and isinstance(value, float) and not value.is_integer():
            raise ValueError
        return target(value)
    except (ValueError, TypeError, KeyError):
        raise ValueError(f"must be {type_name(hint)}, not {value!r}") from None


_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _check(value: Any, field: dataclasses.Field[Any]) -> Any:
    """Return `value` if it lies in the field's range."""
    choices, minimum, maximum = (field.metadata.get(key) for key in ("choices", "minimum", "maximum"))
    if choices is not None and value is not None and value not in choices:
        raise ValueError(f"must be one of {', '.join(map(str, choices))}, not {value!r}")
    if value is not None and minimum is not None and not value >= minimum:
        raise ValueError(f"must be at least {minimum:g}, not {value!r}")
    if value is not None and maximum is not None and not value <= maximum:
        raise ValueError(f"must be at most {maximum:g}, not {value!r}")
    return value

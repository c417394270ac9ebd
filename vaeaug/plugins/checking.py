"""Whether a class keeps the contract, as far as that shows without building it. This module imports torch."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from typing import Any

from vaeaug.contracts import ReconstructionLoss, Variant
from vaeaug.plugins.names import is_name, to_name
from vaeaug.plugins.problems import FaultError, one_line, shown

BASES: dict[str, type[Any]] = {"variant": Variant, "loss": ReconstructionLoss}

_HOOK = {"variant": "vaeaug_variants", "loss": "vaeaug_losses"}


def check_class(kind: str, item: object) -> type[Any]:
    """Return the class that a hook brought, if it keeps the contract.

    Args:
        kind: `variant` or `loss`.
        item: what the hook returned.

    Raises:
        FaultError: it does not; the cause says what to write.
    """
    if not isinstance(item, type):
        is_instance = isinstance(item, tuple(BASES.values()))
        what = f"an instance of {type(item).__name__}" if is_instance else f"{shown(item)}, which is no class"
        raise FaultError("wrong-return", f"{_HOOK[kind]} returns {what}; return the class itself")
    _check_base(kind, item)
    name = _check_name(item)
    for check in (_check_abstract, _check_config, _check_signatures):
        cause = check(kind, item)
        if cause:
            raise FaultError("wrong-class", f"{item.__name__}{_place(item)} {cause}", (name,))
    return item


def _check_base(kind: str, cls: type[Any]) -> None:
    if issubclass(cls, BASES[kind]):
        return
    other = next((key for key, base in BASES.items() if issubclass(cls, base)), None)
    if other:
        cause = f"is a {other}; return it from {_HOOK[other]}"
    else:
        cause = f"is no subclass of vaeaug.{BASES[kind].__name__}; write class {cls.__name__}({BASES[kind].__name__})"
    raise FaultError("wrong-class", f"{cls.__name__}{_place(cls)} {cause}")


def _check_name(cls: type[Any]) -> str:
    name = getattr(cls, "name", None)
    if not isinstance(name, str):
        raise FaultError(
            "wrong-class", f"{cls.__name__}{_place(cls)} has no name; write name = {to_name(cls.__name__)!r} in it"
        )
    if not is_name(name):
        cause = f"is named {name!r}; a name is lower case, words joined by hyphens: name = {to_name(name)!r}"
        raise FaultError("wrong-class", f"{cls.__name__}{_place(cls)} {cause}")
    return name


def _place(cls: type[Any]) -> str:
    """Return ` (file, line n)` where a class is written, if that can be told."""
    try:
        return f" ({inspect.getsourcefile(cls)}, line {inspect.getsourcelines(cls)[1]})"
    except (OSError, TypeError):
        return ""


def _check_abstract(kind: str, cls: type[Any]) -> str | None:  # noqa: ARG001 (the checks have one signature)
    missing = sorted(getattr(cls, "__abstractmethods__", ()))
    return f"does not implement {', '.join(missing)}" if missing else None


def _check_config(kind: str, cls: type[Any]) -> str | None:  # noqa: ARG001 (the checks have one signature)
    config = cls.Config
    if not isinstance(config, type) or not dataclasses.is_dataclass(config):
        return "has a Config that is no dataclass; write @dataclass(frozen=True) above class Config"
    if "__dataclass_fields__" not in vars(config) and inspect.get_annotations(config):
        return "has a Config whose new options are not seen; write @dataclass(frozen=True) above class Config"
    for field in dataclasses.fields(config):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            return f"has an option {field.name!r} without a default; declare it with vaeaug.option(default, help)"
    try:
        typing.get_type_hints(config)
    except Exception as error:
        return f"has a Config whose types cannot be told ({one_line(error)}); import them at the module's top level"
    return None


def _check_signatures(kind: str, cls: type[Any]) -> str | None:
    """Check that each method can be called as the contract says, `generator` also by its name."""
    base = BASES[kind]
    for name, contract in vars(base).items():
        if not inspect.isfunction(contract) or (name.startswith("_") and name != "__init__"):
            continue
        given = list(inspect.signature(contract).parameters)
        if isinstance(inspect.getattr_static(cls, name), staticmethod | classmethod):
            given = given[1:]  # no self is handed over
        try:
            signature = inspect.signature(getattr(cls, name))
        except (TypeError, ValueError):
            return f"has a {name} that cannot be called"
        by_name = {"generator": None} if "generator" in given else {}
        positional = [None] * (len(given) - len(by_name))
        try:
            signature.bind(*([None] * len(given)))
            signature.bind(*positional, **by_name)
        except TypeError as error:
            wanted = ", ".join(given)
            return f"has a {name}{signature} that cannot be called as {name}({wanted}): {error}"
    return None

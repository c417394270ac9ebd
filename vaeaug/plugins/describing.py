"""A variant or a loss as `vaeaug plugins show` tells it: what it is, its paper, its options."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from typing import Any

from vaeaug.options import type_name

if typing.TYPE_CHECKING:
    from vaeaug.plugins.registry import Provided


def describe(kind: str, provided: Provided[Any]) -> dict[str, Any]:
    """Return what there is to know, as JSON has it.

    Args:
        kind: `variant` or `loss`.
        provided: the class and its plugin.

    Returns:
        name, kind, help (the docstring's first line), docstring, reference, conditional (variants: whether labels
        matter; losses: None), class, plugin, distribution, version, origin, and options: a list of name, type,
        default, help, minimum, maximum, choices.
    """
    cls = provided.cls
    docstring = inspect.cleandoc(cls.__doc__ or "")
    hints = typing.get_type_hints(cls.Config)
    return {
        "name": provided.name,
        "kind": kind,
        "help": docstring.split("\n")[0] or None,
        "docstring": docstring or None,
        "reference": cls.reference or None,
        "conditional": bool(cls.conditional) if kind == "variant" else None,
        "class": f"{cls.__module__}:{cls.__qualname__}",
        "plugin": provided.plugin,
        "distribution": provided.distribution,
        "version": provided.version,
        "origin": provided.origin,
        "options": [_option(field, hints[field.name]) for field in dataclasses.fields(cls.Config)],
    }


def _option(field: dataclasses.Field[Any], hint: Any) -> dict[str, Any]:
    default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
    limits = {key: field.metadata.get(key) for key in ("minimum", "maximum", "choices")}
    limits["choices"] = list(limits["choices"]) if limits["choices"] else None
    return {
        "name": field.name,
        "type": type_name(hint),
        "default": default if isinstance(default, int | float | str | None) else str(default),
        "help": field.metadata.get("help"),
        **limits,
    }

"""Whether a plugin's class keeps its contract, as far as that shows without building it."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from vaeaug.contracts.loss import ReconstructionLoss
from vaeaug.contracts.sampler import Sampler
from vaeaug.contracts.terms import Term
from vaeaug.contracts.variant import Variant
from vaeaug.hookspecs import HOOKS
from vaeaug.names import is_name, to_name

KINDS: dict[str, type[Any]] = {"variant": Variant, "loss": ReconstructionLoss, "sampler": Sampler}
"""Kind of class that a plugin brings -> its base class."""


def declaration_fault(kind: str, cls: type[Any]) -> str | None:
    """Return why a class breaks the contract of a kind in `KINDS` and how to fix it, or None."""
    return next(_faults(kind, cls), None)


def _faults(kind: str, cls: type[Any]) -> Iterator[str]:
    """Yield the faults in order; later ones may only follow from the first."""
    base = KINDS[kind]
    if not issubclass(cls, base):
        for hook, other in HOOKS.items():
            if issubclass(cls, KINDS[other]):
                yield f"is a {other}; return it from {hook}"
        yield f"is not a subclass of vaeaug.{base.__name__}; write class {cls.__name__}({base.__name__})"
    name = getattr(cls, "name", None)
    if not isinstance(name, str):
        yield f"has no name; write name = {to_name(cls.__name__)!r} in it"
    elif not is_name(name):
        yield f"is named {name!r}; a name is lower case, words joined by hyphens: name = {to_name(name)!r}"
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        yield f"does not implement {', '.join(missing)}"
    yield from _config_faults(cls.Config)
    if base is Variant and not _are_terms(cls.terms):
        yield "has terms that are not a mapping of names to vaeaug.Term; write terms = {'my-term': Term(annealed=True)}"
    for method, contract in vars(base).items():
        if inspect.isfunction(contract) and (method == "__init__" or not method.startswith("_")):
            yield from _signature_faults(cls, method, list(inspect.signature(contract).parameters))


def _are_terms(terms: Any) -> bool:
    return isinstance(terms, Mapping) and all(isinstance(term, Term) for term in terms.values())


def _config_faults(config: Any) -> Iterator[str]:
    if not isinstance(config, type) or not dataclasses.is_dataclass(config):
        yield "has a Config that is not a dataclass; write @dataclass(frozen=True) above class Config"
    if "__dataclass_fields__" not in vars(config) and inspect.get_annotations(config):
        yield "has a Config whose new options are not seen; write @dataclass(frozen=True) above class Config"
    for field in dataclasses.fields(config):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            yield f"has an option {field.name!r} without a default; declare it with vaeaug.option(default, help)"
    try:
        typing.get_type_hints(config)
    except Exception as error:
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        yield f"has a Config with types that are not found ({cause}); import them at the module's top level"


def _signature_faults(cls: type[Any], name: str, parameters: list[str]) -> Iterator[str]:
    """Yield why a method cannot be called as the contract states, with `generator` also by name."""
    if isinstance(inspect.getattr_static(cls, name), staticmethod | classmethod):
        parameters = parameters[1:]  # no self is passed
    positional = [parameter for parameter in parameters if parameter != "generator"]
    try:
        signature = inspect.signature(getattr(cls, name))
    except (TypeError, ValueError):
        yield f"has a {name} that cannot be called"
        return
    try:
        signature.bind(*parameters)
        signature.bind(*positional, **dict.fromkeys({*parameters} - {*positional}))
    except TypeError as error:
        yield f"has a {name}{signature} that cannot be called as {name}({', '.join(parameters)}): {error}"

"""Which sampler draws the images of a run, with which options, and whether it is compatible with the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from vaeaug.contracts import Latents, Sampler, SamplingCase, Variant, leaves, parse_options
from vaeaug.errors import InputError
from vaeaug.hookspecs import PROJECT
from vaeaug.models.store import StoredModel
from vaeaug.plugins import Provided, Registry
from vaeaug.workflows.settings import AUTO

Samplers = Mapping[str, Provided[Sampler]]
"""Name -> sampler, in order of precedence."""


def find_sampler(
    name: str, options: Mapping[str, Any], registry: Registry, distribution: str | None = None
) -> Provided[Sampler] | None:
    """Return the named sampler after checking its options; None for `auto`.

    `distribution` is the package to install if there is no such sampler, if known.

    Raises:
        InputError: if there is no such sampler or option, if a value is out of range, or if `auto` is given options.
        PluginError: if its plugin is broken.
    """
    if name == AUTO:
        if options:
            raise InputError("--set-sampler requires --sampler, because each sampler has its own options")
        return None
    sampler = registry.sampler(name, distribution=distribution)
    sampler_config(sampler.cls, options)
    return sampler


def sampler_config(sampler: type[Sampler], options: Mapping[str, Any]) -> Any:
    """Return a sampler's options as its `Config`.

    Raises:
        InputError: if it has no such option, or if a value is out of range.
    """
    return parse_options(sampler.Config, options, f"sampler '{sampler.name}'")


def changed_options(sampler: type[Sampler], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a sampler that are not its defaults."""
    config = sampler_config(sampler, options)
    values = {field.name: (getattr(config, field.name), field.default) for field in dataclasses.fields(config)}
    return {name: value for name, (value, default) in values.items() if value != default}


def choose_sampler(
    requested: Provided[Sampler] | None, samplers: Samplers, model: StoredModel, *, has_originals: bool = False
) -> Provided[Sampler]:
    """Return the requested sampler, or the one that is recommended for a trained model (`docs/benchmarks.md`).

    Raises:
        InputError: if no sampler is recommended, or if the requested one is incompatible with the model.
    """
    record, latents = model.record, model.latents(0).latents
    is_continuous = all(leaf.is_floating_point() for leaf in leaves(latents.latent))
    case = SamplingCase(is_continuous, has_originals, is_indexed=record.palette is not None)
    sampler = requested or next((each for each in samplers.values() if each.cls.is_recommended_for(case)), None)
    if sampler is None:
        raise InputError("no sampler is recommended for this model; name one with --sampler (see: vaeaug plugins)")
    check_deforms(sampler, model.variant)
    check_classes(sampler, samplers, model.variant, scope=record.scope, classes=len(record.classes))
    if sampler.cls.edits and not has_originals:
        raise InputError(
            f"the sampler '{sampler.name}' edits real images, and a model contains none; "
            f"use: vaeaug augment DATA OUT --model {model.directory} --sampler {sampler.name}"
        )
    check_latents(sampler, samplers, model.variant, latents, is_indexed=case.is_indexed)
    return sampler


def check_deforms(sampler: Provided[Sampler], variant: type[Variant]) -> None:
    """Check that a variant can deform images, for a sampler that needs it.

    Raises:
        InputError: if it cannot.
    """
    if sampler.cls.deforms and not variant.deforms:
        raise InputError(
            f"the sampler '{sampler.name}' needs a variant that deforms images, which '{variant.name}' does not; "
            "to train one that does, leave out --variant, and if you gave --model, give another directory"
        )


def check_classes(
    sampler: Provided[Sampler], samplers: Samplers, variant: type[Variant], *, scope: str, classes: int
) -> None:
    """Check that a sampler can draw each class of a model, which need not be trained yet.

    Raises:
        InputError: if it draws from a prior without classes.
    """
    if sampler.cls.draws_from_prior and scope == "shared" and not variant.conditional and classes > 1:
        others = either(
            name
            for name, each in samplers.items()
            if not each.cls.draws_from_prior and variant.deforms >= each.cls.deforms
        )
        raise InputError(
            f"the variant '{variant.name}' is unconditional, so with --scope shared its prior has no classes; "
            f"use --sampler {others}, --scope per-class, or a conditional variant (leave out --variant)"
        )


def check_latents(
    sampler: Provided[Sampler], samplers: Samplers, variant: type[Variant], latents: Latents, *, is_indexed: bool
) -> None:
    """Check that a sampler can draw latents of a variant, for images of this kind.

    `latents` may be those of one image, encoded by an untrained network.

    Raises:
        InputError: if it needs something that they lack, or if it mixes colours of indexed images.
    """
    need = sampler.cls.unmet_need(latents)
    if need is not None:
        cause = f"the sampler '{sampler.name}' needs {need}, which the variant '{variant.name}' does not have"
        raise InputError(f"{cause}; use --sampler {drawing_samplers(samplers, latents)}")
    if is_indexed and sampler.cls.edits:
        cause = f"the sampler '{sampler.name}' mixes colours, which is impossible for indexed images"
        raise InputError(f"{cause}; use --sampler {drawing_samplers(samplers, latents)}")


def drawing_samplers(samplers: Samplers, latents: Latents) -> str:
    """Return the names of the samplers that draw such latents and edit no real images: "mixture or prior"."""
    names = (name for name, each in samplers.items() if not each.cls.edits and each.cls.unmet_need(latents) is None)
    return either(names)


def editing_samplers(samplers: Samplers) -> str:
    """Return the names of the samplers that edit real images."""
    return either(name for name, sampler in samplers.items() if sampler.cls.edits)


def plugin_entry(sampler: Provided[Sampler]) -> dict[str, Any]:
    """Return what a record says about a sampler of another distribution than vaeaug; nothing for one of ours."""
    if sampler.distribution == PROJECT:
        return {}
    return {"sampler_plugin": {"distribution": sampler.distribution, "version": sampler.version}}


def either(names: Iterable[str]) -> str:
    """Return names as an alternative: "a, b or c"."""
    *rest, last = sorted(names) or ["NAME"]
    return f"{', '.join(rest)} or {last}" if rest else last

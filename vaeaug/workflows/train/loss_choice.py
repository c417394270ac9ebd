"""The plugins of a training: looked up, their options checked, and a loss chosen for the images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaeaug.contracts import (
    Encoded,
    GaussianVariant,
    ImageSpec,
    ImageStatistics,
    Latents,
    ReconstructionLoss,
    Sampler,
    Variant,
    parse_options,
)
from vaeaug.dataset.albumentations_module import albumentations_module
from vaeaug.dataset.augment import load_pipeline
from vaeaug.dataset.cache import ImageCache
from vaeaug.errors import InputError
from vaeaug.models.network import build_network
from vaeaug.plugins import Provided, Registry
from vaeaug.workflows.run import Run
from vaeaug.workflows.samplers import check_deforms, check_latents, either
from vaeaug.workflows.settings import AUTO, parse_size
from vaeaug.workflows.train_settings import TrainSettings

MAX_STATISTICS_IMAGES = 2000  # training images that the loss is chosen by


@dataclass(frozen=True, slots=True)
class NamedPlugins:
    """The plugins that a user names, before any image is opened.

    Attributes:
        loss: None to choose it by the images.
        scope: `per-class` or `shared`.
        sampler: the sampler that will draw from the model, if one is named.
    """

    variant: Provided[Variant]
    loss: Provided[ReconstructionLoss] | None
    scope: str
    sampler: Provided[Sampler] | None = None


@dataclass(frozen=True, slots=True)
class TrainingPlugins:
    """The variant and the loss of a training.

    Attributes:
        scope: `per-class` or `shared`.
        reason: why this loss was chosen by the images; empty if the user chose it.
    """

    variant: Provided[Variant]
    loss: Provided[ReconstructionLoss]
    scope: str
    reason: str = ""


def named_plugins(run: Run[TrainSettings], sampler: Provided[Sampler] | None = None) -> NamedPlugins:
    """Find the variant and the loss and check their options, before any image is opened.

    `sampler` will draw from the model, if one is named; a variant that the user does not name is one that suits it.

    Raises:
        InputError: if a name or an option is unknown, or if the augmentation file is missing.
        PluginError: if the plugin of the variant or the loss is broken.
    """
    settings, registry = run.settings, run.registry
    parse_size(settings.image_size)
    if settings.train_augment is not None:
        load_pipeline(Path(settings.train_augment))
    elif settings.consistency:
        albumentations_module()  # an error before the training, not in it
    variant = registry.variant(settings.variant or _default_variant(registry, sampler))
    if sampler is not None:
        check_deforms(sampler, variant.cls)
    loss = None if settings.loss == AUTO else registry.loss(settings.loss)
    parse_options(variant.cls.Config, settings.variant_options, f"variant '{variant.name}'")
    if loss is not None:
        parse_options(loss.cls.Config, settings.loss_options, f"loss '{loss.name}'")
    return NamedPlugins(variant, loss, settings.scope or variant.cls.preferred_scope, sampler)


def choose_loss(run: Run[TrainSettings], named: NamedPlugins, cache: ImageCache) -> TrainingPlugins:
    """Choose the loss by the images if the user named none, report it, and try all plugins on one image.

    Raises:
        InputError: if the chosen loss does not have the options that were given, if the loss needs something that is
            missing, if options of the variant contradict each other, or if the sampler or --consistency does not fit
            the variant.
    """
    training_plugins = _resolve_loss(run, named, cache)
    _check_on_one_image(run, training_plugins, cache, named.sampler)
    return training_plugins


def _resolve_loss(run: Run[TrainSettings], named: NamedPlugins, cache: ImageCache) -> TrainingPlugins:
    """Return the named plugins, with the loss that is recommended for the images if none is named."""
    if named.loss is not None:
        return TrainingPlugins(named.variant, named.loss, named.scope)
    losses = run.registry.losses
    images = image_statistics(cache)
    reasons = ((name, provided.cls.suits(images)) for name, provided in losses.items())
    name, reason = next(
        ((name, reason) for name, reason in reasons if reason),
        (_default(losses, "loss"), "the default for most images"),
    )
    run.progress.say(f"loss: {name} ({reason})")
    parse_options(losses[name].cls.Config, run.settings.loss_options, f"loss '{name}', which suits these images,")
    return TrainingPlugins(named.variant, losses[name], named.scope, reason)


@torch.no_grad()
def _check_on_one_image(
    run: Run[TrainSettings], training_plugins: TrainingPlugins, cache: ImageCache, sampler: Provided[Sampler] | None
) -> None:
    """Compute the loss of one image and encode it: incompatible plugins are an error before the training.

    Files that a loss downloads are then there before worker processes start.
    """
    settings = run.settings
    chosen = cache.indices("train")[:1]
    x_BCHW = torch.from_numpy(cache.pixels_NHWC[chosen]).permute(0, 3, 1, 2) / 255
    _, channels, height, width = x_BCHW.shape
    spec = ImageSpec(channels, height, width, len(cache.classes), palette=cache.palette)
    network = build_network(
        training_plugins.variant.cls,
        dict(settings.variant_options),
        training_plugins.loss.cls,
        dict(settings.loss_options),
        spec,
        settings.seed,
    ).eval()
    network.loss(torch.zeros(1, network.loss.raw_channels(channels), height, width), x_BCHW)
    if sampler is None and not settings.consistency:
        return
    y_B = torch.from_numpy(cache.labels_N[chosen]).long()
    encoded = network.variant.encode(x_BCHW, y_B)
    if settings.consistency:
        _check_consistency(training_plugins.variant, encoded, run.registry)
    if sampler is not None:
        latents = Latents(encoded.latent, y_B, encoded.scale)
        check_latents(
            sampler, run.registry.samplers, training_plugins.variant.cls, latents, is_indexed=cache.palette is not None
        )


def _check_consistency(variant: Provided[Variant], encoded: Encoded, registry: Registry) -> None:
    """Check that a variant has the Gaussian posterior that a consistency term needs."""
    if encoded.scale is None:
        gaussian = (name for name, each in registry.variants.items() if issubclass(each.cls, GaussianVariant))
        raise InputError(
            f"--consistency needs a Gaussian posterior, which the variant '{variant.name}' does not have; use "
            f"--variant {either(gaussian)}, or leave out --consistency"
        )


def image_statistics(cache: ImageCache) -> ImageStatistics:
    """Return statistics of at most 2,000 training images."""
    indices = cache.indices("train")
    chosen = indices[:: max(1, len(indices) // MAX_STATISTICS_IMAGES)]
    values = cache.pixels_NHWC[chosen].astype(np.float32) / 255
    mean = float(values.mean(dtype=np.float64))
    max_variance = mean * (1 - mean)  # the variance of values that are all 0 or 1
    binarity = float(values.var(dtype=np.float64)) / max_variance if max_variance > 0 else 0.0
    return ImageStatistics(cache.pixels_NHWC.shape[3], cache.palette, binarity)


def _default_variant(registry: Registry, sampler: Provided[Sampler] | None) -> str:
    if sampler is None or not sampler.cls.deforms:
        return _default(registry.variants, "variant")
    name = next((name for name, provided in registry.variants.items() if provided.cls.deforms), None)
    if name is None:
        raise InputError(f"no variant deforms images, which the sampler '{sampler.name}' needs (see: vaeaug plugins)")
    return name


def _default(names: Any, kind: str) -> str:
    for name, provided in names.items():
        if provided.cls.default:
            return str(name)
    raise InputError(f"no {kind} is the default; name one with --{kind} (see: vaeaug plugins)")

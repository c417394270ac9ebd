"""From a user's words to what a training needs: plugins looked up, options checked, a loss chosen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaeaug import plugins
from vaeaug.contracts import (
    ImageSpec,
    ImageStatistics,
    Latents,
    ReconstructionLoss,
    Sampler,
    Variant,
    parse_options,
)
from vaeaug.dataset.augment import load_pipeline
from vaeaug.dataset.cache import ImageCache
from vaeaug.errors import InputError
from vaeaug.models.network import build_network
from vaeaug.plugins import Provided
from vaeaug.progress import Progress
from vaeaug.workflows.samplers import check_latents
from vaeaug.workflows.settings import AUTO, TrainSettings, parse_size

MOST_LOOKED_AT = 2000  # training images that tell what kind they are


@dataclass(frozen=True, slots=True)
class Named:
    """What a user's words mean, before any image is opened.

    Attributes:
        variant: the variant.
        loss: the loss, or None where the images are to choose it.
        scope: `per-class` or `shared`.
        sampler: the sampler that is to draw from the model, if one is named.
    """

    variant: Provided[Variant]
    loss: Provided[ReconstructionLoss] | None
    scope: str
    sampler: Provided[Sampler] | None = None


@dataclass(frozen=True, slots=True)
class Plugins:
    """The variant and the loss of a training.

    Attributes:
        variant: the variant.
        loss: the loss.
        scope: `per-class` or `shared`.
        reason: why the images chose the loss; empty where the user did.
    """

    variant: Provided[Variant]
    loss: Provided[ReconstructionLoss]
    scope: str
    reason: str = ""


def look_up(settings: TrainSettings) -> Named:
    """Find the variant and the loss and check their options, before any image is opened.

    Raises:
        InputError: an unknown name or option, or a missing augmentation file.
        PluginError: the plugin that brings it is broken.
    """
    parse_size(settings.image_size)
    if settings.train_augment is not None:
        load_pipeline(Path(settings.train_augment))
    registry = plugins.load(settings.plugins_dirs)
    variant = registry.variant(settings.variant or _default(registry.variants, "variant"))
    loss = None if settings.loss == AUTO else registry.loss(settings.loss)
    parse_options(variant.cls.Config, settings.variant_options, f"variant '{variant.name}'")
    if loss is not None:
        parse_options(loss.cls.Config, settings.loss_options, f"loss '{loss.name}'")
    return Named(variant, loss, settings.scope or variant.cls.preferred_scope)


def choose_loss(named: Named, settings: TrainSettings, cache: ImageCache, progress: Progress) -> Plugins:
    """Choose the loss by the images, where the user named none, and say which and why; and try all on one of them.

    Raises:
        InputError: the loss that suits them has no such option, what the loss needs is not at hand, options of the
            variant contradict each other, or the sampler does not go with the variant.
    """
    used = _suited(named, settings, cache, progress)
    _try(used, settings, cache, named.sampler)
    return used


def _suited(named: Named, settings: TrainSettings, cache: ImageCache, progress: Progress) -> Plugins:
    """Return what the user named, with the loss that suits the images where that is none."""
    if named.loss is not None:
        return Plugins(named.variant, named.loss, named.scope)
    losses = plugins.load(settings.plugins_dirs).losses
    images = statistics(cache)
    suited = ((name, provided.cls.suits(images)) for name, provided in losses.items())
    name, reason = next(
        ((name, reason) for name, reason in suited if reason), (_default(losses, "loss"), "what suits most images")
    )
    progress.say(f"loss: {name} ({reason})")
    parse_options(losses[name].cls.Config, settings.loss_options, f"loss '{name}', which suits these images,")
    return Plugins(named.variant, losses[name], named.scope, reason)


@torch.no_grad()
def _try(used: Plugins, settings: TrainSettings, cache: ImageCache, sampler: Provided[Sampler] | None) -> None:
    """Score and encode one image: what does not go together, or is not at hand, is told before the training.

    What a loss fetches is so fetched before there are workers.
    """
    chosen = cache.indices("train")[:1]
    x_BCHW = torch.from_numpy(cache.pixels_NHWC[chosen]).permute(0, 3, 1, 2) / 255
    _, channels, height, width = x_BCHW.shape
    spec = ImageSpec(channels, height, width, len(cache.classes), palette=cache.palette)
    network = build_network(
        used.variant.cls,
        dict(settings.variant_options),
        used.loss.cls,
        dict(settings.loss_options),
        spec,
        settings.seed,
    ).eval()
    network.loss(torch.zeros(1, network.loss.raw_channels(channels), height, width), x_BCHW)
    if sampler is not None:
        y_B = torch.from_numpy(cache.labels_N[chosen]).long()
        encoded = network.variant.encode(x_BCHW, y_B)
        latents = Latents(encoded.latent, y_B, encoded.scale)
        samplers = plugins.load(settings.plugins_dirs).samplers
        check_latents(sampler, samplers, used.variant.cls, latents, is_indexed=cache.palette is not None)


def statistics(cache: ImageCache) -> ImageStatistics:
    """Return what a loss is told of (at most 2,000 of) the training images."""
    indices = cache.indices("train")
    chosen = indices[:: max(1, len(indices) // MOST_LOOKED_AT)]
    values = cache.pixels_NHWC[chosen].astype(np.float32) / 255
    mean = float(values.mean(dtype=np.float64))
    most = mean * (1 - mean)  # the variance of values that are all 0 or 1
    binarity = float(values.var(dtype=np.float64)) / most if most > 0 else 0.0
    return ImageStatistics(cache.pixels_NHWC.shape[3], cache.palette, binarity)


def _default(names: Any, kind: str) -> str:
    """Return the name of the first variant or loss that calls itself the default."""
    for name, provided in names.items():
        if provided.cls.default:
            return str(name)
    raise InputError(f"no {kind} is the default; name one with --{kind} (see: vaeaug plugins)")

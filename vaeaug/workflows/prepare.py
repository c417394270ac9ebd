"""From a user's words to what a training needs: plugins looked up, options checked, images decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaeaug import plugins
from vaeaug.contracts import ReconstructionLoss, Variant, parse_options
from vaeaug.dataset.augment import load_pipeline
from vaeaug.dataset.cache import ImageCache, build_cache
from vaeaug.dataset.scan import DatasetIndex
from vaeaug.engine.local import cores
from vaeaug.errors import InputError
from vaeaug.plugins import Provided
from vaeaug.progress import Progress, Tick
from vaeaug.workflows.settings import TrainSettings, parse_size


@dataclass(frozen=True, slots=True)
class Plugins:
    """The variant and the loss of a training."""

    variant: Provided[Variant]
    loss: Provided[ReconstructionLoss]


def look_up(settings: TrainSettings) -> Plugins:
    """Find the variant and the loss and check their options, before any image is opened.

    Raises:
        InputError: an unknown name or option, or a missing augmentation file.
        PluginError: the plugin that brings it is broken.
    """
    parse_size(settings.image_size)
    if settings.train_augment is not None:
        load_pipeline(Path(settings.train_augment))
    registry = plugins.load(settings.plugins_dirs)
    chosen = Plugins(
        registry.variant(settings.variant or _default(registry.variants, "variant")),
        registry.loss(settings.loss or _default(registry.losses, "loss")),
    )
    parse_options(chosen.variant.cls.Config, settings.variant_options, f"variant '{chosen.variant.name}'")
    parse_options(chosen.loss.cls.Config, settings.loss_options, f"loss '{chosen.loss.name}'")
    return chosen


def _default(names: Any, kind: str) -> str:
    """Return the name of the first variant or loss that calls itself the default."""
    for name, provided in names.items():
        if provided.cls.default:
            return str(name)
    raise InputError(f"no {kind} is the default; name one with --{kind} (see: vaeaug plugins)")


def decode(index: DatasetIndex, settings: TrainSettings, progress: Progress) -> ImageCache:
    """Decode every image of a dataset, or open the cache of an earlier time.

    Raises:
        InputError: some images cannot be read, and `skip_invalid` is not set.
    """
    progress.stage("Reading images")
    cache = build_cache(
        index,
        image_size=parse_size(settings.image_size),
        workers=settings.workers or cores(),
        skip_invalid=settings.skip_invalid,
        progress=lambda done, total: progress.tick(Tick(done / max(total, 1))),
    )
    for image in cache.invalid[:20]:
        progress.say(f"left out: {image.file_name}: {image.reason}")
    if len(cache.invalid) > 20:
        progress.say(f"left out: {len(cache.invalid) - 20} more images that cannot be read")
    return cache

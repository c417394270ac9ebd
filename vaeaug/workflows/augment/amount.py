"""How many synthetic images each class gets."""

from __future__ import annotations

from vaeaug.dataset.cache import ImageCache
from vaeaug.workflows.settings import AugmentSettings

FOR_EACH, ENOUGH = 10, 500
"""Synthetic images for each real one, and of a class: more than one for each teach a classifier more
(docs/benchmarks.md, "Steps and ratio")."""

SMALL = 128 * 128
"""Pixels of images up to which so many are made unasked: ten times as many photographs would fill a disk."""


def wanted_counts(settings: AugmentSettings, cache: ImageCache) -> dict[str, int]:
    """Return class -> how many synthetic images are asked for, or made unasked.

    Raises:
        InputError: more than one of `per_class`, `ratio` and `balance` is set.
    """
    real = {label: len(cache.indices("train", label)) for label in cache.classes}
    return settings.counts(real, {label: _unasked(cache, label, count) for label, count in real.items()})


def _unasked(cache: ImageCache, label: str, real: int) -> int:
    """Return how many images a class of so many real ones gets if nothing is asked."""
    shape = cache.native(label)
    return max(real, min(FOR_EACH * real, ENOUGH)) if shape.height * shape.width <= SMALL else real

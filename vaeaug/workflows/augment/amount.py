"""How many synthetic images each class gets."""

from __future__ import annotations

from vaeaug.dataset.cache import ImageCache
from vaeaug.workflows.settings import AugmentSettings

FOR_EACH = 10
"""Synthetic images for each real one: with 50 a class they taught classifiers more than one for each, or as much
(docs/benchmarks.md, "Steps and ratio")."""

ENOUGH, SMALL = 500, 128 * 128
"""Synthetic images of a class, and pixels of an image, up to which so many are made unasked: a choice for the sake of
time and disk, since a changed photograph is as large as the photograph."""


def wanted_counts(settings: AugmentSettings, cache: ImageCache) -> dict[str, int]:
    """Return class -> how many synthetic images are asked for, or made unasked.

    Raises:
        InputError: more than one of `per_class`, `ratio` and `balance` is set.
    """
    real = {label: len(cache.indices("train", label, real=True)) for label in cache.classes}
    # Of all classes alike, or classes of one size would become classes of several.
    files = [file for file in cache.files if file.split == "train" and not file.synthetic]
    if sum(file.height * file.width for file in files) > SMALL * len(files):
        return settings.counts(real)
    return settings.counts(real, {label: max(count, min(FOR_EACH * count, ENOUGH)) for label, count in real.items()})

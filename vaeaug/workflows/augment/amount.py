"""How many synthetic images each class gets."""

from __future__ import annotations

from collections.abc import Mapping

from vaeaug.dataset.cache import ImageCache
from vaeaug.dataset.index import quoted
from vaeaug.errors import InputError
from vaeaug.workflows.settings import AugmentSettings, SampleSettings

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


def check_amount(settings: SampleSettings, real: Mapping[str, int], counts: Mapping[str, int] | None = None) -> None:
    """Refuse an amount that gives no class an image, before any work is done for it.

    Args:
        settings: `per_class`, `ratio` and `balance`; if none is set, every class gets images.
        real: class -> number of real training images.
        counts: class -> number of synthetic images, of the classes that any are wanted of; by `settings` if None.

    Raises:
        InputError: if all counts are zero.
    """
    counts = settings.counts(real) if counts is None else counts
    if any(counts.values()):
        return
    most = max(real[label] for label in counts)
    if settings.balance:
        whose = f"the class {quoted(counts)} is" if len(counts) == 1 else "all classes are"
        raise InputError(
            f"nothing to make: {whose} as large as the largest ({most:,} images), so --balance adds none; "
            "give --per-class N or --ratio X instead"
        )
    if settings.ratio is not None:
        raise InputError(
            f"nothing to make: --ratio {settings.ratio:g} of at most {most:,} real images per class rounds to none; "
            f"give a ratio of at least {1 / most:.2g}, or --per-class N"
        )
    raise InputError("nothing to make: --per-class 0 asks for no synthetic images; give --per-class 1 or more")


def unfilled(settings: SampleSettings, counts: Mapping[str, int]) -> list[str]:
    """Return a warning that names the classes that `ratio` gives no image."""
    empty = [label for label, count in counts.items() if not count]
    if settings.ratio is None or not empty:
        return []
    return [f"--ratio {settings.ratio:g} rounds to no synthetic image for {quoted(empty)}"]

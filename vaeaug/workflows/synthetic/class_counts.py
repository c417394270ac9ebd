"""The number of synthetic images per class."""

from __future__ import annotations

from collections.abc import Mapping

from vaeaug.dataset.cache import ImageCache
from vaeaug.errors import InputError, quoted
from vaeaug.workflows.sample_settings import AugmentSettings, SampleSettings

PER_REAL_IMAGE = 10
"""Synthetic images per real one by default: with 50 real images per class, classifiers learned more or as much from ten
as from one (docs/benchmarks.md, "Steps and ratio")."""

MAX_IMAGES, MAX_PIXELS = 500, 128 * 128
"""Synthetic images per class, and average pixels per image, up to which the default is ten per real image. This saves
time and disk space, since an edited photograph is as large as the photograph."""


def class_counts(
    settings: SampleSettings, real: Mapping[str, int], default: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Return class -> number of synthetic images.

    Args:
        real: class -> number of real training images.
        default: used if none of `per_class`, `ratio` and `balance` is set; one per real image if None.
    """
    if settings.balance:
        largest = max(real.values())
        return {label: largest - count for label, count in real.items()}
    if settings.per_class is not None:
        return dict.fromkeys(real, settings.per_class)
    if settings.ratio is None:
        return dict(real if default is None else default)
    return {label: round(settings.ratio * count) for label, count in real.items()}


def requested_counts(settings: AugmentSettings, cache: ImageCache) -> dict[str, int]:
    """Return class -> number of synthetic images of a dataset, as requested or by default."""
    real = {label: len(cache.indices("train", label, real=True)) for label in cache.classes}
    # The same rule for all classes, or classes of one size would get different numbers of images.
    files = [file for file in cache.files if file.split == "train" and not file.synthetic]
    if sum(file.height * file.width for file in files) > MAX_PIXELS * len(files):
        return class_counts(settings, real)
    default = {label: max(count, min(PER_REAL_IMAGE * count, MAX_IMAGES)) for label, count in real.items()}
    return class_counts(settings, real, default)


def check_counts(settings: SampleSettings, real: Mapping[str, int], counts: Mapping[str, int] | None = None) -> None:
    """Check before any work that some class gets an image.

    Args:
        real: class -> number of real training images.
        counts: class -> number of synthetic images; by default according to `settings`.

    Raises:
        InputError: if all counts are zero.
    """
    counts = class_counts(settings, real) if counts is None else counts
    if any(counts.values()):
        return
    largest = max(real[label] for label in counts)
    if settings.balance:
        subject = f"the class {quoted(counts)} is" if len(counts) == 1 else "all classes are"
        raise InputError(
            f"nothing to make: {subject} as large as the largest ({largest:,} images), so --balance adds none; "
            "give --per-class N or --ratio X instead"
        )
    if settings.ratio is not None:
        raise InputError(
            f"nothing to make: --ratio {settings.ratio:g} of at most {largest:,} real images per class rounds to none; "
            f"give a ratio of at least {1 / largest:.2g}, or --per-class N"
        )
    raise InputError("nothing to make: --per-class 0 asks for no synthetic images; give --per-class 1 or more")


def count_warnings(settings: SampleSettings, counts: Mapping[str, int]) -> list[str]:
    """Return a warning that names the classes that get no image because of `ratio`."""
    empty = [label for label, count in counts.items() if not count]
    if settings.ratio is None or not empty:
        return []
    return [f"--ratio {settings.ratio:g} rounds to no synthetic image for {quoted(empty)}"]

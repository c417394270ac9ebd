"""The uncertainty of a difference between two training methods: an interval over seeds and test images.

Classifiers of several seeds are tested on the same images, so neither scores (which share the images) nor images (which
share the classifiers) are independent: a t interval over seeds ignores other test images, and McNemar's test ignores
other seeds. This is a multi-reader multi-case study with seeds as readers and images as cases, random and crossed:

    N. A. Obuchowski, H. E. Rockette. Hypothesis testing of diagnostic accuracy for multiple readers and multiple tests.
    Communications in Statistics B 24, 1995.
    S. L. Hillis. A comparison of denominator degrees of freedom methods for multiple observer ROC studies.
    Statistics in Medicine 26, 2007.

For differences d of S seeds on N images with the mean squares MS of the two-way analysis of variance,

    var(mean d) = (MS_seed + max(MS_image - MS_residual, 0)) / (S N),
    degrees of freedom = (MS_seed + max(MS_image - MS_residual, 0))^2 / (MS_seed^2 / (S - 1)).

The training images are fixed: the interval is about other seeds and other test images.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
MIN_SEEDS = 3
"""Seeds that an interval takes. Two give one degree of freedom: the interval is often wider than all that is possible,
and where the two happen to agree, far too narrow."""
RELATIVE_TOLERANCE = 1e-9
"""Mean squares below this share of another one are zero except for rounding."""
MAX_DF = 1e6
"""Degrees of freedom from which on a t distribution is taken for the normal one."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference of fractions in [0, 1] and its 95 % interval.

    Attributes:
        mean: second minus first.
        half_width: of the interval; None with fewer seeds than `MIN_SEEDS`.
        seeds: S.
        images: N.
        seed_fraction: fraction of the variance of the mean that more seeds would remove; more test images remove the
            rest.
        df: degrees of freedom of the t distribution of the interval.
    """

    mean: float
    half_width: float | None
    seeds: int
    images: int
    seed_fraction: float
    df: float = MAX_DF
    confidence: float = CONFIDENCE

    @property
    def low(self) -> float:
        """The lower end of the interval, at least -1; -1 if there is no interval."""
        return -1.0 if self.half_width is None else max(self.mean - self.half_width, -1.0)

    @property
    def high(self) -> float:
        """The upper end of the interval, at most 1; 1 if there is no interval."""
        return 1.0 if self.half_width is None else min(self.mean + self.half_width, 1.0)

    @property
    def is_informative(self) -> bool:
        """Whether there is an interval that excludes anything; with few seeds it may contain all possible values."""
        return self.half_width is not None and self.half_width < 1

    def bonferroni(self, comparisons: int) -> Difference:
        """Return the difference with an interval widened so that this many hold jointly with a probability of 95 %."""
        confidence = 1 - (1 - CONFIDENCE) / comparisons
        if self.half_width is None:
            return dataclasses.replace(self, confidence=confidence)
        half_width = self.half_width * (_quantile(self.df, confidence) / _quantile(self.df, self.confidence))
        return dataclasses.replace(self, half_width=half_width, confidence=confidence)


def paired_difference(first_SN: NDArray[np.float64], second_SN: NDArray[np.float64]) -> Difference:
    """Return by how much the second exceeds the first in the mean over seeds and test images.

    Args:
        first_SN: contribution of each image under each seed (`contributions`).
        second_SN: the same of the other method, for the same seeds and images.

    Raises:
        ValueError: if there are fewer than two seeds or two images.
    """
    d_SN = second_SN - first_SN
    seeds, images = d_SN.shape
    if seeds < 2 or images < 2:
        raise ValueError(f"an interval needs two seeds and two test images, not {seeds} and {images}")
    mean = float(d_SN.mean())
    if seeds < MIN_SEEDS:
        return Difference(mean, None, seeds, images, 1.0)
    seed_S, image_N = d_SN.mean(axis=1) - mean, d_SN.mean(axis=0) - mean
    residual_SN = d_SN - mean - seed_S[:, None] - image_N
    by_seed = images * float(seed_S @ seed_S) / (seeds - 1)
    by_image = seeds * float(image_N @ image_N) / (images - 1)
    residual = float((residual_SN**2).sum()) / ((seeds - 1) * (images - 1))
    total = by_seed + max(by_image - residual, 0.0)
    if total <= RELATIVE_TOLERANCE * residual:
        # All seeds gain alike, which by chance they do where there are few images: not for being sure. If seeds do
        # not matter, MS_seed has the expectation of MS_residual, which is 0 only where nothing varies at all.
        half_width = _quantile((seeds - 1) * (images - 1), CONFIDENCE) * math.sqrt(residual / (seeds * images))
        return Difference(mean, half_width, seeds, images, 0.0, (seeds - 1) * (images - 1))
    # Without any difference between seeds the degrees of freedom are without bound: the normal distribution's.
    df = min((total / by_seed) ** 2 * (seeds - 1), MAX_DF) if by_seed > 0 else MAX_DF
    half_width = _quantile(df, CONFIDENCE) * math.sqrt(total / (seeds * images))
    return Difference(mean, half_width, seeds, images, by_seed / total, df)


def mean_over_seeds(values_S: NDArray[np.float64]) -> tuple[float, float | None]:
    """Return the mean over seeds and the half width of its 95 % t interval, for these test images only.

    There is no interval with fewer than `MIN_SEEDS` seeds.
    """
    seeds = len(values_S)
    if seeds < MIN_SEEDS:
        return float(values_S.mean()), None
    half_width = _quantile(seeds - 1, CONFIDENCE) * float(values_S.std(ddof=1)) / math.sqrt(seeds)
    return float(values_S.mean()), half_width


def _quantile(df: float, confidence: float) -> float:
    """Return the half width of an interval in standard errors."""
    from scipy.special import stdtrit  # type: ignore[import-untyped]  # noqa: PLC0415 (scipy ships no types; takes a while)

    return float(stdtrit(df, (1 + confidence) / 2))

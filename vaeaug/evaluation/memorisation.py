"""Whether synthetic images are copies of real training images.

    authenticity (Alaa et al. 2022, eq. 8): fraction of images farther from their nearest real training image than that
        one is from its own nearest. Copies score 0. New real images score the fraction of nearest neighbours that are
        not mutual: 1/3 on a line, 0.38 in the plane, 1/2 in many dimensions, and more if some images are the nearest of
        many. So compare the figure with that of held-out real images.
    unusually near: fraction of images nearer to a real training image than all but 1 in 20 real images of its class are
        to theirs. By chance about 1 in 20 new real images are this near. A much larger fraction, also compared with
        held-out real images, means that the model reproduces its training images.
    identical: every pixel equals that of a real training image.

Duplicated real images count once, otherwise their copies would define what is near. The filter of `augment` drops "near
copies" by a stricter criterion: a quarter of the usual distance (`vaeaug.synthesis.filters.classifier_filter`).

A sampler that changes real images slightly (`residual`, `posterior`) stays near them by design. Low authenticity then
means that little is added, and that synthetic images are no more private than their sources.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaeaug.evaluation.embedding import Embedded
from vaeaug.nn.distances import nearest, neighbour_distance
from vaeaug.seeds import seed_of

NEAR_QUANTILE = 0.05
"""Fraction of real images that are nearer to another one than what is unusually near."""

FAR_ABOVE_CHANCE = 4
"""Multiple of the fraction of held-out real images (at least `NEAR_QUANTILE`) above which it is not chance."""

MIN_CLASS_IMAGES = 20
"""Number of real images of a class below which the distances of all classes are used."""


@dataclass(frozen=True, slots=True)
class Copies:
    """How many of some images are copies.

    Attributes:
        authenticity: in [0, 1].
        unusually_near: fraction of them, in [0, 1].
    """

    images: int
    authenticity: float
    unusually_near: float
    identical: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Indices of a synthetic image and of the nearest real image.

    Attributes:
        distance: as a fraction of the distance below which it is unusually near.
    """

    synthetic: int
    real: int
    distance: float


@dataclass(frozen=True, slots=True)
class Memorisation:
    """How many synthetic images are copies of real ones.

    Attributes:
        held_out: of real images that were not trained on, if there are any: what new images score by chance.
        by_class: classes without synthetic images are missing.
        pairs: the nearest of each class first, then the second nearest of each, so that no class has them all.
        samples: class -> randomly drawn synthetic images with their nearest real image.
    """

    embedding: str
    overall: Copies
    held_out: Copies | None
    by_class: Mapping[str, Copies]
    pairs: Sequence[Pair]
    samples: Mapping[str, Sequence[Pair]]

    @property
    def far_above_chance(self) -> bool:
        """Whether far more synthetic images than new real images are unusually near to a training image."""
        by_chance = NEAR_QUANTILE if self.held_out is None else max(NEAR_QUANTILE, self.held_out.unusually_near)
        return self.overall.unusually_near > FAR_ABOVE_CHANCE * by_chance


def measure_memorisation(
    embedding: str,
    real: Embedded,
    synthetic: Embedded,
    classes: Sequence[str],
    *,
    held_out: Embedded | None = None,
    pairs: int = 12,
    samples: int = 8,
    seed: int = 0,
) -> Memorisation:
    """Look for copies of real training images among synthetic ones.

    Args:
        real: training images, at least two.
        synthetic: at least one image.
        held_out: real images that neither the model nor the embedding has seen.
        pairs: number of nearest pairs to return.
        samples: number of random pairs per class to return.
    """
    training = _TrainingImages.of(real)
    nearest_real = _search(training, synthetic)
    return Memorisation(
        embedding=embedding,
        overall=nearest_real.copies(np.ones(len(synthetic), np.bool_)),
        held_out=None
        if held_out is None or not len(held_out)
        else _search(training, held_out).copies(np.ones(len(held_out), np.bool_)),
        by_class={
            name: nearest_real.copies(synthetic.labels_N == label)
            for label, name in enumerate(classes)
            if (synthetic.labels_N == label).any()
        },
        pairs=nearest_real.pairs(synthetic.labels_N, pairs),
        samples={
            name: [nearest_real.pair(row) for row in _random_rows(synthetic.labels_N, label, samples, seed)]
            for label, name in enumerate(classes)
            if (synthetic.labels_N == label).any()
        },
    )


@dataclass(frozen=True, slots=True)
class _NearestReal:
    """Results for every image of a set.

    Attributes:
        relative_distance_M: distance to the nearest real image, as a fraction of what is near.
        authentic_M: whether it is farther from that than that is from its own nearest.
        identical_M: whether it has the pixels of a real image.
    """

    nearest_M: NDArray[np.int64]
    relative_distance_M: NDArray[np.float64]
    authentic_M: NDArray[np.bool_]
    identical_M: NDArray[np.bool_]

    def copies(self, mask_M: NDArray[np.bool_]) -> Copies:
        near_M = self.identical_M | (self.relative_distance_M < 1)
        return Copies(
            int(mask_M.sum()),
            float(self.authentic_M[mask_M].mean()),
            float(near_M[mask_M].mean()),
            int(self.identical_M[mask_M].sum()),
        )

    def pairs(self, labels_M: NDArray[np.int64], limit: int) -> list[Pair]:
        order = np.argsort(self.relative_distance_M, kind="stable")
        rank_M = np.empty(len(order), np.int64)  # its place within its class
        for label in np.unique(labels_M):
            in_class = order[labels_M[order] == label]
            rank_M[in_class] = np.arange(len(in_class))
        chosen = order[np.argsort(rank_M[order], kind="stable")][:limit]
        return [self.pair(row) for row in chosen]

    def pair(self, row: int) -> Pair:
        return Pair(int(row), int(self.nearest_M[row]), float(self.relative_distance_M[row]))


@dataclass(frozen=True, slots=True)
class _TrainingImages:
    """The distinct real images that were trained on.

    Attributes:
        near_distance_N: distance below which another image is unusually near.
        digests: hashes of the pixels.
    """

    rows_N: NDArray[np.int64]
    features_NF: NDArray[np.float32]
    own_distance_N: NDArray[np.float64]
    near_distance_N: NDArray[np.float64]
    digests: frozenset[bytes]

    @classmethod
    def of(cls, real: Embedded) -> _TrainingImages:
        row_of: dict[bytes, int] = {}
        for row, image_HWC in enumerate(real.pixels_NHWC):
            row_of.setdefault(_digest(image_HWC), row)
        rows_N = np.array(list(row_of.values()))
        features_NF = real.features_NF[rows_N]
        own_distance_N = neighbour_distance(features_NF, 1)
        return cls(rows_N, features_NF, own_distance_N, _near(own_distance_N, real.labels_N[rows_N]), frozenset(row_of))


def _search(training: _TrainingImages, images: Embedded) -> _NearestReal:
    nearest_M, distance_M = nearest(images.features_NF, training.features_NF)
    near_M = training.near_distance_N[nearest_M]
    return _NearestReal(
        nearest_M=training.rows_N[nearest_M],
        # Unlike images may have equal features: then nothing else is near, and 0 / 0 is kept away.
        relative_distance_M=distance_M / np.maximum(near_M, np.finfo(np.float32).tiny),
        authentic_M=distance_M > training.own_distance_N[nearest_M],
        identical_M=np.array([_digest(image_HWC) in training.digests for image_HWC in images.pixels_NHWC], np.bool_),
    )


def _random_rows(labels_M: NDArray[np.int64], label: int, limit: int, seed: int) -> NDArray[np.int64]:
    in_class = np.flatnonzero(labels_M == label)
    return np.sort(np.random.default_rng(seed_of(seed, "samples", label)).permutation(in_class)[:limit])


def _digest(image_HWC: NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(image_HWC.tobytes(), digest_size=16).digest()


def _near(own_distance_N: NDArray[np.float64], labels_N: NDArray[np.int64]) -> NDArray[np.float64]:
    near_distance_N = np.full(len(own_distance_N), np.quantile(own_distance_N, NEAR_QUANTILE))
    for label in np.unique(labels_N):
        in_class_N = labels_N == label
        if in_class_N.sum() >= MIN_CLASS_IMAGES:
            near_distance_N[in_class_N] = np.quantile(own_distance_N[in_class_N], NEAR_QUANTILE)
    return near_distance_N

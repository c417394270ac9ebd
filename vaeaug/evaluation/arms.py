"""The training methods that are compared: which images a classifier sees, and how they are augmented.

All take the same number of optimizer steps from the same initial weights, so they differ only in their images and, if
classes differ in size, in how the classes are balanced.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.classifier.class_weights import DEFERRED_FRACTION, ClassWeights, class_balanced_weights
from vaeaug.classifier.classical import MIXUP_ALPHA
from vaeaug.classifier.fit import ClassifierConfig, Source, fit_classifier
from vaeaug.errors import InputError, nearest
from vaeaug.evaluation.resampling import oversampled, smote
from vaeaug.training.batches import Augment

CLASSICAL = "classical augmentation"
"""Placeholder for the pipeline in `Arm.description`, until its name is known (`with_pipeline_name`)."""


class Balancing(Enum):
    """What is done about classes of different sizes without synthetic images."""

    OVERSAMPLING = auto()  # each class is seen as often as the largest
    SMOTE = auto()  # likewise, new images being set between those of small classes (Chawla et al. 2002)
    WEIGHTS = auto()  # class-balanced weights in the cross-entropy (Cui et al. 2019)
    DEFERRED_WEIGHTS = auto()  # the same from `DEFERRED_FRACTION` of the steps on (Cao et al. 2019)


@dataclass(frozen=True, slots=True)
class Arm:
    """One training method.

    Attributes:
        description: the name in a sentence, "the synthetic images add ... over DESCRIPTION".
        classical: whether its images have the classical augmentation (`ClassicalPipeline`).
        mixup: whether images are mixed in pairs (Zhang et al. 2018).
        balancing: how classes of different sizes are balanced; None for not at all.
    """

    name: str
    description: str
    real: bool = True
    synthetic: bool = False
    classical: bool = False
    mixup: bool = False
    balancing: Balancing | None = None


def _balanced(name: str, method: str, balancing: Balancing) -> Arm:
    return Arm(name, f"{method} with {CLASSICAL}", classical=True, balancing=balancing)


ARMS = {
    arm.name: arm
    for arm in (
        Arm("real", "the real images"),
        Arm("classical", CLASSICAL, classical=True),
        Arm("mixup", "mixup", mixup=True),
        _balanced("oversampled", "oversampling", Balancing.OVERSAMPLING),
        _balanced("smote", "SMOTE", Balancing.SMOTE),
        _balanced("weighted", "class weights", Balancing.WEIGHTS),
        _balanced("deferred", "deferred class weights", Balancing.DEFERRED_WEIGHTS),
        Arm("synthetic", "real and synthetic images", synthetic=True),
        Arm("classical+synthetic", f"{CLASSICAL} and synthetic images", classical=True, synthetic=True),
        # The classification accuracy score (Ravuri & Vinyals 2019): what the synthetic images alone teach.
        Arm("synthetic-only", "the synthetic images alone", real=False, synthetic=True),
    )
}

WITH_AND_WITHOUT = (("classical+synthetic", "classical"), ("synthetic", "real"))
"""Which arms are compared for the verdict: the first pair of which both were trained."""


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """Images, uint8, and their class indices; or features of images, float32 (N, V, D)."""

    pixels_NHWC: NDArray[Any]
    labels_N: NDArray[np.int64]


def parse_arms(text: str) -> tuple[Arm, ...]:
    """Return the arms named in a comma-separated list, in the order of `ARMS`.

    Raises:
        InputError: if an arm does not exist, or if no pair of `WITH_AND_WITHOUT` is complete.
    """
    names = {name.strip() for name in text.split(",") if name.strip()}
    for name in sorted(names - ARMS.keys()):
        raise InputError(f"there is no arm {name!r}; {nearest(name, ARMS)}")
    if compared_arms(names) is None:
        pairs = " or ".join(" and ".join(pair) for pair in WITH_AND_WITHOUT)
        raise InputError(f"--arms must contain {pairs}, to compare with and without synthetic images")
    return tuple(arm for name, arm in ARMS.items() if name in names)


def compared_arms(names: Iterable[str]) -> tuple[Arm, Arm] | None:
    """Return the (with, without) pair of arms that the verdict compares, or None."""
    available = set(names)
    pair = next((pair for pair in WITH_AND_WITHOUT if available.issuperset(pair)), None)
    return None if pair is None else (ARMS[pair[0]], ARMS[pair[1]])


def baselines(names: Iterable[str]) -> tuple[Arm, ...]:
    """Return the arms that the arm with synthetic images must beat, the one of `compared_arms` first.

    The arms that balance classes use classical augmentation, so they are baselines for classical augmentation with
    synthetic images. For synthetic images without classical augmentation the only fair baseline is `real`.
    """
    pair = compared_arms(names)
    if pair is None:
        return ()
    with_synthetic, without = pair
    available = set(names)
    balanced = [arm for name, arm in ARMS.items() if name in available and arm.balancing]
    return (without, *(arm for arm in balanced if arm.classical == with_synthetic.classical))


def with_pipeline_name(arm: Arm, pipeline: str) -> Arm:
    """Return the arm with `pipeline` (such as "TrivialAugment + mixup") in place of `CLASSICAL` in its description."""
    return dataclasses.replace(arm, description=arm.description.replace(CLASSICAL, pipeline))


class Trained(Protocol):
    """A trained classifier."""

    def probabilities(self, images_N: NDArray[Any], /) -> NDArray[np.float32]:
        """Return p(class | image), (N, K)."""


Fit = Callable[..., Trained]
"""Trains a classifier, with the arguments of `fit_classifier`."""


def train_arm(
    arm: Arm,
    real: LabelledImages,
    synthetic: LabelledImages,
    classes: int,
    *,
    seed: int,
    config: ClassifierConfig,
    augment: Augment,
    mixup: bool = False,
    synthetic_fraction: float | None = None,
    fit: Fit = fit_classifier,
    device: torch.device | None = None,
    report: Callable[[float], None] = lambda _: None,
) -> Trained:
    """Train a classifier with one of the methods.

    Args:
        classes: K.
        seed: of everything; arms with the same seed begin with the same weights.
        synthetic_fraction: of synthetic images in a batch of real and synthetic ones; by default their fraction of all
            images.
        fit: trains the classifier.
        device: the CPU if None.
        report: called with the fraction of the steps that are done.
    """
    use_mixup = arm.mixup or (arm.classical and mixup)
    return fit(
        _sources(arm, real, synthetic, synthetic_fraction, seed),
        classes,
        seed=seed,
        config=dataclasses.replace(config, mixup=MIXUP_ALPHA if use_mixup else 0.0),
        augment=augment if arm.classical else None,
        weights=_weights(arm, real.labels_N, classes),
        device=device,
        report=report,
    )


def _weights(arm: Arm, labels_N: NDArray[np.int64], classes: int) -> ClassWeights | None:
    if arm.balancing not in (Balancing.WEIGHTS, Balancing.DEFERRED_WEIGHTS):
        return None
    weights_K = class_balanced_weights(np.bincount(labels_N, minlength=classes))
    return ClassWeights(weights_K, start=DEFERRED_FRACTION if arm.balancing is Balancing.DEFERRED_WEIGHTS else 0.0)


def _sources(
    arm: Arm, real: LabelledImages, synthetic: LabelledImages, synthetic_fraction: float | None, seed: int
) -> Sequence[Source]:
    if arm.balancing is Balancing.OVERSAMPLING:
        rows = oversampled(real.labels_N)
        real = LabelledImages(real.pixels_NHWC[rows], real.labels_N[rows])
    elif arm.balancing is Balancing.SMOTE:
        real = LabelledImages(*smote(real.pixels_NHWC, real.labels_N, seed))
    parts = [real] * arm.real + [synthetic] * arm.synthetic
    if len(parts) == 2 and synthetic_fraction is not None:
        shares = (1 - synthetic_fraction, synthetic_fraction)
        return [Source(part.pixels_NHWC, part.labels_N, fraction) for part, fraction in zip(parts, shares, strict=True)]
    return [
        Source(
            np.concatenate([part.pixels_NHWC for part in parts]),
            np.concatenate([part.labels_N for part in parts]),
        )
    ]

"""Classical augmentation pipelines: cheap alternatives that synthetic images have to beat."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.augment import classical_pipeline
from vaeaug.errors import InputError, nearest
from vaeaug.training.batches import Augment

MIXUP_ALPHA = 0.4
"""Alpha of mixup; Zhang et al. (2018) found 0.1 to 0.4 best where little is to be gained, and 1 on CIFAR-10."""

MILD_STRENGTH, FULL_STRENGTH = 0.5, 1.0
"""Strengths of the crop and affine policies (`vaeaug.dataset.augment.classical_pipeline`)."""

POLICIES = {
    "mild": "mild crop and affine",
    "full": "full crop and affine",
    "trivialaugment": "TrivialAugment",
    "randaugment": "RandAugment",
}
"""Policy -> its name in a sentence. The latter two change colours, so they are no candidates for indexed images."""

_ADDITIONS = ("erasing", "mixup")


@dataclass(frozen=True, slots=True)
class ClassicalPipeline:
    """A classical augmentation pipeline.

    Attributes:
        policy: a key of `POLICIES`.
        flip: whether half of the images are mirrored, which is wrong for letters and digits.
        erasing: whether a rectangle of half of the images is erased (Zhong et al. 2020).
        mixup: whether images are mixed in pairs (Zhang et al. 2018).
    """

    policy: str = "mild"
    flip: bool = False
    erasing: bool = False
    mixup: bool = False

    @property
    def name(self) -> str:
        """The pipeline on the command line, without the flip: `trivialaugment+erasing`."""
        return "+".join([self.policy, *(name for name in _ADDITIONS if getattr(self, name))])

    @property
    def description(self) -> str:
        """The pipeline in a sentence: "TrivialAugment + flip + mixup"."""
        additions = {"flip": self.flip, "random erasing": self.erasing, "mixup": self.mixup}
        return " + ".join([POLICIES[self.policy], *(description for description, used in additions.items() if used)])

    def build(self, pixels_NHWC: NDArray[np.uint8], *, indexed: bool = False) -> Augment:
        """Return the augmentation of a batch, without mixup, which is part of the training (`ClassifierConfig.mixup`).

        Args:
            pixels_NHWC: the real training images, uint8, C = 1 or 3. Their mean colour fills erased rectangles, and the
                median colour of their borders fills the gaps of moved and rotated images.
            indexed: whether the colours are indices into a palette: brightness is kept and no colours are mixed.
        """
        _, height, width, channels = pixels_NHWC.shape
        steps: list[Augment] = []
        if self.policy in ("mild", "full"):
            strength = MILD_STRENGTH if self.policy == "mild" else FULL_STRENGTH
            steps.append(
                classical_pipeline(height, width, channels, flip=self.flip, strength=strength, indexed=indexed)
            )
        # torchvision takes a second to import, and the crop and affine policies do without it.
        if self.erasing or not steps:
            from vaeaug.dataset import policies  # noqa: PLC0415

            transforms = []
            if not steps:
                chosen = policies.trivial_augment if self.policy == "trivialaugment" else policies.rand_augment
                transforms.append(policies.crop(height, width))
                transforms += [policies.flip()] * self.flip
                transforms.append(chosen(_border_colour(pixels_NHWC)))
            if self.erasing:
                transforms.append(policies.erasing(_mean_colour(pixels_NHWC)))
            steps.append(policies.PerImage(transforms))
        return steps[0] if len(steps) == 1 else _Chain(steps)


class _Chain:
    """Several augmentations in sequence, with the same seeds."""

    def __init__(self, steps: Sequence[Augment]) -> None:
        self._steps = steps

    def __call__(self, pixels_BHWC: NDArray[np.uint8], seeds: Sequence[int]) -> NDArray[np.uint8]:
        for step in self._steps:
            pixels_BHWC = step(pixels_BHWC, seeds)
        return pixels_BHWC


def parse_pipeline(text: str) -> ClassicalPipeline:
    """Return the pipeline with a name such as `trivialaugment+erasing+mixup`, without a flip.

    Raises:
        InputError: if there is no such policy or addition.
    """
    policy, *additions = text.split("+")
    if policy not in POLICIES:
        raise InputError(f"there is no classical augmentation {policy!r}; {nearest(policy, POLICIES)}")
    for addition in additions:
        if addition == "flip":
            raise InputError(f"flips have their own option; use --classical {policy} --flip yes")
        if addition not in _ADDITIONS:
            raise InputError(f"{addition!r} cannot be added to {policy}; {nearest(addition, _ADDITIONS)}")
    return ClassicalPipeline(policy, **dict.fromkeys(additions, True))


def base_pipelines(flips: Sequence[bool], *, indexed: bool) -> list[ClassicalPipeline]:
    """Return every policy with each flip, the mildest first; if `indexed`, without policies that change colours."""
    policies = list(POLICIES)[:2] if indexed else list(POLICIES)
    return [ClassicalPipeline(policy, flip) for policy in policies for flip in flips]


def with_additions(pipeline: ClassicalPipeline) -> list[ClassicalPipeline]:
    """Return the pipeline with random erasing, with mixup, and with both."""
    pairs = ((True, False), (False, True), (True, True))
    return [dataclasses.replace(pipeline, erasing=erasing, mixup=mixup) for erasing, mixup in pairs]


def _mean_colour(pixels_NHWC: NDArray[np.uint8]) -> list[int]:
    return [round(float(value)) for value in pixels_NHWC.mean(axis=(0, 1, 2))]


def _border_colour(pixels_NHWC: NDArray[np.uint8]) -> list[int]:
    sides = (pixels_NHWC[:, 0], pixels_NHWC[:, -1], pixels_NHWC[:, :, 0], pixels_NHWC[:, :, -1])
    return [int(value) for value in np.median(np.concatenate(sides, axis=1), axis=(0, 1))]

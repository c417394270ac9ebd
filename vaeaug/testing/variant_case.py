"""What the checks of a variant share: building it, and its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from torch import Tensor

from vaeaug.contracts import ImageSpec, ReconstructionLoss, Term, TrainingSet, Variant
from vaeaug.testing.cases import build, global_randomness_untouched, images, perturbed

BATCH = 6


@dataclass(frozen=True)
class VariantCase:
    """A variant, the images that it is checked on, and the loss that it is checked with."""

    cls: type[Variant]
    image: ImageSpec
    options: dict[str, Any]
    loss: type[ReconstructionLoss]
    loss_options: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The variant and the images, for messages."""
        return f"{self.cls.name} on {self.image.channels}x{self.image.height}x{self.image.width}"

    @cached_property
    def spec(self) -> ImageSpec:
        """The images, with the raw channels that the loss chooses."""
        return replace(self.image, raw_channels=self.reconstruction().raw_channels(self.image.channels))

    def reconstruction(self) -> ReconstructionLoss:
        """Build the loss, in eval mode."""
        return build(self.loss, self.image, self.loss_options).eval()

    def build(self, seed: int = 0) -> Variant:
        """Build the variant, in eval mode."""
        return build(self.cls, self.spec, self.options, seed).eval()

    def training_started(self) -> Variant:
        """Build the variant and begin a training."""
        model = self.build()
        assert all(isinstance(term, Term) for term in model.terms.values()), (
            f"{self.name}: terms must map names to vaeaug.Term, also if it is set in __init__"
        )
        with global_randomness_untouched(f"{self.name}: begin_training()"):
            model.begin_training(TrainingSet(self.batch(8 * BATCH)[1]))
        return model

    def perturbed(self) -> Variant:
        """Build the variant, begin a training, and move every parameter a little."""
        return perturbed(self.training_started())

    def batch(self, count: int = BATCH, seed: int = 1) -> tuple[Tensor, Tensor]:
        """Return images (B, C, H, W) in [0, 1] and their labels (B,)."""
        return images(self.image, count, seed)

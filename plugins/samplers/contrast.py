"""Add a random contrast of other images of the class to real ones, without a model.

    x' = x + s sum_j w_j x_j        w = (v - mean v) / sqrt(K - 1), v from N(0, I)

The weights sum to 0, so the covariance over all choices of images is s^2 times that of the pixels of the class. This is
what `residual` does where the decoder adds nothing (docs/benchmarks.md), and a control for samplers that need training.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from vaeaug import Detail, Draw, Latent, Sampler, hookimpl, option
from vaeaug.contracts import tree_map
from vaeaug.nn import random_contrasts


class ContrastSampler(Sampler):
    """Varies real images along the covariance of their pixels. Sample i is made from training image i mod N."""

    name = "contrast"
    reference = "docs/benchmarks.md; cf. Chawla et al., SMOTE, JAIR 2002"
    edits = True
    trains = False
    strength_option = "strength"

    @dataclass(frozen=True)
    class Config:
        """How many images are added, how strongly, and what is kept of the image."""

        others: int = option(
            4, "Number of other images of the class that are added, with weights that sum to 0.", minimum=2, maximum=100
        )
        strength: float = option(0.5, "Size of the changes, in standard deviations of the class.", minimum=0, maximum=3)
        clean: bool = option(
            True,
            "Add nothing where the class's pixels do not vary, keep a background of one colour clean, and move "
            "near-binary images instead of adding to them.",
        )

    config: Config

    @classmethod
    def limits_changes(cls, config: Config) -> bool:
        """Return whether clean backgrounds and silhouettes stay clean."""
        return config.clean

    @classmethod
    def shares_detail_of(cls, config: Config) -> int:
        """Return how many `others` there are."""
        return config.others

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        """Draw contrasts for the training images `start` ... modulo their number."""
        images = len(self.latents.labels_N)
        sources_BK, weights_BK = random_contrasts(count, images, self.config.others, generator)
        contrast = Detail(sources_BK, self.config.strength * weights_BK, whole=True)
        chosen_B = torch.arange(start, start + count) % images
        latent: Latent = tree_map(lambda leaf: leaf[chosen_B], self.latents.latent)
        return Draw(latent, tuple(chosen_B.tolist()), latent, detail=contrast)


@hookimpl
def vaeaug_samplers() -> Iterable[type[Sampler]]:
    """Bring the sampler `contrast`."""
    return [ContrastSampler]

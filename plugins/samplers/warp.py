"""Deform real images by deformations learned from pairs of images of their class: x' = exp(g) x(p + u(p)).

The field u and the gain g are drawn by a variant of deformations (`Variant.deform`, the variant `warp`) for the latent
of the image. The file is deformed at its own size, so its fine detail is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from vaeaug import Deformation, Draw, Latent, Sampler, hookimpl, option
from vaeaug.contracts import tree_map

TINY = 1e-12


class WarpSampler(Sampler):
    """Deforms real images by learned fields. Sample i is made from training image i mod N."""

    name = "warp"
    reference = "Hauberg et al., Dreaming More Data, AISTATS 2016, arXiv:1510.02795"
    edits = True
    deforms = True
    strength_option = "strength"

    @dataclass(frozen=True)
    class Config:
        """How far images are deformed, and what is kept of them."""

        strength: float = option(
            1.0,
            "Maximum factor of a learned deformation; each image has a random factor below it.",
            minimum=0,
            maximum=3,
        )
        reach: float = option(
            0.15,
            "Longest displacement, as a fraction of the shorter side; longer deformations are reduced as a whole.",
            minimum=0,
            maximum=1,
        )
        clean: bool = option(True, "Keep near-binary images as sharp as they were.")

    config: Config

    @classmethod
    def limits_changes(cls, config: Config) -> bool:
        """Return whether near-binary images stay so."""
        return config.clean

    def draw(self, start: int, count: int, generator: torch.Generator) -> Draw:
        """Draw deformations of the training images `start` ... modulo their number."""
        chosen_B = torch.arange(start, start + count) % len(self.latents.labels_N)
        latent: Latent = tree_map(lambda leaf: leaf[chosen_B], self.latents.latent)
        y_B = torch.full((count,), self.label, device=self.device)
        strength_B = self.config.strength * torch.rand(count, generator=generator, device=generator.device)
        on_device: Latent = tree_map(lambda leaf: leaf.to(self.device), latent)
        deformation = self.variant.deform(on_device, y_B, strength_B.to(self.device), generator)
        spec = self.variant.spec
        displacement_B2HW = _reduced(deformation.displacement_B2HW, self.config.reach, spec.height, spec.width)
        deformation = Deformation(displacement_B2HW, deformation.log_gain_BHW)
        return Draw(latent, tuple(chosen_B.tolist()), latent, deformation=deformation)


def _reduced(displacement_B2HW: Tensor, reach: float, height: int, width: int) -> Tensor:
    """Return the displacements of each image scaled so that none is longer than `reach` times the shorter side."""
    sides_211 = torch.tensor([width, height], device=displacement_B2HW.device)[:, None, None] / min(height, width)
    longest_B111 = (
        (displacement_B2HW * sides_211).square().sum(dim=1, keepdim=True).amax(dim=(2, 3), keepdim=True).sqrt()
    )
    return displacement_B2HW * (reach / longest_B111.clamp(min=max(reach, TINY)))


@hookimpl
def vaeaug_samplers() -> Iterable[type[Sampler]]:
    """Bring the sampler `warp`."""
    return [WarpSampler]

"""Samplers: where the latents of new images come from, one file each."""

from vaeaug.synthesis.samplers.base import Sampler
from vaeaug.synthesis.samplers.interpolate import InterpolateSampler
from vaeaug.synthesis.samplers.mixture import MixtureSampler
from vaeaug.synthesis.samplers.posterior import PosteriorSampler
from vaeaug.synthesis.samplers.prior import PriorSampler
from vaeaug.synthesis.samplers.residual import ResidualSampler

SAMPLERS: dict[str, type[Sampler]] = {
    sampler.name: sampler
    for sampler in (PriorSampler, MixtureSampler, PosteriorSampler, InterpolateSampler, ResidualSampler)
}

__all__ = [
    "SAMPLERS",
    "InterpolateSampler",
    "MixtureSampler",
    "PosteriorSampler",
    "PriorSampler",
    "ResidualSampler",
    "Sampler",
]

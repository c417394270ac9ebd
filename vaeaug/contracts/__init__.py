"""What a plugin implements and what the host promises it. See `docs/writing-a-plugin.md`."""

from vaeaug.contracts.gaussian import GaussianVariant
from vaeaug.contracts.latent import Latent, flatten, leaves, tree_map, unflatten
from vaeaug.contracts.loss import ReconstructionLoss
from vaeaug.contracts.sampler import Detail, Draw, Sampler, SamplingCase
from vaeaug.contracts.spec import Encoded, ImageSpec, ImageStatistics, Latents
from vaeaug.contracts.variant import Variant
from vaeaug.options import option, parse_options
from vaeaug.seeds import seed_of

__all__ = [
    "Detail",
    "Draw",
    "Encoded",
    "GaussianVariant",
    "ImageSpec",
    "ImageStatistics",
    "Latent",
    "Latents",
    "ReconstructionLoss",
    "Sampler",
    "SamplingCase",
    "Variant",
    "flatten",
    "leaves",
    "option",
    "parse_options",
    "seed_of",
    "tree_map",
    "unflatten",
]

"""What a plugin implements and what the host promises it. See `docs/writing-a-plugin.md`."""

from vaeaug.contracts.deformation import Deformation
from vaeaug.contracts.gaussian import GaussianVariant
from vaeaug.contracts.latent import Latent, flatten, leaves, tree_map, unflatten
from vaeaug.contracts.loss import ReconstructionLoss
from vaeaug.contracts.sampler import Detail, Draw, Sampler, SamplingCase
from vaeaug.contracts.spec import Encoded, ImageSpec, ImageStatistics, Latents, TrainingSet
from vaeaug.contracts.terms import Term, annealed_names, kl_of, shape_fault, term_of
from vaeaug.contracts.variant import Variant
from vaeaug.options import option, parse_options
from vaeaug.seeds import seed_of

__all__ = [
    "Deformation",
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
    "Term",
    "TrainingSet",
    "Variant",
    "annealed_names",
    "flatten",
    "kl_of",
    "leaves",
    "option",
    "parse_options",
    "seed_of",
    "shape_fault",
    "term_of",
    "tree_map",
    "unflatten",
]

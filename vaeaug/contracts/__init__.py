"""What a plugin implements and what the host promises it. See `docs/writing-a-plugin.md`."""

from vaeaug.contracts.gaussian import GaussianVariant
from vaeaug.contracts.latent import Latent, leaves, tree_map
from vaeaug.contracts.loss import ReconstructionLoss
from vaeaug.contracts.spec import Encoded, ImageSpec, ImageStatistics, Latents
from vaeaug.contracts.variant import Variant
from vaeaug.options import option, parse_options

__all__ = [
    "Encoded",
    "GaussianVariant",
    "ImageSpec",
    "ImageStatistics",
    "Latent",
    "Latents",
    "ReconstructionLoss",
    "Variant",
    "leaves",
    "option",
    "parse_options",
    "tree_map",
]

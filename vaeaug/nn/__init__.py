"""Building blocks shared by plugins, fast on a CPU. They do not depend on the host."""

from vaeaug.nn.class_prior import ClassPrior
from vaeaug.nn.code_fitting import fit_code_prior
from vaeaug.nn.code_prior import CodePrior
from vaeaug.nn.contrast import random_contrasts
from vaeaug.nn.conv_decoder import ConvDecoder
from vaeaug.nn.deformation import VelocityDecoder, deformed, integrated, resized_field
from vaeaug.nn.diff_augment import Augmentation
from vaeaug.nn.discriminator import Discriminator
from vaeaug.nn.gaussian import kl_gaussians, kl_standard_normal, log_normal, reparameterize, standard_normal
from vaeaug.nn.grids import GridDecoder, GridEncoder, grid_patch
from vaeaug.nn.ladder import LadderDecoder, LadderEncoder, PerCell
from vaeaug.nn.neighbours import nearest_neighbours
from vaeaug.nn.networks import Decoder, Encoder
from vaeaug.nn.pretrained import PretrainedFeatures, pretrained_features
from vaeaug.nn.pretrained_vectors import PretrainedVectors, pretrained_vectors
from vaeaug.nn.quantizers import CosineCodebook, FiniteScalarQuantizer, Quantizer
from vaeaug.nn.running_error import RunningError

__all__ = [
    "Augmentation",
    "ClassPrior",
    "CodePrior",
    "ConvDecoder",
    "CosineCodebook",
    "Decoder",
    "Discriminator",
    "Encoder",
    "FiniteScalarQuantizer",
    "GridDecoder",
    "GridEncoder",
    "LadderDecoder",
    "LadderEncoder",
    "PerCell",
    "PretrainedFeatures",
    "PretrainedVectors",
    "Quantizer",
    "RunningError",
    "VelocityDecoder",
    "deformed",
    "fit_code_prior",
    "grid_patch",
    "integrated",
    "kl_gaussians",
    "kl_standard_normal",
    "log_normal",
    "nearest_neighbours",
    "pretrained_features",
    "pretrained_vectors",
    "random_contrasts",
    "reparameterize",
    "resized_field",
    "standard_normal",
]

"""Building blocks shared by plugins, fast on a CPU. They know tensors and numbers, nothing of the host."""

from vaeaug.nn.class_prior import ClassPrior
from vaeaug.nn.gaussian import kl_gaussians, kl_standard_normal, log_normal, reparameterize, standard_normal
from vaeaug.nn.networks import Decoder, Encoder

__all__ = [
    "ClassPrior",
    "Decoder",
    "Encoder",
    "kl_gaussians",
    "kl_standard_normal",
    "log_normal",
    "reparameterize",
    "standard_normal",
]

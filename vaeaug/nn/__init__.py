"""Building blocks shared by plugins, fast on a CPU. They know tensors and numbers, nothing of the host."""

from vaeaug.nn.class_prior import ClassPrior
from vaeaug.nn.conv_decoder import ConvDecoder
from vaeaug.nn.diff_augment import Augmentation
from vaeaug.nn.discriminator import Discriminator
from vaeaug.nn.gaussian import kl_gaussians, kl_standard_normal, log_normal, reparameterize, standard_normal
from vaeaug.nn.networks import Decoder, Encoder
from vaeaug.nn.pretrained import PretrainedFeatures, pretrained_features
from vaeaug.nn.running_error import RunningError

__all__ = [
    "Augmentation",
    "ClassPrior",
    "ConvDecoder",
    "Decoder",
    "Discriminator",
    "Encoder",
    "PretrainedFeatures",
    "RunningError",
    "kl_gaussians",
    "kl_standard_normal",
    "log_normal",
    "pretrained_features",
    "reparameterize",
    "standard_normal",
]

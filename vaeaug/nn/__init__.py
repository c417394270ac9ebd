"""Building blocks shared by plugins, fast on a CPU. They know tensors and numbers, nothing of the host."""

from vaeaug.nn.gaussian import kl_gaussians, kl_standard_normal, reparameterize, standard_normal
from vaeaug.nn.networks import Decoder, Encoder

__all__ = ["Decoder", "Encoder", "kl_gaussians", "kl_standard_normal", "reparameterize", "standard_normal"]

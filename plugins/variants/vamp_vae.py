"""A VAE with a VampPrior: a mixture of the posteriors of pseudo-inputs (Tomczak & Welling 2018, arXiv:1705.07120).

Objective, per image:  -log p(x|z, y) + log q(z|x, y) - log p(z|y),  z ~ q(z|x, y),
                       p(z|y) = 1/K sum_k q(z|u_k, y),  with K pseudo-inputs u_k for the class y.

The best prior is the mixture of all training images' posteriors (eq. 8); a few learned images stand in for them.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from vaeaug import Encoded, GaussianVariant, ImageSpec, Latent, ReconstructionLoss, Variant, hookimpl, option
from vaeaug.nn import log_normal, reparameterize


class VampVAE(GaussianVariant):
    """A conditional VAE with a prior per class that is a mixture of posteriors, so samples are close to them."""

    name = "vamp-vae"
    conditional = True
    preferred_scope = "shared"  # every network holds the pseudo-inputs of all classes
    reference = "Tomczak & Welling, VAE with a VampPrior, AISTATS 2018, arXiv:1705.07120"
    small_options: ClassVar = {**GaussianVariant.small_options, "pseudo_inputs": 3}
    started_Y: Tensor

    @dataclass(frozen=True)
    class Config(GaussianVariant.Config):
        """The Gaussian options and the number of pseudo-inputs."""

        pseudo_inputs: int = option(20, "Pseudo-inputs per class, K.", minimum=1, maximum=1000)

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        shape = (spec.num_classes, config.pseudo_inputs, spec.channels, spec.height, spec.width)
        self.pseudo_YKCHW = nn.Parameter(0.5 + 0.1 * torch.randn(shape))
        self.register_buffer("started_Y", torch.zeros(spec.num_classes, dtype=torch.int64))

    def components(self, y_M: Tensor) -> tuple[Tensor, Tensor]:
        """Return the means and log-variances of the prior's components for classes y, each (M, K, D)."""
        count = self.config.pseudo_inputs
        u_NCHW = self.pseudo_YKCHW[y_M].flatten(0, 1).clamp(0, 1)  # the paper's hard tanh
        mean_ND, logvar_ND = self.posterior(u_NCHW, y_M.repeat_interleave(count))
        return mean_ND.view(len(y_M), count, -1), logvar_ND.view(len(y_M), count, -1)

    def log_prior(self, z_BD: Tensor, y_B: Tensor) -> Tensor:
        """Return log p(z|y) in nats, shape (B,)."""
        classes_M, class_B = y_B.unique(return_inverse=True)
        mean_MKD, logvar_MKD = self.components(classes_M)
        count = self.config.pseudo_inputs
        log_BK = log_normal(
            z_BD.repeat_interleave(count, dim=0), mean_MKD[class_B].flatten(0, 1), logvar_MKD[class_B].flatten(0, 1)
        ).view(-1, count)
        return log_BK.logsumexp(dim=1) - math.log(count)

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        """Encode images. The penalty `kl` is that of the one draw: a mixture's KL has no closed form (eq. 3)."""
        mean_BD, logvar_BD = self.posterior(x_BCHW, y_B)
        z_BD = mean_BD if generator is None else reparameterize(mean_BD, logvar_BD, generator)
        ratio_B = log_normal(z_BD, mean_BD, logvar_BD) - self.log_prior(z_BD, y_B)
        return Encoded(
            latent=z_BD,
            features_BD=mean_BD,
            penalties={"kl": ratio_B},
            scale=(0.5 * logvar_BD).exp(),
            log_ratio=ratio_B,
        )

    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        """Draw a pseudo-input of each class, and a latent from its posterior, shape (B, D)."""
        classes_M, class_B = y_B.unique(return_inverse=True)
        mean_MKD, logvar_MKD = self.components(classes_M)
        device = generator.device
        chosen_B = torch.randint(self.config.pseudo_inputs, y_B.shape, generator=generator, device=device).to(y_B)
        return reparameterize(mean_MKD[class_B, chosen_B], logvar_MKD[class_B, chosen_B], generator)

    def losses(
        self, x_BCHW: Tensor, y_B: Tensor, reconstruction: ReconstructionLoss, generator: torch.Generator | None = None
    ) -> dict[str, dict[str, Tensor]]:
        """Return the negative ELBO, after the first training images have become the pseudo-inputs."""
        if self.training:
            self._start(x_BCHW, y_B)
        return super().losses(x_BCHW, y_B, reconstruction, generator)

    @torch.no_grad()
    def _start(self, x_BCHW: Tensor, y_B: Tensor) -> None:
        """Put the first images of each class in place of the noise that its pseudo-inputs begin as."""
        count = self.config.pseudo_inputs
        if int(self.started_Y.min()) == count:
            return
        for label in sorted(set(y_B.tolist())):
            images_NCHW = x_BCHW[y_B == label]
            begin = int(self.started_Y[label])
            end = min(count, begin + len(images_NCHW))
            self.pseudo_YKCHW[label, begin:end] = images_NCHW[: end - begin]
            self.started_Y[label] = end


@hookimpl
def vaeaug_variants() -> Iterable[type[Variant]]:
    """Bring the VAE with a VampPrior."""
    return [VampVAE]

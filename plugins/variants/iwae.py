"""The importance weighted autoencoder (Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519).

Objective, per image:  -log 1/K sum_k w_k,  w_k = p(x, z_k) / q(z_k|x),  z_k ~ q(z|x)  independently.

With K = 1 it is the VAE; with more draws the bound is tighter, and the true posterior need not be a Gaussian.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vaeaug import GaussianVariant, ReconstructionLoss, Variant, hookimpl, option
from vaeaug.nn import log_normal, reparameterize


class IWAE(GaussianVariant):
    """A VAE trained on the importance-weighted bound of several draws per image."""

    name = "iwae"
    reference = "Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, ICLR 2016, arXiv:1509.00519"
    small_options: ClassVar = {**GaussianVariant.small_options, "samples": 2}

    @dataclass(frozen=True)
    class Config(GaussianVariant.Config):
        """The Gaussian options and the number of draws."""

        samples: int = option(10, "Draws per image, K; training takes nearly K times as long.", minimum=1, maximum=1000)

    config: Config

    def losses(
        self, x_BCHW: Tensor, y_B: Tensor, reconstruction: ReconstructionLoss, generator: torch.Generator | None = None
    ) -> dict[str, dict[str, Tensor]]:
        """Return the bound (eq. 8) in two terms that add up to it, so that its KL part can be annealed.

        With the normalized weights v_k = w_k / sum w (constants: their own gradient is zero in the sum), they are

            reconstruction = -sum v_k log p(x|z_k)
            kl             =  sum v_k (log q(z_k|x) - log p(z_k)) + sum v_k log(K v_k)

        Without a generator the only draw is the posterior's mode.
        """
        draws = 1 if generator is None else self.config.samples
        x_MCHW, y_M = x_BCHW.repeat_interleave(draws, dim=0), y_B.repeat_interleave(draws)
        mean_MD, logvar_MD = (moment.repeat_interleave(draws, dim=0) for moment in self.posterior(x_BCHW, y_B))
        z_MD = mean_MD if generator is None else reparameterize(mean_MD, logvar_MD, generator)
        ratio_M = log_normal(z_MD, mean_MD, logvar_MD) - log_normal(z_MD, *self.prior_moments(y_M))
        ratio_BK = ratio_M.view(-1, draws)
        error_BK = reconstruction(self.decode(z_MD, y_M), x_MCHW).view(-1, draws)
        log_v_BK = (-error_BK - ratio_BK).detach().log_softmax(dim=1)
        v_BK = log_v_BK.exp()
        return {
            "model": {
                "reconstruction": (v_BK * error_BK).sum(dim=1),
                "kl": (v_BK * (ratio_BK + log_v_BK + math.log(draws))).sum(dim=1),
            }
        }


@hookimpl
def vaeaug_variants() -> Iterable[type[Variant]]:
    """Bring the IWAE."""
    return [IWAE]

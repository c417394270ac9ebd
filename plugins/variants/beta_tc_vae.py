"""The beta-TC-VAE (Chen, Li, Grosse & Duvenaud 2018, arXiv:1802.04942).

Objective (eq. 4), with the aggregate posterior q(z) = 1/N sum_n q(z|x_n) of the N training images, z ~ q(z|x_n):

    -log p(x_n|z) + alpha I(z; n) + beta KL(q(z) || prod_j q(z_j)) + gamma sum_j KL(q(z_j) || p(z_j))

The parts of the KL are the index-code mutual information, the total correlation and the dimension-wise KL. With all
weights 1 they add up to the mean of KL(q(z|x_n) || p(z)) (eq. 2), and the objective is that of the VAE.

q(z) and q(z_j) are estimated from a batch of B images by minibatch stratified sampling (appendix C): the image that z
was drawn for has weight 1/N, and the others share the rest equally (the average of the paper's weights over the order
of the batch). The estimate of q(z) is unbiased, that of its logarithm is not: with many latent dimensions and small
batches the total correlation is overestimated, so compare values at the same batch size only.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from vaeaug import GaussianVariant, ImageSpec, ReconstructionLoss, Term, TrainingSet, Variant, hookimpl, option
from vaeaug.nn import log_normal, reparameterize

OVER_BATCH = Term(annealed=True, over_batch=True)


class BetaTCVAE(GaussianVariant):
    """A VAE with its KL split into three terms, so that the total correlation of the latents has its own weight."""

    name = "beta-tc-vae"
    reference = (
        "Chen, Li, Grosse & Duvenaud, Isolating Sources of Disentanglement in Variational Autoencoders, NeurIPS 2018, "
        "arXiv:1802.04942"
    )
    num_images: Tensor

    @dataclass(frozen=True)
    class Config(GaussianVariant.Config):
        """The Gaussian options and the weights of the three parts of the KL."""

        alpha: float = option(1.0, "Weight of the mutual information of image and latent.", minimum=0)
        beta: float = option(4.0, "Weight of the total correlation of the latent dimensions.", minimum=0)
        gamma: float = option(1.0, "Weight of the KL of each latent dimension from the prior.", minimum=0)

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.terms = dict.fromkeys(("mutual_information", "total_correlation", "dimension_wise_kl"), OVER_BATCH)
        self.register_buffer("num_images", torch.tensor(0))

    def begin_training(self, data: TrainingSet) -> None:
        """Take N, the number of training images."""
        self.num_images.fill_(len(data.labels_N))

    def losses(
        self, x_BCHW: Tensor, y_B: Tensor, reconstruction: ReconstructionLoss, generator: torch.Generator | None = None
    ) -> dict[str, dict[str, Tensor]]:
        """Return the objective, the parts of its KL over the batch. Without a generator z is the posterior's mode."""
        mean_BD, logvar_BD = self.posterior(x_BCHW, y_B)
        z_BD = mean_BD if generator is None else reparameterize(mean_BD, logvar_BD, generator)
        log_posterior_B = log_normal(z_BD, mean_BD, logvar_BD)
        log_joint_B, log_product_B = log_aggregate(z_BD, mean_BD, logvar_BD, int(self.num_images))
        log_prior_B = log_normal(z_BD, *self.prior_moments(y_B))
        return {
            "model": {
                "reconstruction": reconstruction(self.decode(z_BD, y_B), x_BCHW),
                "mutual_information": self.config.alpha * (log_posterior_B - log_joint_B).mean(),
                "total_correlation": self.config.beta * (log_joint_B - log_product_B).mean(),
                "dimension_wise_kl": self.config.gamma * (log_product_B - log_prior_B).mean(),
            }
        }


def log_aggregate(z_BD: Tensor, mean_BD: Tensor, logvar_BD: Tensor, num_images: int) -> tuple[Tensor, Tensor]:
    """Estimate log q(z) and sum_j log q(z_j) in nats, each (B,), by minibatch stratified sampling.

    If `num_images` is smaller than B, such as 0 if unknown, the batch counts as the whole training set.
    """
    count = len(z_BD)
    total = max(num_images, count)
    others = math.log((total - 1) / (total * (count - 1))) if count > 1 else 0.0
    log_weight_BB = z_BD.new_full((count, count), others).fill_diagonal_(-math.log(total) if count > 1 else 0.0)
    squares_BBD = (z_BD[:, None] - mean_BD).square() * (-logvar_BD).exp()
    log_density_BBD = -0.5 * (math.log(2 * math.pi) + logvar_BD + squares_BBD)  # of draw i under posterior j
    log_joint_B = (log_weight_BB + log_density_BBD.sum(dim=2)).logsumexp(dim=1)
    log_product_B = (log_weight_BB[:, :, None] + log_density_BBD).logsumexp(dim=1).sum(dim=1)
    return log_joint_B, log_product_B


@hookimpl
def vaeaug_variants() -> Iterable[type[Variant]]:
    """Bring the beta-TC-VAE."""
    return [BetaTCVAE]

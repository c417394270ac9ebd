"""The geometry-aware variational autoencoder, RHVAE (Chadebec et al. 2020, 2022).

Objective, per image, where Hamiltonian dynamics carry z_0 ~ q(z|x, y), rho_0 ~ N(0, G(z_0) / beta_0) to z_K, rho_K:

    -log p(x|z_K, y) + log q(z_K, rho_K|x, y) - log p(z_K) - log N(rho_K; 0, G(z_K)),
    G(z)^-1 = sum_i L_i L_i^T exp(-|z - c_i|^2 / T^2) + lambda I   over images i of class y.

Draws are made from the density proportional to sqrt(det G(z)^-1), around the images: "manifold sampling". The metric,
the dynamics and the draws are in the modules beside this one. While training the metric is that of the batch's
images, as constants; afterwards that of the training set (a choice of it, see `Config.centroids`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from vaeaug import GaussianVariant, ImageSpec, Latent, Latents, ReconstructionLoss, Variant, hookimpl, option
from vaeaug.nn import kl_standard_normal, reparameterize, standard_normal

from vaeaug_rhvae.centroids import Centroids, MetricNetwork, spread_over_classes
from vaeaug_rhvae.flow import flow
from vaeaug_rhvae.hmc import sample
from vaeaug_rhvae.metric import Metric


class RHVAE(GaussianVariant):
    """A VAE that learns a metric of its latent space, and draws new images along the data."""

    name = "rhvae"
    conditional = True
    reference = (
        "Chadebec, Thibeau-Sutre, Burgos & Allassonnière, Data Augmentation in High Dimensional Low Sample Size "
        "Setting Using a Geometry-Based Variational Autoencoder, IEEE TPAMI 2022, arXiv:2105.00026"
    )

    @dataclass(frozen=True)
    class Config(GaussianVariant.Config):
        """The Gaussian options, and those of the metric, the dynamics and the draws, with the authors' defaults."""

        latent_dim: int = option(10, "Number of latent dimensions; drawing costs its cube.", minimum=1, maximum=64)
        temperature: float = option(1.5, "How far a centroid reaches in latent space, T.", minimum=1e-3, sampling=True)
        regularization: float = option(0.01, "Inverse metric far from all centroids, lambda.", minimum=1e-6)
        centroids: int = option(256, "Most training images that the metric is built around.", minimum=1, maximum=4096)
        flow_steps: int = option(3, "Steps of the dynamics of a posterior draw.", minimum=1, maximum=64)
        flow_step_size: float = option(0.001, "Size of these steps.", minimum=0, maximum=1)
        beta_zero: float = option(0.3, "Inverse temperature that these dynamics start at.", minimum=1e-3, maximum=1)
        chain_steps: int = option(100, "Proposals of a draw's chain.", minimum=0, maximum=10_000, sampling=True)
        chain_leapfrog_steps: int = option(10, "Leapfrog steps of a proposal.", minimum=1, maximum=100, sampling=True)
        chain_step_size: float = option(0.03, "Size of these steps.", minimum=0, maximum=10, sampling=True)

    config: Config

    def __init__(self, spec: ImageSpec, config: Config) -> None:
        super().__init__(spec, config)
        self.metric_network = MetricNetwork(config.latent_dim)
        self.centroids = Centroids(config.centroids, config.latent_dim)

    def losses(
        self, x_BCHW: Tensor, y_B: Tensor, reconstruction: ReconstructionLoss, generator: torch.Generator | None = None
    ) -> dict[str, dict[str, Tensor]]:
        """Return the negative RHVAE bound with one draw; see the module. Both Gaussians' KL is in closed form.

        Without a generator the dynamics start at the posterior's mean and at rest.
        """
        mean_BD, logvar_BD = self.posterior(x_BCHW, y_B)
        metric = self._training_metric(mean_BD, logvar_BD, y_B) if self.training else self._metric(y_B)
        z_BD, gamma_BD = mean_BD, torch.zeros_like(mean_BD)
        if generator is not None:
            z_BD = reparameterize(mean_BD, logvar_BD, generator)
            gamma_BD = standard_normal(tuple(mean_BD.shape), generator).to(mean_BD)
        learning = torch.is_grad_enabled()

        def reconstruct(z_BD: Tensor) -> tuple[Tensor, Tensor]:
            with torch.enable_grad():  # validation needs the gradient by z too
                if not z_BD.requires_grad:
                    z_BD = z_BD.detach().requires_grad_()
                value_B = reconstruction(self.decode(z_BD, y_B), x_BCHW)
                (slope_BD,) = torch.autograd.grad(value_B.sum(), z_BD, create_graph=learning)
            return (value_B, slope_BD) if learning else (value_B.detach(), slope_BD)

        flowed = flow(
            z_BD,
            gamma_BD,
            metric,
            reconstruct,
            steps=self.config.flow_steps,
            step_size=self.config.flow_step_size,
            beta_zero=self.config.beta_zero,
        )
        kl_B = kl_standard_normal(mean_BD, logvar_BD) + flowed.kl_B
        return {"model": {"reconstruction": flowed.reconstruction_B, "kl": kl_B}}

    def prior(self, y_B: Tensor, generator: torch.Generator) -> Latent:
        """Draw along the images of each label, (B, D); from N(0, I) before `fit_prior` and for labels without any."""
        normal_BD = super().prior(y_B, generator)
        if not self.centroids.chosen:
            return normal_BD
        metric = self._metric(y_B)
        z_BD = sample(
            metric,
            generator,
            steps=self.config.chain_steps,
            leapfrog_steps=self.config.chain_leapfrog_steps,
            step_size=self.config.chain_step_size,
        )
        return torch.where(metric.own_BK.any(dim=1, keepdim=True), z_BD, normal_BD)

    @torch.no_grad()
    def fit_prior(self, latents: Latents, generator: torch.Generator) -> None:
        """Build the metric around the training images, or a choice of them that is spread over the classes."""
        buffer = self.centroids.mean_KD
        mean_ND, std_ND = latents.latent.to(buffer), latents.scale.to(buffer)
        y_N = latents.labels_N.to(buffer.device)
        rows = spread_over_classes(y_N, self.config.centroids, generator)
        self.centroids.choose(mean_ND, self.metric_network(mean_ND, std_ND), y_N, rows)

    def _metric(self, y_B: Tensor) -> Metric:
        return self.centroids.metric(y_B, self.config.temperature, self.config.regularization)

    def _training_metric(self, mean_BD: Tensor, logvar_BD: Tensor, y_B: Tensor) -> Metric:
        """Return the metric around the images of a batch, and remember them for validation.

        Centroids are constants, as they are after training; only the metric's network learns through them.
        """
        mean_BD = mean_BD.detach()
        factor_BDD = self.metric_network(mean_BD, (0.5 * logvar_BD.detach()).exp())
        self.centroids.remember(mean_BD, factor_BDD, y_B)
        return Metric(mean_BD, factor_BDD, y_B[:, None] == y_B, self.config.temperature, self.config.regularization)


@hookimpl
def vaeaug_variants() -> Iterable[type[Variant]]:
    """Bring the RHVAE."""
    return [RHVAE]

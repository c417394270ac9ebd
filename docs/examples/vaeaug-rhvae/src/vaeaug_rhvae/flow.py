"""Riemannian Hamiltonian dynamics that carry a draw of q(z|x) towards the posterior p(z|x) (Chadebec et al. 2020).

    H(z, rho) = -log p(x, z) + 1/2 rho^T G(z)^-1 rho + 1/2 log det G(z) + D/2 log 2 pi

is followed by `steps` steps of the generalized leapfrog, whose implicit equations are solved by fixed-point iterations
(Girolami & Calderhead 2011), with the momentum cooled from temperature 1 / beta_0 to 1 (Caterini et al. 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor

from vaeaug_rhvae.metric import Metric, factor, log_volume

ITERATIONS = 3
"""Of a fixed point. Each gains a factor of the step size, so three are exact in float32 at the paper's step."""


@dataclass(frozen=True)
class Flowed:
    """Where the dynamics ended.

    Attributes:
        z_BD: z_K.
        rho_BD: rho_K.
        reconstruction_B: -log p(x|z_K).
        kl_B: log q(z_K, rho_K|x) - log p(z_K) N(rho_K; 0, G(z_K)) less what it is for z_0 and no dynamics,
            log q(z_0|x) - log p(z_0).
    """

    z_BD: Tensor
    rho_BD: Tensor
    reconstruction_B: Tensor
    kl_B: Tensor


def flow(
    z_BD: Tensor,
    gamma_BD: Tensor,
    metric: Metric,
    reconstruct: Callable[[Tensor], tuple[Tensor, Tensor]],
    *,
    steps: int,
    step_size: float,
    beta_zero: float,
) -> Flowed:
    """Follow the dynamics. The prior is N(0, I).

    Args:
        z_BD: z_0 ~ q(z|x).
        gamma_BD: a draw of N(0, I); the momentum starts as rho_0 ~ N(0, G(z_0) / beta_0).
        metric: G, for the images' classes.
        reconstruct: gives -log p(x|z), (B,), and its gradient by z, (B, D).
        steps: how many.
        step_size: of each.
        beta_zero: beta_0, in (0, 1].
    """
    start_BD = z_BD
    kernel_BK = metric.kernel(z_BD)
    inverse_BDD = metric.inverse(kernel_BK)
    cholesky_BDD = factor(inverse_BDD)
    first_volume_B = log_volume(cholesky_BDD)
    # With G^-1 = C C^T, C^-T gamma has the covariance G.
    rho_BD = torch.linalg.solve_triangular(cholesky_BDD.mT, gamma_BD[:, :, None], upper=True)[:, :, 0]
    rho_BD = rho_BD / sqrt(beta_zero)
    reconstruction_B, slope_BD = reconstruct(z_BD)

    for step in range(1, steps + 1):
        outer_BDD = torch.cholesky_inverse(cholesky_BDD)  # G(z)
        half_BD = rho_BD
        for _ in range(ITERATIONS):
            kinetic_BD = metric.half_gradient(z_BD, kernel_BK, half_BD[:, :, None] * half_BD[:, None] - outer_BDD)
            half_BD = rho_BD - 0.5 * step_size * (slope_BD + z_BD + kinetic_BD)

        velocity_BD = _product(inverse_BDD, half_BD)
        old_BD, z_BD = z_BD, z_BD + step_size * velocity_BD
        for _ in range(ITERATIONS):
            there_BD = _product(metric.inverse(metric.kernel(z_BD)), half_BD)
            z_BD = old_BD + 0.5 * step_size * (velocity_BD + there_BD)

        kernel_BK = metric.kernel(z_BD)
        inverse_BDD = metric.inverse(kernel_BK)
        cholesky_BDD = factor(inverse_BDD)
        reconstruction_B, slope_BD = reconstruct(z_BD)
        outer_BDD = half_BD[:, :, None] * half_BD[:, None] - torch.cholesky_inverse(cholesky_BDD)
        kinetic_BD = metric.half_gradient(z_BD, kernel_BK, outer_BDD)
        rho_BD = half_BD - 0.5 * step_size * (slope_BD + z_BD + kinetic_BD)
        rho_BD = rho_BD * (_heat(step - 1, steps, beta_zero) ** -1 * _heat(step, steps, beta_zero))

    # The leapfrog keeps volumes and the cooling scales them by beta_0^(D/2), so the density of (z_K, rho_K) is
    # q(z_0|x) N(gamma; 0, I) sqrt(det G(z_0)^-1).
    energy_B = _product(inverse_BDD, rho_BD).mul(rho_BD).sum(dim=1) - gamma_BD.square().sum(dim=1)
    prior_B = z_BD.square().sum(dim=1) - start_BD.square().sum(dim=1)
    kl_B = 0.5 * (energy_B + prior_B) + first_volume_B - log_volume(cholesky_BDD)
    return Flowed(z_BD, rho_BD, reconstruction_B, kl_B)


def _product(matrix_BDD: Tensor, vector_BD: Tensor) -> Tensor:
    return torch.bmm(matrix_BDD, vector_BD[:, :, None])[:, :, 0]


def _heat(step: int, steps: int, beta_zero: float) -> float:
    """Return 1 / sqrt(beta_k), which falls to 1 with the square of k (Caterini et al. 2018, sec. 3.3)."""
    hottest = 1 / sqrt(beta_zero)
    return hottest + (1 - hottest) * (step / steps) ** 2

"""Manifold sampling: draws from the inverse of the metric's volume element (Chadebec et al. 2022, sec. 4.2).

    p(z) is proportional to sqrt(det G(z)^-1), by Hamiltonian Monte Carlo that starts at centroids (Neal 2011).

That density is high near centroids, and flat and low elsewhere. Strictly it cannot be normalized, for it never falls
below lambda^(D/2); but from a centroid no chain gets out there, unless D is small (at D = 2, a tenth of the peak).
"""

from __future__ import annotations

import torch
from torch import Tensor
from vaeaug.nn import standard_normal

from vaeaug_rhvae.metric import Metric, factor, log_volume


def sample(metric: Metric, generator: torch.Generator, *, steps: int, leapfrog_steps: int, step_size: float) -> Tensor:
    """Return one draw for each latent the metric is for, (B, D), each the end of a chain of its own.

    Args:
        metric: G.
        generator: of all randomness.
        steps: of a chain: proposals, of which the Metropolis rule accepts or refuses each.
        leapfrog_steps: of a proposal.
        step_size: of the leapfrog.
    """
    z_BD = random_centroids(metric, generator)
    volume_B, slope_BD = _log_volume(metric, z_BD)
    for _ in range(steps):
        rho_BD = standard_normal(tuple(z_BD.shape), generator).to(z_BD)
        uniform_B = torch.rand(len(z_BD), generator=generator, device=generator.device).to(z_BD)
        new_z_BD, new_volume_B, new_slope_BD = z_BD, volume_B, slope_BD
        new_rho_BD = rho_BD + 0.5 * step_size * slope_BD
        for _ in range(leapfrog_steps):
            new_z_BD = new_z_BD + step_size * new_rho_BD
            new_volume_B, new_slope_BD = _log_volume(metric, new_z_BD)
            new_rho_BD = new_rho_BD + step_size * new_slope_BD
        new_rho_BD = new_rho_BD - 0.5 * step_size * new_slope_BD
        gain_B = new_volume_B - volume_B + 0.5 * (rho_BD.square() - new_rho_BD.square()).sum(dim=1)
        accepted_B = uniform_B.log() < gain_B  # false for a NaN: such a chain stays where it is
        z_BD, slope_BD = (
            torch.where(accepted_B[:, None], new, old) for new, old in ((new_z_BD, z_BD), (new_slope_BD, slope_BD))
        )
        volume_B = torch.where(accepted_B, new_volume_B, volume_B)
    return z_BD


def random_centroids(metric: Metric, generator: torch.Generator) -> Tensor:
    """Return a centroid of each latent's class, all equally likely, (B, D)."""
    shape = tuple(metric.own_BK.shape)
    tickets_BK = torch.rand(shape, generator=generator, device=generator.device).to(metric.centroids_KD)
    return metric.centroids_KD[tickets_BK.masked_fill(~metric.own_BK, -1).argmax(dim=1)]


def _log_volume(metric: Metric, z_BD: Tensor) -> tuple[Tensor, Tensor]:
    """Return log sqrt det G(z)^-1, (B,), and its gradient by z, (B, D)."""
    kernel_BK = metric.kernel(z_BD)
    cholesky_BDD = factor(metric.inverse(kernel_BK))
    return log_volume(cholesky_BDD), metric.half_gradient(z_BD, kernel_BK, torch.cholesky_inverse(cholesky_BDD))

"""The Riemannian metric of the latent space (Chadebec et al. 2022, eq. 11), in closed form throughout.

    G(z)^-1 = sum_i L_i L_i^T exp(-|z - c_i|^2 / T^2) + lambda I

The kernels are the only part that depends on z, so for any symmetric A

    grad_z 1/2 tr(A G(z)^-1) = sum_i <A, L_i L_i^T> exp(-|z - c_i|^2 / T^2) (c_i - z) / T^2,

which gives the gradient of log sqrt det G^-1 with A = G, and that of the kinetic energy rho^T G^-1 rho / 2 with
A = rho rho^T. So sampling needs no automatic differentiation, and training none of a determinant.

Shapes: B latents, K centroids, D latent dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class Metric:
    """The metric that labelled centroids span, for latents of given classes; each feels its own class's centroids only.

    Attributes:
        centroids_KD: c_i.
        factors_KDD: L_i, lower triangular with a positive diagonal.
        own_BK: whether a centroid is of a latent's class.
        temperature: T, how far a centroid reaches.
        regularization: lambda; far from all centroids G is I / lambda.
    """

    centroids_KD: Tensor
    factors_KDD: Tensor
    own_BK: Tensor
    temperature: float
    regularization: float
    outer_KE: Tensor = field(init=False)  # L_i L_i^T, flattened: E = D * D
    bias_BK: Tensor = field(init=False)  # the part of the kernels' logarithms that does not depend on z

    def __post_init__(self) -> None:
        squares_K = self.centroids_KD.square().sum(dim=1)
        bias_BK = torch.where(self.own_BK, -squares_K / self.temperature**2, -torch.inf)
        object.__setattr__(self, "bias_BK", bias_BK)
        object.__setattr__(self, "outer_KE", (self.factors_KDD @ self.factors_KDD.mT).flatten(1))

    def kernel(self, z_BD: Tensor) -> Tensor:
        """Return exp(-|z - c_i|^2 / T^2), 0 for centroids of other classes, (B, K)."""
        cross_BK = torch.addmm(self.bias_BK, z_BD, self.centroids_KD.T, alpha=2 / self.temperature**2)
        return (cross_BK - z_BD.square().sum(dim=1, keepdim=True) / self.temperature**2).exp()

    def inverse(self, kernel_BK: Tensor) -> Tensor:
        """Return G(z)^-1, (B, D, D)."""
        latent_dim = self.centroids_KD.shape[1]
        identity_DD = torch.eye(latent_dim, dtype=kernel_BK.dtype, device=kernel_BK.device)
        sums_BDD = (kernel_BK @ self.outer_KE).unflatten(1, (latent_dim, latent_dim))
        return sums_BDD + self.regularization * identity_DD

    def half_gradient(self, z_BD: Tensor, kernel_BK: Tensor, a_BDD: Tensor) -> Tensor:
        """Return the gradient of tr(A G(z)^-1) / 2 by z, for symmetric A held constant, (B, D)."""
        pull_BK = kernel_BK * (a_BDD.flatten(1) @ self.outer_KE.T)
        return (pull_BK @ self.centroids_KD - pull_BK.sum(dim=1, keepdim=True) * z_BD) / self.temperature**2


def factor(inverse_BDD: Tensor) -> Tensor:
    """Return the lower Cholesky factor C of G^-1 = C C^T, (B, D, D): NaN, and no exception, where there is none."""
    cholesky_BDD, failed_B = torch.linalg.cholesky_ex(inverse_BDD)
    return torch.where(failed_B[:, None, None] > 0, torch.nan, cholesky_BDD)


def log_volume(cholesky_BDD: Tensor) -> Tensor:
    """Return log sqrt det G^-1 = sum_d log C_dd, (B,)."""
    return cholesky_BDD.diagonal(dim1=1, dim2=2).log().sum(dim=1)

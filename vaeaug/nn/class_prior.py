"""The prior of a conditional model: a diagonal Gaussian a class, learned with the rest (Sohn et al. 2015, eq. 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

RATE_FACTOR = 10.0  # the prior learns as much faster than the networks


class ClassPrior(nn.Module):
    """p(z|y) = N(mean_y, diag exp logvar_y), which starts at N(0, I) for every class."""

    def __init__(self, num_classes: int, latent_dim: int) -> None:
        super().__init__()
        self.table_KD = nn.Parameter(torch.zeros(num_classes, 2 * latent_dim))

    def forward(self, y_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and log-variance of p(z|y), each (B, D)."""
        mean_BD, logvar_BD = (RATE_FACTOR * self.table_KD)[y_B].chunk(2, dim=1)
        return mean_BD, logvar_BD.clamp(-12, 8)

    @torch.no_grad()
    def fit(self, mean_ND: Tensor, std_ND: Tensor, labels_N: Tensor) -> None:
        """Set p(z|y) of every class with images to its optimum: the moments of the aggregated posterior."""
        mean_ND, std_ND = mean_ND.to(self.table_KD), std_ND.to(self.table_KD)
        for label in sorted(set(labels_N.tolist())):
            rows = labels_N == label
            variance_D = mean_ND[rows].var(dim=0, correction=0) + std_ND[rows].square().mean(dim=0)
            self.table_KD[label] = torch.cat([mean_ND[rows].mean(dim=0), variance_D.log()]) / RATE_FACTOR

"""The images the metric is built around, and the network that gives each its matrix."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vaeaug_rhvae.metric import Metric

MOST = 2.0  # entries of L lie within -2 and 2, diagonal ones within e^-2 and e^2: G^-1 can be inverted in float32


class MetricNetwork(nn.Module):
    """The posterior of an image, (B, 2 D), to its factor L, (B, D, D), lower triangular with a positive diagonal.

    The paper's network sees the image. Here it sees the mean and the log standard deviation the encoder gives of it,
    which are all that `fit_prior` is handed of an image: so the metric is computed anew from the final weights.
    """

    def __init__(self, latent_dim: int, hidden: int = 128) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.body = nn.Sequential(
            nn.Linear(2 * latent_dim, hidden), nn.SiLU(), nn.Linear(hidden, latent_dim * (latent_dim + 1) // 2)
        )
        with torch.no_grad():
            self.body[2].weight.mul_(0.1)  # L starts near the identity

    def forward(self, mean_BD: Tensor, std_BD: Tensor) -> Tensor:
        """Return L."""
        values_BT = MOST * torch.tanh(self.body(torch.cat([mean_BD, std_BD.log()], dim=1)) / MOST)
        rows, columns = torch.tril_indices(self.latent_dim, self.latent_dim, device=values_BT.device)
        values_BT = torch.where(rows == columns, values_BT.exp(), values_BT)
        flat_BE = values_BT.new_zeros(len(values_BT), self.latent_dim**2)
        flat_BE = flat_BE.index_copy(1, rows * self.latent_dim + columns, values_BT)
        return flat_BE.unflatten(1, (self.latent_dim, self.latent_dim))


class Centroids(nn.Module):
    """Up to K centroids with their factors and classes, in buffers of fixed shape.

    While training they are the latest training images, a ring that is written over: the metric of validation images.
    `choose` replaces them by a choice of the whole training set.
    """

    mean_KD: Tensor
    factor_KDD: Tensor
    label_K: Tensor
    seen: Tensor
    chosen: Tensor

    def __init__(self, count: int, latent_dim: int) -> None:
        super().__init__()
        self.register_buffer("mean_KD", torch.zeros(count, latent_dim))
        self.register_buffer("factor_KDD", torch.zeros(count, latent_dim, latent_dim))
        self.register_buffer("label_K", torch.full((count,), -1))
        self.register_buffer("seen", torch.tensor(0))
        self.register_buffer("chosen", torch.tensor(False))

    def metric(self, y_B: Tensor, temperature: float, regularization: float) -> Metric:
        """Return the metric they span for these classes: I / regularization where there are none of a class."""
        own_BK = y_B[:, None] == self.label_K
        return Metric(self.mean_KD, self.factor_KDD, own_BK, temperature, regularization)

    @torch.no_grad()
    def remember(self, mean_BD: Tensor, factor_BDD: Tensor, y_B: Tensor) -> None:
        """Write a training batch over the oldest centroids (its last K images, if it is larger)."""
        count = len(self.label_K)
        if self.chosen:
            self._clear()
        mean_BD, factor_BDD, y_B = mean_BD[-count:], factor_BDD[-count:], y_B[-count:]
        places_B = (self.seen + torch.arange(len(y_B), device=y_B.device)) % count
        self.mean_KD[places_B], self.factor_KDD[places_B], self.label_K[places_B] = mean_BD, factor_BDD, y_B
        self.seen += len(y_B)

    @torch.no_grad()
    def choose(self, mean_ND: Tensor, factor_NDD: Tensor, y_N: Tensor, rows: Tensor) -> None:
        """Keep these rows of the training set as the centroids."""
        self._clear()
        place = slice(0, len(rows))
        self.mean_KD[place], self.factor_KDD[place], self.label_K[place] = mean_ND[rows], factor_NDD[rows], y_N[rows]
        self.chosen.fill_(True)

    def _clear(self) -> None:
        for buffer in self.buffers():
            buffer.zero_()
        self.label_K.fill_(-1)


def spread_over_classes(y_N: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return at most `count` random rows, (K,), the classes in turn, so that a rare class is not crowded out."""
    order_N = torch.randperm(len(y_N), generator=generator, device=generator.device).to(y_N.device)
    same_NN = y_N[order_N]
    turn_N = torch.zeros_like(order_N)
    for label in same_NN.unique():
        members = same_NN == label
        turn_N[members] = torch.arange(int(members.sum()), device=y_N.device)
    return order_N[turn_N.argsort(stable=True)[:count]]

"""The effect of each latent dimension: it is moved while all others stay fixed, and the result is decoded.

Dimensions are ordered by the KL divergence of the posterior from the prior, in nats, averaged over the training images;
0 means unused. The prior is approximated by a Gaussian with the mean and variance of many draws, which is exact for
N(0, I). If a posterior has no width, dimensions are ordered by the variance of the latent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaeaug.contracts import Latent, leaves
from vaeaug.contracts.latent import flatten, leaf_names, tree_like, unflatten
from vaeaug.models.store import StoredModel
from vaeaug.seeds import seed_of
from vaeaug.training.batches import as_pixels

PRIOR_DRAWS = 4096
MIN_IMPORTANCE = 0.01
"""Nats, or variance, from which on a dimension is said to be in use (as of active units, see training/collapse.py)."""

MIN_VARIANCE = 1e-12


@dataclass(frozen=True, slots=True)
class Axes:
    """The D dimensions of a class's flattened latents.

    Attributes:
        names: `12` is index 12 in the column `mean` of `vaeaug encode`; `2/12` the same in `mean/2` if there are
            several groups.
        mean: the latent of the class's mean, a batch of 1.
        std_D: standard deviation of the training images along each.
        importance_D: KL divergence in nats if `is_kl`, otherwise variance.
    """

    names: tuple[str, ...]
    mean: Latent
    std_D: Tensor
    importance_D: Tensor
    is_kl: bool

    def order(self) -> list[int]:
        """Return the dimensions in use, the most important first; at least one."""
        by_importance = self.importance_D.argsort(descending=True, stable=True)
        return by_importance[: max(1, int((self.importance_D > MIN_IMPORTANCE).sum()))].tolist()


@torch.no_grad()
def axes_of(model: StoredModel, label: int) -> Axes:
    """Return the latent dimensions of a class, computed from the latents stored in the model."""
    stored = model.latents(label).latents
    mean_ND = flatten(stored.latent)
    variance_D = mean_ND.var(dim=0, correction=0)
    posterior_variance_ND = None if stored.scale is None else flatten(stored.scale).square()
    if posterior_variance_ND is not None:
        importance_D = _divergence(mean_ND, posterior_variance_ND, *_prior_moments(model, label))
        variance_D = variance_D + posterior_variance_ND.mean(dim=0)
    else:
        importance_D = variance_D
    tensors = leaves(stored.latent)
    groups = leaf_names(stored.latent)
    return Axes(
        names=tuple(
            f"{group}/{i}".lstrip("/")
            for group, leaf in zip(groups, tensors, strict=True)
            for i in range(leaf[0].numel())
        ),
        mean=tree_like(stored.latent, [leaf.mean(dim=0, keepdim=True) for leaf in tensors]),
        std_D=variance_D.sqrt(),
        importance_D=importance_D,
        is_kl=posterior_variance_ND is not None,
    )


@torch.no_grad()
def traverse_axes(
    model: StoredModel, label: int, base: Latent, axes: Axes, chosen: list[int], offsets_T: list[float]
) -> Iterator[NDArray[np.uint8]]:
    """Yield, for each chosen dimension, the images (T, H, W, C) decoded as it is moved by `offsets_T` deviations."""
    network = model.network(label)
    y_T = torch.full((len(offsets_T),), label, device=model.device)
    offset_T = torch.tensor(offsets_T)
    for dimension in chosen:
        flat_TD = flatten(base).cpu().repeat(len(offsets_T), 1)
        flat_TD[:, dimension] += offset_T * axes.std_D[dimension]
        latent = unflatten(flat_TD.to(model.device), base)
        yield as_pixels(network.loss.image(network.variant.decode(latent, y_T)))


def _prior_moments(model: StoredModel, label: int) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance of the prior of a class along each dimension, from many draws."""
    generator = torch.Generator(device=model.device).manual_seed(seed_of("traverse", "prior"))
    y_B = torch.full((PRIOR_DRAWS,), label, device=model.device)
    drawn_BD = flatten(model.network(label).variant.prior(y_B, generator)).cpu()
    return drawn_BD.mean(dim=0), drawn_BD.var(dim=0).clamp(min=MIN_VARIANCE)


def _divergence(mean_ND: Tensor, variance_ND: Tensor, prior_D: Tensor, prior_variance_D: Tensor) -> Tensor:
    """Return the mean over N of KL(N(mean, variance) || N(prior, prior_variance)) of each dimension, in nats."""
    variance_ND = variance_ND.clamp(min=MIN_VARIANCE)
    squares_ND = (mean_ND - prior_D).square()
    ratio_ND = (variance_ND + squares_ND) / prior_variance_D - 1 + (prior_variance_D / variance_ND).log()
    return 0.5 * ratio_ND.mean(dim=0)

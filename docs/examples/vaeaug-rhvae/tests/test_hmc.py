"""Manifold sampling against densities that are known."""

import pytest
import torch

from vaeaug_rhvae.hmc import random_centroids, sample
from vaeaug_rhvae.metric import Metric


def metric(centroids: torch.Tensor, own: torch.Tensor, temperature: float = 1.0) -> Metric:
    """A metric of unit factors, with a floor so low that no chain gets out to where the density is flat."""
    factors = torch.eye(centroids.shape[1]).expand(len(centroids), -1, -1)
    return Metric(centroids, factors, own, temperature, regularization=1e-14)


def test_around_one_centroid_draws_are_gaussian() -> None:
    """sqrt det (exp(-|z - c|^2 / T^2) I) is a Gaussian of variance T^2 / D around c."""
    centre = torch.tensor([[1.0, -2.0, 0.5]])
    built = metric(centre, torch.ones(4000, 1, dtype=torch.bool), temperature=1.2)
    z = sample(built, torch.Generator().manual_seed(0), steps=30, leapfrog_steps=8, step_size=0.1)
    torch.testing.assert_close(z.mean(dim=0), centre[0], atol=0.06, rtol=0)
    assert z.var(dim=0).tolist() == pytest.approx([1.2**2 / 3] * 3, rel=0.12)


def test_metropolis_mends_what_coarse_steps_distort() -> None:
    built = metric(torch.zeros(1, 1), torch.ones(8000, 1, dtype=torch.bool))
    z = sample(built, torch.Generator().manual_seed(0), steps=40, leapfrog_steps=3, step_size=1.3)
    assert z.var().item() == pytest.approx(1.0, rel=0.08)


def test_chains_start_at_all_centroids_of_their_class_alike() -> None:
    centroids = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    own = torch.tensor([[True, False, True, True]]).expand(3000, -1)
    z = random_centroids(metric(centroids, own), torch.Generator().manual_seed(0))
    counts = [(z == value).sum().item() for value in centroids[:, 0]]
    assert counts[1] == 0
    assert min(counts[0], *counts[2:]) > 900

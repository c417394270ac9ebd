"""The dynamics: what makes them a normalizing flow with a known density."""

import math

import pytest
import torch
from torch import Tensor

from vaeaug_rhvae.flow import Flowed, flow
from vaeaug_rhvae.metric import Metric, factor

D, BETA, NOISE = 2, 0.4, 0.5
MIXING = torch.tensor([[1.0, 0.4], [-0.3, 0.8], [0.5, 0.5]], dtype=torch.float64)  # x = MIXING z + noise
X = torch.tensor([0.9, -0.2, 0.6], dtype=torch.float64)


def reconstruct(z_BD: Tensor) -> tuple[Tensor, Tensor]:
    error = X - z_BD @ MIXING.T
    constant = 1.5 * math.log(2 * math.pi * NOISE**2)
    return error.square().sum(dim=1) / (2 * NOISE**2) + constant, -error @ MIXING / NOISE**2


def metric(count: int) -> Metric:
    generator = torch.Generator().manual_seed(3)
    centroids = torch.randn(4, D, dtype=torch.float64, generator=generator)
    factors = torch.eye(D, dtype=torch.float64) + 0.3 * torch.randn(4, D, D, dtype=torch.float64, generator=generator)
    return Metric(centroids, factors.tril(), torch.ones(count, 4, dtype=torch.bool), 1.5, 0.1)


def follow(z: Tensor, gamma: Tensor, **changes: float) -> Flowed:
    options = {"steps": 3, "step_size": 0.02, "beta_zero": BETA} | changes
    return flow(z, gamma, metric(len(z)), reconstruct, **options)


def test_volume_is_kept_but_for_the_cooling() -> None:
    """det d(z_K, rho_K) / d(z_0, rho_0) = beta_0^(D/2), and rho_0 = C^-T gamma / sqrt(beta_0)."""

    def ends(start: Tensor) -> Tensor:
        flowed = follow(start[None, :D], start[None, D:])
        return torch.cat([flowed.z_BD[0], flowed.rho_BD[0]])

    start = torch.tensor([0.3, -0.7, 0.8, -1.1], dtype=torch.float64)
    determinant = torch.autograd.functional.jacobian(ends, start).det()
    built = metric(1)
    inverse = built.inverse(built.kernel(start[None, :D]))
    # The map starts at gamma: d rho_0 / d gamma = det C^-T beta_0^(-D/2), which the cooling's beta_0^(D/2) undoes.
    torch.testing.assert_close(determinant, 1 / factor(inverse).det()[0], rtol=1e-5, atol=0)


def test_without_motion_it_is_the_plain_draw() -> None:
    z, gamma = torch.randn(2, 6, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    flowed = follow(z, gamma, step_size=0.0)
    assert torch.equal(flowed.z_BD, z)
    torch.testing.assert_close(flowed.kl_B, torch.zeros(6, dtype=torch.float64))
    torch.testing.assert_close(flowed.reconstruction_B, reconstruct(z)[0])


def test_energy_is_kept_where_nothing_is_cooled() -> None:
    z, gamma = torch.randn(2, 6, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def change(steps: int, step_size: float) -> Tensor:
        """H(z_K, rho_K) - H(z_0, rho_0), which the terms of the bound sum up to where beta_0 is 1."""
        flowed = follow(z, gamma, steps=steps, step_size=step_size, beta_zero=1.0)
        assert ((flowed.z_BD - z).norm(dim=1) > 0.01).all()
        return (flowed.reconstruction_B - reconstruct(z)[0] + flowed.kl_B).abs().max()

    coarse, fine = change(8, 0.02), change(16, 0.01)
    assert coarse < 0.05
    assert coarse / fine == pytest.approx(4, rel=0.35)  # the leapfrog is of second order


def test_the_bound_is_a_bound_because_its_weights_are_unbiased() -> None:
    """The mean of exp(-loss) over draws is p(x), known here, for a q(z|x) that is far off and large steps."""
    draws, mean, std = 200_000, torch.tensor([0.2, 0.1], dtype=torch.float64), 0.8
    eps, gamma = torch.randn(2, draws, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    z = mean + std * eps
    flowed = follow(z, gamma, step_size=0.05)
    log_q_over_p = -0.5 * eps.square().sum(dim=1) - D * math.log(std) + 0.5 * z.square().sum(dim=1)
    loss = flowed.reconstruction_B + log_q_over_p + flowed.kl_B
    covariance = MIXING @ MIXING.T + NOISE**2 * torch.eye(3, dtype=torch.float64)
    evidence = torch.distributions.MultivariateNormal(torch.zeros_like(X), covariance).log_prob(X)
    weights = (-loss - evidence).exp()
    assert (flowed.z_BD - z).norm(dim=1).mean() > 0.1
    assert weights.mean().item() == pytest.approx(1, abs=5 * weights.std().item() / draws**0.5)
    plain = (reconstruct(z)[0] + log_q_over_p).mean()
    assert loss.mean() < plain  # what the dynamics are for: a tighter bound than q(z|x) alone

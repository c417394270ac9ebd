"""KL and reparameterization against torch.distributions and closed forms."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Independent, Normal, kl_divergence

from vaeaug.nn import kl_gaussians, kl_standard_normal, reparameterize, standard_normal

numbers = st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(mean=numbers, logvar=numbers)
def test_kl_is_that_of_torch_distributions(mean: list[float], logvar: list[float]) -> None:
    length = min(len(mean), len(logvar))
    mean_BD, logvar_BD = torch.tensor([mean[:length]]).double(), torch.tensor([logvar[:length]]).double()
    posterior = Independent(Normal(mean_BD, (0.5 * logvar_BD).exp()), 1)
    prior = Independent(Normal(torch.zeros_like(mean_BD), torch.ones_like(mean_BD)), 1)
    torch.testing.assert_close(kl_standard_normal(mean_BD, logvar_BD), kl_divergence(posterior, prior))


def test_kl_is_one_value_an_image_and_zero_at_the_prior() -> None:
    assert torch.equal(kl_standard_normal(torch.zeros(3, 5), torch.zeros(3, 5)), torch.zeros(3))


def test_kl_is_the_mean_log_ratio_of_the_densities() -> None:
    mean_BD, logvar_BD = torch.tensor([[0.7, -1.2]]), torch.tensor([[-0.5, 0.4]])
    z = reparameterize(mean_BD.expand(200_000, -1), logvar_BD.expand(200_000, -1), torch.Generator().manual_seed(0))
    log_ratio = Normal(mean_BD, (0.5 * logvar_BD).exp()).log_prob(z) - Normal(0.0, 1.0).log_prob(z)
    torch.testing.assert_close(
        log_ratio.sum(dim=1).mean(), kl_standard_normal(mean_BD, logvar_BD)[0], rtol=0.01, atol=0
    )


def test_a_draw_is_mean_plus_deviation_times_the_generators_noise() -> None:
    mean_BD, logvar_BD = torch.randn(4, 3), torch.randn(4, 3)
    eps_BD = standard_normal((4, 3), torch.Generator().manual_seed(3))
    z_BD = reparameterize(mean_BD, logvar_BD, torch.Generator().manual_seed(3))
    torch.testing.assert_close(z_BD, mean_BD + logvar_BD.exp().sqrt() * eps_BD)


def test_gradients_pass_through_a_draw() -> None:
    # z = mean + std eps: dz/dmean = 1 and dz/dlogvar = std eps / 2, exactly.
    mean_BD, logvar_BD = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    z_BD = reparameterize(mean_BD, logvar_BD, torch.Generator().manual_seed(1))
    by_mean, by_logvar = torch.autograd.grad(z_BD.sum(), (mean_BD, logvar_BD))
    torch.testing.assert_close(by_mean, torch.ones(4, 3))
    torch.testing.assert_close(by_logvar, 0.5 * (z_BD - mean_BD).detach())


def test_the_pathwise_gradient_of_the_second_moment() -> None:
    # E[z^2] = mean^2 + var, so d/dmean = 2 mean and d/dlogvar = var (Kingma & Welling 2014, sec. 2.4).
    mean, logvar = torch.tensor(0.8, requires_grad=True), torch.tensor(-0.6, requires_grad=True)
    count = 400_000
    z = reparameterize(mean.expand(count, 1), logvar.expand(count, 1), torch.Generator().manual_seed(0))
    by_mean, by_logvar = torch.autograd.grad(z.square().mean(), (mean, logvar))
    torch.testing.assert_close(by_mean, 2 * mean.detach(), rtol=0.01, atol=0)
    torch.testing.assert_close(by_logvar, logvar.exp().detach(), rtol=0.02, atol=0)


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.tuples(*[st.floats(-4, 4, width=32)] * 4), min_size=1, max_size=8))
def test_kl_between_two_gaussians_is_that_of_torch_distributions(values: list[tuple[float, ...]]) -> None:
    mean, logvar, prior_mean, prior_logvar = torch.tensor(values).double().T[:, None]
    expected = kl_divergence(Normal(mean, (0.5 * logvar).exp()), Normal(prior_mean, (0.5 * prior_logvar).exp())).sum(
        dim=1
    )
    torch.testing.assert_close(kl_gaussians(mean, logvar, prior_mean, prior_logvar), expected)

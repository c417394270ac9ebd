"""The shipped losses and objectives against closed forms and torch.distributions."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Bernoulli, Normal, kl_divergence
from vaeaug_plugins.losses.bce import BCE
from vaeaug_plugins.losses.gaussian import Gaussian
from vaeaug_plugins.losses.mse import MSE
from vaeaug_plugins.variants.beta_vae import BetaVAE
from vaeaug_plugins.variants.cvae import CVAE
from vaeaug_plugins.variants.vae import VAE

from vaeaug import ImageSpec, Latents
from vaeaug.contracts import parse_options

SPEC = ImageSpec(channels=3, height=6, width=5, num_classes=2, raw_channels=3)
PIXELS = SPEC.pixels


def batch(seed: int, count: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    raw = torch.randn((count, 3, 6, 5), generator=generator)
    return raw, torch.rand((count, 3, 6, 5), generator=generator)


def loss(cls: Any) -> Any:
    return cls(SPEC, cls.Config()).eval()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_bce_is_the_bernoulli_log_likelihood(seed: int) -> None:
    raw, x = batch(seed)
    # A pixel in [0, 1] is scored as the mean over Bernoulli outcomes, so the log-likelihood is linear in it.
    pixel = Bernoulli(logits=raw)
    expected = -(x * pixel.log_prob(torch.ones_like(x)) + (1 - x) * pixel.log_prob(torch.zeros_like(x)))
    torch.testing.assert_close(loss(BCE)(raw, x), expected.sum(dim=(1, 2, 3)))
    torch.testing.assert_close(loss(BCE).image(raw), pixel.mean)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_mse_is_the_gaussian_of_variance_one_half_without_its_constant(seed: int) -> None:
    raw, x = batch(seed)
    nll = -Normal(raw, math.sqrt(0.5)).log_prob(x).sum(dim=(1, 2, 3))
    torch.testing.assert_close(loss(MSE)(raw, x), nll - 0.5 * PIXELS * math.log(math.pi), rtol=1e-4, atol=1e-3)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), variance=st.floats(1e-4, 2))
def test_gaussian_in_eval_mode_is_the_normal_of_the_kept_variance(seed: int, variance: float) -> None:
    raw, x = batch(seed)
    module = loss(Gaussian)
    module.variance.kept.fill_(variance)
    nll = -Normal(raw.sigmoid(), math.sqrt(variance)).log_prob(x).sum(dim=(1, 2, 3))
    torch.testing.assert_close(module(raw, x), nll, rtol=1e-4, atol=1e-2)


def test_gaussian_in_training_is_the_likelihood_at_its_best_variance() -> None:
    raw, x = batch(0)
    mean = raw.sigmoid()
    best = (mean - x).square().mean()
    nll = -Normal(mean, best.sqrt()).log_prob(x).sum(dim=(1, 2, 3))
    torch.testing.assert_close(loss(Gaussian).train()(raw, x), nll, rtol=1e-4, atol=1e-3)
    for factor in (0.9, 1.1):  # no other variance explains the batch better
        other = -Normal(mean, (factor * best).sqrt()).log_prob(x).sum(dim=(1, 2, 3))
        assert other.mean() > nll.mean()


def test_the_gaussian_gradient_is_that_of_half_the_pixels_times_log_mse() -> None:
    # Rybkin et al. 2021: with the optimal variance the loss is P/2 log(MSE) up to a constant.
    raw, x = batch(1)
    raw.requires_grad_()
    (gradient,) = torch.autograd.grad(loss(Gaussian).train()(raw, x).mean(), raw)
    (expected,) = torch.autograd.grad(0.5 * PIXELS * (raw.sigmoid() - x).square().mean().log(), raw)
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-5)


def test_the_gaussian_variance_has_a_floor_and_follows_the_error() -> None:
    raw, x = batch(2)
    module = loss(Gaussian).train()
    assert module(x.logit(eps=1e-4), x).isfinite().all()  # a perfect batch is not infinitely likely
    for _ in range(500):
        module(raw, x)
    torch.testing.assert_close(module.variance.kept, (raw.sigmoid() - x).square().mean(), rtol=1e-3, atol=0)


def test_the_gaussian_is_no_surer_of_training_images_than_of_held_out_ones() -> None:
    raw, x = batch(3)
    module = loss(Gaussian).train()
    module.calibrate(raw, x)
    held_out = (raw.sigmoid() - x).square().mean()
    close = (x + 0.01).clamp(0.01, 0.99).logit()  # training images are decoded far better
    nll = -Normal(close.sigmoid(), held_out.sqrt()).log_prob(x).sum(dim=(1, 2, 3))
    torch.testing.assert_close(module(close, x), nll, rtol=1e-4, atol=1e-3)
    module.calibrate(x.logit(eps=1e-4), x)  # and no longer than that is so
    assert (module(close, x) < nll).all()


def test_the_cvae_pays_for_leaving_the_prior_of_its_class() -> None:
    x, y = torch.rand(4, 3, 6, 5), torch.tensor([0, 1, 0, 1])
    model = CVAE(SPEC, CVAE.Config()).eval()
    torch.nn.init.normal_(model.class_prior.table_KD, std=0.05, generator=torch.Generator().manual_seed(0))
    (mean, logvar), (prior_mean, prior_logvar) = model.posterior(x, y), model.prior_moments(y)
    posterior, prior = Normal(mean, (0.5 * logvar).exp()), Normal(prior_mean, (0.5 * prior_logvar).exp())
    torch.testing.assert_close(model.encode(x, y).penalties["kl"], kl_divergence(posterior, prior).sum(dim=1))
    assert not torch.equal(prior_mean[0], prior_mean[1])


def test_the_fitted_prior_of_a_class_is_the_one_with_the_least_kl() -> None:
    x, y = torch.rand(12, 3, 6, 5), torch.tensor([0, 1] * 6)
    model = CVAE(SPEC, CVAE.Config()).eval()
    encoded = model.encode(x, y)
    model.fit_prior(Latents(encoded.latent, y, encoded.scale), torch.Generator())
    best = model.encode(x, y).penalties["kl"].mean()
    for seed in range(5):
        moved = CVAE(SPEC, CVAE.Config()).eval()
        moved.load_state_dict(model.state_dict())
        with torch.no_grad():
            table_KD = moved.class_prior.table_KD
            table_KD += 0.02 * torch.randn(table_KD.shape, generator=torch.Generator().manual_seed(seed))
        assert moved.encode(x, y).penalties["kl"].mean() > best


@pytest.mark.parametrize("beta", [0.0, 0.5, 4.0])
def test_beta_vae_weighs_the_kl(beta: float) -> None:
    x, y = torch.rand(4, 3, 6, 5), torch.tensor([0, 1, 0, 1])
    model = BetaVAE(SPEC, parse_options(BetaVAE.Config, {"beta": beta}, "beta-vae")).eval()
    terms = model.losses(x, y, loss(MSE), torch.Generator().manual_seed(0))["model"]
    encoded = model.encode(x, y, torch.Generator().manual_seed(0))
    assert set(terms) == {"reconstruction", "kl"}
    torch.testing.assert_close(terms["kl"], beta * encoded.penalties["kl"])
    torch.testing.assert_close(terms["reconstruction"], loss(MSE)(model.decode(encoded.latent, y), x))


def test_the_vae_objective_is_the_negative_elbo() -> None:
    x, y = torch.rand(4, 3, 6, 5), torch.tensor([0, 1, 0, 1])
    model = VAE(SPEC, VAE.Config()).eval()
    terms = model.losses(x, y, loss(BCE), torch.Generator().manual_seed(0))["model"]
    mean, logvar = model.posterior(x, y)
    z = mean + (0.5 * logvar).exp() * torch.randn(mean.shape, generator=torch.Generator().manual_seed(0))
    pixels = Bernoulli(logits=model.decode(z, y))
    one, zero = pixels.log_prob(torch.ones_like(x)), pixels.log_prob(torch.zeros_like(x))
    log_likelihood = (x * one + (1 - x) * zero).sum(dim=(1, 2, 3))
    log_ratio = torch.distributions.kl_divergence(Normal(mean, (0.5 * logvar).exp()), Normal(0.0, 1.0)).sum(dim=1)
    torch.testing.assert_close(terms["reconstruction"] + terms["kl"], log_ratio - log_likelihood)

"""Weights, chains and partial encoders, on models whose conditionals have a closed form."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal
from toy_training import SPEC, Linear

from vaeaug import Encoded, ReconstructionLoss
from vaeaug.inpainting.code_encoder import CodeEncoder
from vaeaug.inpainting.gibbs import Gibbs
from vaeaug.inpainting.mixture_encoder import MixtureEncoder
from vaeaug.inpainting.weights import tempered, weigh
from vaeaug.models.network import Network
from vaeaug.nn import log_normal, reparameterize

SIGMA = 0.5


class UnitGaussian(ReconstructionLoss):
    """N(x; raw, sigma^2 I), in nats."""

    name = "toy-likelihood"

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        raw_BP, x_BP = (t.expand(max(len(raw_BRHW), len(x_BCHW)), -1, -1, -1).flatten(1) for t in (raw_BRHW, x_BCHW))
        return -log_normal(x_BP, raw_BP, torch.full_like(raw_BP, 2 * math.log(SIGMA)))

    def image(self, raw_BRHW: Tensor) -> Tensor:
        return raw_BRHW


class FactorAnalysis(Linear):
    """p(x|z) = N(W z, sigma^2 I), p(z) = N(0, I), and a posterior that is off: too wide, and diagonal."""

    def __init__(self, *, width: float = 1.3, tells_scale: bool = True) -> None:
        super().__init__()
        self.width, self.tells_scale = width, tells_scale
        with torch.no_grad():
            self.decoder.weight.copy_(torch.randn((64, 2), generator=torch.Generator().manual_seed(0)) / 8)
            self.decoder.bias.zero_()

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        w_PD = self.decoder.weight.detach()
        precision_DD = w_PD.T @ w_PD / SIGMA**2 + torch.eye(2)
        mean_BD = x_BCHW.flatten(1) @ w_PD / SIGMA**2 @ precision_DD.inverse()
        logvar_BD = (-precision_DD.diagonal().log() + 2 * math.log(self.width)).expand_as(mean_BD)
        z_BD = mean_BD if generator is None else reparameterize(mean_BD, logvar_BD, generator)
        zero = torch.zeros_like(mean_BD)
        ratio_B = log_normal(z_BD, mean_BD, logvar_BD) - log_normal(z_BD, zero, zero)
        return Encoded(z_BD, mean_BD, {}, (0.5 * logvar_BD).exp() if self.tells_scale else None, ratio_B)


def network(**options: Any) -> Network:
    return Network(FactorAnalysis(**options), UnitGaussian(SPEC, None)).eval()


def image() -> tuple[Tensor, Tensor]:
    """Return an image and its mask: the left quarter is visible."""
    x = torch.rand((1, 8, 8), generator=torch.Generator().manual_seed(1)) * 2 - 0.5
    visible = torch.zeros(1, 8, 8)
    visible[:, :, :2] = 1
    return x, visible


def conditional(model: Network, x: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and covariance of p(z | x visible) (Bishop 2006, eq. 2.116 and 2.117)."""
    w_VD = model.variant.decoder.weight.detach()[visible.flatten() > 0]
    covariance_DD = (torch.eye(2) + w_VD.T @ w_VD / SIGMA**2).inverse()
    return covariance_DD @ w_VD.T @ x.flatten()[visible.flatten() > 0] / SIGMA**2, covariance_DD


@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0])
def test_the_mean_weight_is_the_likelihood_of_the_visible_pixels_whatever_is_proposed(spread: float) -> None:
    model, (x, visible) = network(width=2.0), image()
    w_VD = model.variant.decoder.weight.detach()[visible.flatten() > 0]
    covariance = w_VD @ w_VD.T + SIGMA**2 * torch.eye(len(w_VD))
    truth = MultivariateNormal(torch.zeros(len(w_VD)), covariance).log_prob(x.flatten()[visible.flatten() > 0])
    proposals = spread * torch.randn((20_000, 2), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        weighted = weigh(model, x, visible, 0, proposals, torch.Generator().manual_seed(3))
    assert float(weighted.evidence - truth) == pytest.approx(0, abs=0.05)


def walk(model: Network, x: Tensor, visible: Tensor, steps: int = 60, chains: int = 4000) -> tuple[Tensor, float]:
    """Return where chains end that begin far off, and the share of proposals that were accepted."""
    generator = torch.Generator().manual_seed(4)
    sampler = Gibbs(model, x, visible, 0)
    rates = []
    with torch.no_grad():
        states = sampler.begin(torch.full((chains, 2), 3.0), generator)
        for _ in range(steps):
            states, accepted = sampler.step(states, generator)
            rates.append(float(accepted.float().mean()))
    return states.latent, sum(rates) / len(rates)


def test_corrected_chains_draw_from_the_conditional_distribution() -> None:
    model, (x, visible) = network(), image()
    mean, covariance = conditional(model, x, visible)
    z, rate = walk(model, x, visible)
    assert 0.2 < rate < 1
    torch.testing.assert_close(z.mean(0), mean, rtol=0, atol=0.06)
    torch.testing.assert_close(z.T.cov(), covariance, rtol=0, atol=0.08)


def test_without_a_known_posterior_every_proposal_is_taken_and_the_distribution_is_another() -> None:
    model, (x, visible) = network(width=2.0, tells_scale=False), image()
    _, covariance = conditional(model, x, visible)
    z, rate = walk(model, x, visible)
    assert rate == 1
    assert float((z.T.cov() - covariance).abs().max()) > 0.15


def test_weights_are_flattened_as_far_as_asked_and_no_further() -> None:
    log_weight = torch.tensor([0.0, -1.0, -30.0, -80.0, -81.0, -200.0])
    for least in (1.0, 2.0, 3.0, 5.0):
        weight = tempered(log_weight, least)
        assert float(weight.sum()) == pytest.approx(1)
        assert float(1 / weight.square().sum()) >= least - 1e-3
        assert torch.equal(weight.argsort(), log_weight.argsort())
    torch.testing.assert_close(tempered(log_weight, 1.0), log_weight.softmax(0))
    assert float(1 / tempered(log_weight, 3.0).square().sum()) == pytest.approx(3, abs=1e-2)


def trained(partial: Any, batch: Any, steps: int) -> None:
    optimizer = torch.optim.AdamW(partial.parameters(), lr=5e-3)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 5e-3 * (1 - step / steps)
        optimizer.zero_grad()
        partial.loss(*batch(128, step)).mean().backward()
        optimizer.step()


def test_a_mixture_learns_the_conditional_distribution() -> None:
    model, (_, visible) = network(), image()

    def batch(size: int, seed: int) -> tuple[Any, ...]:
        generator = torch.Generator().manual_seed(seed)
        z = torch.randn((size, 2), generator=generator)
        with torch.no_grad():
            mean = model.variant.decode(z, None)
        x = mean + SIGMA * torch.randn(mean.shape, generator=generator)
        return x, visible.expand(size, -1, -1, -1), torch.zeros(size, dtype=torch.int64), z, generator

    torch.manual_seed(0)
    partial = MixtureEncoder(SPEC, torch.zeros(1, 2), components=2, hidden=32)
    trained(partial, batch, 250)
    _, covariance = conditional(model, *image())
    entropy = float(MultivariateNormal(torch.zeros(2), covariance).entropy())
    with torch.no_grad():
        nll = float(partial.loss(*batch(4000, 10_000)).mean())
    assert entropy - 0.05 < nll < entropy + 0.15


def test_refining_goes_towards_the_latents_that_explain_the_visible_pixels() -> None:
    model, (x, visible) = network(), image()
    mean, _ = conditional(model, x, visible)
    torch.manual_seed(0)
    partial = MixtureEncoder(SPEC, torch.zeros(1, 2), components=1, hidden=8)
    with torch.no_grad():
        for parameter in partial.parameters():
            parameter.zero_()  # c is N(0, I), the model's prior, so that the target is p(z | x visible) itself
    far = mean + torch.tensor([[1.0, 1.0], [-1.5, 0.5]])

    def explain(latent: Any) -> Tensor:
        seen = visible.flatten() > 0
        return (0.5 * (x.flatten()[seen] - model.variant.decode(latent, None).flatten(1)[:, seen]).square()).sum(
            1
        ) / SIGMA**2

    near = partial.refine(far, x, visible, 0, explain)
    assert bool(((near - mean).norm(dim=1) < 0.4 * (far - mean).norm(dim=1)).all())


def test_codes_that_go_together_are_drawn_together() -> None:
    def batch(size: int, seed: int) -> tuple[Any, ...]:
        generator = torch.Generator().manual_seed(seed)
        codes = torch.randint(2, (size, 1), generator=generator).expand(-1, 16)
        x, visible = torch.zeros(size, 1, 8, 8), torch.zeros(size, 1, 8, 8)
        return x, visible, torch.zeros(size, dtype=torch.int64), codes.contiguous(), generator

    torch.manual_seed(0)
    partial = CodeEncoder(SPEC, torch.zeros((1, 4, 4), dtype=torch.int64), codes=2, features=16, depth=1)
    trained(partial, batch, 120)
    with torch.no_grad():
        nll = float(partial.loss(*batch(2000, 10_000)).mean())
    drawn = partial.draw(torch.zeros(1, 8, 8), torch.zeros(1, 8, 8), 0, 200, torch.Generator().manual_seed(0))
    assert drawn.shape == (200, 4, 4)
    ones = drawn.flatten(1).float().mean(dim=1)
    assert float(((ones == 0) | (ones == 1)).float().mean()) > 0.9  # drawn one by one, one in 30,000 would be
    assert 0.3 < float(ones.mean()) < 0.7
    # In a random order the first code costs log 2 and the rest nothing; the mean over how many are shown is log 2 too.
    assert nll == pytest.approx(math.log(2), abs=0.6)

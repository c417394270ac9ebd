"""The importance-weighted bound, on a linear model whose likelihood has a closed form."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal
from toy_training import SPEC, Linear

from vaeaug import Encoded, ReconstructionLoss
from vaeaug.errors import InputError
from vaeaug.models.likelihood import iwae_bound
from vaeaug.models.network import Network
from vaeaug.nn import log_normal, reparameterize

SIGMA = 0.5
NONE = torch.zeros(4, dtype=torch.int64)


class UnitGaussian(ReconstructionLoss):
    """N(x; raw, sigma^2 I), in nats."""

    name = "toy-likelihood"

    def forward(self, raw_BRHW: Tensor, x_BCHW: Tensor) -> Tensor:
        return -log_normal(
            x_BCHW.flatten(1), raw_BRHW.flatten(1), torch.full_like(raw_BRHW.flatten(1), 2 * math.log(SIGMA))
        )

    def image(self, raw_BRHW: Tensor) -> Tensor:
        return raw_BRHW.clamp(0, 1)


class PrincipalComponents(Linear):
    """p(x|z) = N(W z, sigma^2 I) with one latent that matters: its posterior is known (Tipping & Bishop 1999)."""

    def __init__(self, *, width: float = 1.0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.width = width
        with torch.no_grad():
            self.decoder.weight.copy_(torch.randn(self.decoder.weight.shape, generator=generator) / 8)
            self.decoder.weight[:, 1] = 0
            self.decoder.bias.zero_()

    def encode(self, x_BCHW: Tensor, y_B: Tensor, generator: torch.Generator | None = None) -> Encoded:
        w_PD = self.decoder.weight
        precision_DD = w_PD.T @ w_PD / SIGMA**2 + torch.eye(2)
        mean_BD = x_BCHW.flatten(1) @ w_PD / SIGMA**2 @ precision_DD.inverse()
        logvar_BD = -precision_DD.diagonal().log().expand_as(mean_BD) + 2 * math.log(self.width)
        z_BD = mean_BD if generator is None else reparameterize(mean_BD, logvar_BD, generator)
        zero = torch.zeros_like(mean_BD)
        ratio_B = log_normal(z_BD, mean_BD, logvar_BD) - log_normal(z_BD, zero, zero)
        return Encoded(z_BD, mean_BD, {}, log_ratio=ratio_B)


def network(**options: Any) -> tuple[Network, Tensor, Tensor]:
    """Return the model, images, and their true -log p(x)."""
    variant = PrincipalComponents(**options)
    x = torch.rand((4, 1, 8, 8), generator=torch.Generator().manual_seed(1))
    covariance = variant.decoder.weight @ variant.decoder.weight.T + SIGMA**2 * torch.eye(64)
    truth = -MultivariateNormal(torch.zeros(64), covariance).log_prob(x.flatten(1))
    return Network(variant, UnitGaussian(SPEC, None)).eval(), x, truth.detach()


@pytest.mark.parametrize("draws", [1, 3, 120])
def test_with_the_true_posterior_every_draw_gives_the_likelihood(draws: int) -> None:
    model, x, truth = network()
    bound = iwae_bound(model, x, NONE, torch.Generator().manual_seed(2), draws)
    torch.testing.assert_close(bound, truth, rtol=1e-5, atol=1e-3)


def test_with_another_posterior_it_falls_to_the_likelihood_as_draws_are_added() -> None:
    model, x, truth = network(width=2.0)
    gaps = []
    for draws in (1, 10, 2000):
        bounds = [iwae_bound(model, x, NONE, torch.Generator().manual_seed(seed), draws) for seed in range(12)]
        gaps.append(float((torch.stack(bounds).mean(0) - truth).mean()))
    assert gaps[0] > gaps[1] > gaps[2]
    assert abs(gaps[2]) < 0.02


def test_a_variant_without_weights_is_named() -> None:
    model = Network(Linear(), UnitGaussian(SPEC, None)).eval()
    with pytest.raises(InputError, match="'toy' has no importance weights"):
        iwae_bound(model, torch.rand(4, 1, 8, 8), NONE, torch.Generator(), 5)

"""What `ae`, `iwae` and `vamp-vae` change of the VAE, against closed forms and torch.distributions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_data
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from vaeaug_plugins.losses.bce import BCE
from vaeaug_plugins.variants.ae import Autoencoder
from vaeaug_plugins.variants.iwae import IWAE
from vaeaug_plugins.variants.vae import VAE
from vaeaug_plugins.variants.vamp_vae import VampVAE

import vaeaug
from vaeaug import ImageSpec, Latents
from vaeaug.contracts import parse_options

SPEC = ImageSpec(channels=1, height=9, width=8, num_classes=3, raw_channels=1)


def build(cls: Any, seed: int = 0, **options: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return cls(SPEC, parse_options(cls.Config, options, "it")).eval()


def batch(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    return torch.rand((count, 1, 9, 8), generator=seeded(seed)), torch.arange(count) % 3


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def total(model: Any, x: Tensor, y: Tensor, seed: int) -> Tensor:
    return torch.stack(list(model.losses(x, y, BCE(SPEC, None), seeded(seed))["model"].values())).sum(dim=0)


def log_weights(model: Any, x: Tensor, y: Tensor, draws: int, seed: int) -> Tensor:
    """Return log p(x, z) - log q(z|x) of the draws that the seed gives, (B, K), as the definition has it."""
    mean, logvar = model.posterior(x, y)
    posterior = Normal(mean.repeat_interleave(draws, 0), (0.5 * logvar).exp().repeat_interleave(draws, 0))
    eps = torch.randn(posterior.mean.shape, generator=seeded(seed))
    z = posterior.mean + posterior.stddev * eps
    x_repeated = x.repeat_interleave(draws, 0)
    error = BCE(SPEC, None)(model.decode(z, y.repeat_interleave(draws, 0)), x_repeated)
    prior = Normal(torch.zeros_like(z), torch.ones_like(z))
    return (-error + prior.log_prob(z).sum(1) - posterior.log_prob(z).sum(1)).view(-1, draws)


@pytest.mark.parametrize("draws", [1, 2, 7])
def test_the_terms_of_the_iwae_add_up_to_its_bound(draws: int) -> None:
    model, (x, y) = build(IWAE, samples=draws, latent_dim=5), batch(4)
    bound = -log_weights(model, x, y, draws, seed=3).exp().mean(dim=1).log()
    torch.testing.assert_close(total(model, x, y, seed=3), bound)


def test_the_gradient_of_the_terms_is_that_of_the_bound() -> None:
    # The weights are constants in the terms; their own gradient cancels in the bound (Burda et al. 2016, eq. 13).
    model, (x, y) = build(IWAE, samples=5, latent_dim=5), batch(4)
    parameters = list(model.parameters())
    bound = -log_weights(model, x, y, 5, seed=3).exp().mean(dim=1).log().mean()
    expected = torch.autograd.grad(bound, parameters)
    gradients = torch.autograd.grad(total(model, x, y, seed=3).mean(), parameters)
    for gradient, exact in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, exact, rtol=1e-3, atol=1e-4)


def test_more_draws_never_loosen_the_bound() -> None:
    # Burda et al. 2016, theorem 1: L_k <= L_(k+1) <= log p(x), in the mean over draws.
    x, y = batch(64)
    one, many = (build(IWAE, samples=draws, latent_dim=5) for draws in (1, 20))
    many.load_state_dict(one.state_dict())
    loose = torch.stack([total(one, x, y, seed) for seed in range(20)]).mean()
    tight = torch.stack([total(many, x, y, seed) for seed in range(20)]).mean()
    assert tight < loose - 0.01


def test_one_draw_is_the_vae_on_average() -> None:
    x, y = batch(8)
    iwae, vae = build(IWAE, samples=1, latent_dim=5), build(VAE, latent_dim=5)
    vae.load_state_dict(iwae.state_dict())
    difference = torch.stack([total(iwae, x, y, seed) - total(vae, x, y, seed) for seed in range(400)])
    assert difference.mean(dim=0).abs().max() < 4 * difference.std(dim=0).max() / 20


def test_the_vampprior_is_the_mixture_of_its_components() -> None:
    model = build(VampVAE, pseudo_inputs=6, latent_dim=4)
    z, y = torch.randn((9, 4), generator=seeded(0)), torch.arange(9) % 3
    mean, logvar = model.components(y)
    components = Independent(Normal(mean, (0.5 * logvar).exp()), 1)
    mixture = MixtureSameFamily(Categorical(torch.ones(9, 6)), components)
    torch.testing.assert_close(model.log_prior(z, y), mixture.log_prob(z))


def test_draws_from_the_vampprior_have_its_moments() -> None:
    model = build(VampVAE, pseudo_inputs=6, latent_dim=4)
    with torch.no_grad():
        model.pseudo_YKCHW.copy_(torch.rand(model.pseudo_YKCHW.shape, generator=seeded(1)) * 3 - 1)
        model.encoder.body.outputs.weight.mul_(10)
        mean, logvar = (part[0] for part in model.components(torch.tensor([2])))
        draws = model.prior(torch.full((20_000,), 2), seeded(2))
    variance = logvar.exp().mean(0) + mean.var(0, correction=0)
    torch.testing.assert_close(draws.mean(0), mean.mean(0), rtol=0, atol=0.05)
    torch.testing.assert_close(draws.var(0), variance, rtol=0.05, atol=0)


def test_the_first_images_of_each_class_become_its_pseudo_inputs() -> None:
    model = build(VampVAE, pseudo_inputs=3, latent_dim=4).train()
    x, y = batch(6)  # two of each class
    model.losses(x, y, BCE(SPEC, None), seeded(0))
    assert model.started_Y.tolist() == [2, 2, 2]
    torch.testing.assert_close(model.pseudo_YKCHW.detach()[1, :2], x[[1, 4]])
    later, _ = batch(6, seed=1)
    model.losses(later, y, BCE(SPEC, None), seeded(0))
    assert model.started_Y.tolist() == [3, 3, 3]
    torch.testing.assert_close(model.pseudo_YKCHW.detach()[1], torch.stack([x[1], x[4], later[1]]))
    model.losses(1 - x, y, BCE(SPEC, None), seeded(0))  # and no others after that
    torch.testing.assert_close(model.pseudo_YKCHW.detach()[1], torch.stack([x[1], x[4], later[1]]))


def test_an_autoencoder_keeps_its_latents_short() -> None:
    model, (x, y) = build(Autoencoder, latent_weight=3), batch(4)
    encoded = model.encode(x, y)
    torch.testing.assert_close(encoded.penalties["length"], 1.5 * encoded.latent.norm(dim=1).square())


def test_short_latents_keep_an_autoencoder_alive_where_gradients_do_not_fade(tmp_path: Path) -> None:
    # Unbounded, they grow until the sigmoid behind the decoder saturates: this very run then draws one image.
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 30, "bee": 30, "cow": 30}, height=16, width=16)
    settings = {"variant": "ae", "loss": "ms-ssim", "scope": "shared", "steps": 200, "seed": 1, "workers": 1}
    model = vaeaug.train(data, tmp_path / "model", **settings)
    samples = np.concatenate([model.sample(label, 8) for label in model.classes])
    assert len(np.unique(samples, axis=0)) == 24
    assert samples.std(axis=0).mean() > 15


def test_an_autoencoder_draws_from_the_gaussian_of_its_latents() -> None:
    model = build(Autoencoder, latent_dim=3)
    mixing = torch.tensor([[2.0, 0.0, 0.0], [1.0, 0.5, 0.0], [0.0, -3.0, 0.1]])
    z = torch.randn((5000, 3), generator=seeded(0)) @ mixing.T + torch.tensor([5.0, -1.0, 0.0])
    model.fit_prior(Latents(z, torch.zeros(5000, dtype=torch.int64)), seeded(1))
    draws = model.prior(torch.zeros(20_000, dtype=torch.int64), seeded(2))
    torch.testing.assert_close(draws.mean(0), z.mean(0), rtol=0, atol=0.1)
    torch.testing.assert_close(draws.T.cov(), z.T.cov(), rtol=0.05, atol=0.1)


def test_an_autoencoder_of_fewer_images_than_dimensions_still_draws() -> None:
    model = build(Autoencoder, latent_dim=16)
    z = torch.randn((3, 16), generator=seeded(0))
    model.fit_prior(Latents(z, torch.zeros(3, dtype=torch.int64)), seeded(1))
    assert model.prior(torch.zeros(8, dtype=torch.int64), seeded(2)).isfinite().all()

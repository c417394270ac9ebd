"""The ladder of latents: its coordinates, its divergences, its grids, and how it is drawn and trained."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
import toy_training
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Normal, kl_divergence
from vaeaug_plugins.losses.bce import BCE
from vaeaug_plugins.variants.hvae import HVAE

from vaeaug import ImageSpec, Latents
from vaeaug.nn.ladder import ladder_grids, ladder_patch
from vaeaug.testing.cases import perturbed
from vaeaug.training.objective import objective

SPEC = ImageSpec(channels=1, height=28, width=28, num_classes=2)


def model(**options: float) -> HVAE:
    """Return an untrained model whose every part matters: no layer is at its zero start."""
    torch.manual_seed(0)
    return perturbed(HVAE(SPEC, HVAE.Config(latent_dim=16, **options))).eval()


def batch(count: int = 4) -> tuple[Tensor, Tensor]:
    return torch.rand(count, 1, 28, 28, generator=seeded(1)), torch.arange(count) % 2


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def groups(hvae: HVAE, x: Tensor, y: Tensor, generator: torch.Generator) -> list[tuple[Tensor, Normal, Normal]]:
    """Return each group's latents, posterior and prior where they are, not in coordinates of the prior."""
    features, found = hvae.encoder(x, y), []

    def draw(number: int, state: Tensor) -> Tensor:
        mean, logvar = hvae.groups[number].moments(state, features[number])
        u = mean + (0.5 * logvar).exp() * torch.randn(mean.shape, generator=generator)
        if number == 0:
            prior_mean, prior_logvar = (each.view_as(mean) for each in hvae.class_prior(y))
            found.append((u, Normal(mean, (0.5 * logvar).exp()), Normal(prior_mean, (0.5 * prior_logvar).exp())))
            return u
        prior_mean, prior_logvar = hvae.priors[number - 1](state).chunk(2, dim=1)
        scale = (0.5 * prior_logvar).exp()
        posterior = Normal(prior_mean + scale * mean, scale * (0.5 * logvar).exp())
        found.append((prior_mean + scale * u, posterior, Normal(prior_mean, scale)))
        return u

    hvae.descend(y, draw)
    return found


@torch.no_grad()
def test_each_groups_kl_is_that_of_its_latents_whatever_their_coordinates() -> None:
    hvae, (x, y) = model(), batch()
    penalties = hvae.encode(x, y, seeded(2)).penalties
    assert list(penalties) == ["kl/1", "kl/2", "kl/3"]
    for kl, (_, posterior, prior) in zip(penalties.values(), groups(hvae, x, y, seeded(2)), strict=True):
        torch.testing.assert_close(kl, kl_divergence(posterior, prior).flatten(1).sum(dim=1), rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_the_log_ratio_is_that_of_all_latents_whatever_their_coordinates() -> None:
    # The change of coordinates has the same Jacobian under posterior and prior, so it cancels.
    hvae, (x, y) = model(), batch()
    expected = sum(
        (posterior.log_prob(z) - prior.log_prob(z)).flatten(1).sum(dim=1)
        for z, posterior, prior in groups(hvae, x, y, seeded(3))
    )
    log_ratio = hvae.encode(x, y, seeded(3)).log_ratio
    assert log_ratio is not None
    torch.testing.assert_close(log_ratio, expected, rtol=1e-3, atol=1e-2)


@torch.no_grad()
def test_a_groups_kl_is_zero_where_its_posterior_is_its_prior_and_only_there() -> None:
    hvae, (x, y) = model(), batch()
    for parameter in (*(p for group in hvae.groups for p in group.posterior.parameters()), hvae.class_prior.table_KD):
        parameter.zero_()
    for kl in hvae.encode(x, y, seeded(0)).penalties.values():
        torch.testing.assert_close(kl, torch.zeros(4))
    channels, rows, columns = hvae.shapes[1]
    hvae.groups[1].posterior.bias[:channels] = 0.5  # every mean of the second group, half a standard deviation away
    penalties = hvae.encode(x, y, seeded(0)).penalties
    torch.testing.assert_close(penalties["kl/2"], torch.full((4,), 0.5 * 0.25 * channels * rows * columns))
    assert not penalties["kl/1"].any()
    assert not penalties["kl/3"].any()


@torch.no_grad()
def test_training_walks_the_ladder_as_encoding_and_decoding_do() -> None:
    hvae, (x, y), bce = model(), batch(), BCE(SPEC, BCE.Config())
    terms = hvae.losses(x, y, bce, seeded(4))["model"]
    encoded = hvae.encode(x, y, seeded(4))
    torch.testing.assert_close(terms.pop("reconstruction"), bce(hvae.decode(encoded.latent, y), x))
    torch.testing.assert_close(terms, encoded.penalties)


@torch.no_grad()
def test_draws_below_the_top_are_standard_normal_and_the_temperature_scales_all() -> None:
    y = torch.zeros(4000, dtype=torch.long)
    mean, logvar = (each[0] for each in model().class_prior(y[:1]))
    for temperature in (1.0, 0.5):
        cool = model(temperature=temperature)
        top, *lower = (leaf.flatten(1) for leaf in cool.prior(y, seeded(5)))
        for leaf in lower:
            torch.testing.assert_close(leaf.mean(), torch.tensor(0.0), atol=0.01, rtol=0)
            torch.testing.assert_close(leaf.std(dim=0), torch.full_like(leaf[0], temperature), atol=0.06, rtol=0)
        torch.testing.assert_close(top.mean(dim=0), mean, atol=0.1, rtol=0)
        torch.testing.assert_close(top.std(dim=0), temperature * (0.5 * logvar).exp(), atol=0.06, rtol=0.1)


@torch.no_grad()
def test_the_fitted_prior_of_a_class_has_the_moments_of_its_draws_and_other_classes_keep_theirs() -> None:
    hvae, (x, y) = model(), batch(12)
    before = hvae.class_prior.table_KD.clone()
    mine = y == 1
    encoded = hvae.encode(x[mine], y[mine])
    hvae.fit_prior(Latents(encoded.latent, y[mine], encoded.scale), seeded(0))
    torch.testing.assert_close(hvae.class_prior.table_KD[0], before[0])
    many = (each[mine].repeat_interleave(500, dim=0) for each in (x, y))
    draws = hvae.encode(*many, seeded(0)).latent[0].flatten(1)
    mean, logvar = (each[0] for each in hvae.class_prior(torch.tensor([1])))
    torch.testing.assert_close(mean, draws.mean(dim=0), atol=0.1, rtol=0)
    torch.testing.assert_close((0.5 * logvar).exp(), draws.std(dim=0), atol=0.05, rtol=0.05)


@settings(max_examples=50, deadline=None)
@given(height=st.integers(8, 256), width=st.integers(8, 256), count=st.integers(2, 8))
def test_grids_grow_from_one_cell_to_the_patches(height: int, width: int, count: int) -> None:
    grids = ladder_grids(height, width, count)
    patch = ladder_patch(height, width)
    assert len(grids) == count
    assert grids[0] == (1, 1)
    assert grids[-1] == (math.ceil(height / patch), math.ceil(width / patch))
    for (rows, columns), (more_rows, more_columns) in pairwise(grids):
        assert rows <= more_rows
        assert columns <= more_columns
    if count == 3:
        assert math.prod(grids[0]) < math.prod(grids[1]) < math.prod(grids[2])


@pytest.mark.parametrize(("latent_dim", "shapes"), [
    (1, [(1, 1, 1), (1, 3, 3), (1, 7, 7)]),
    (64, [(64, 1, 1), (8, 3, 3), (2, 7, 7)]),
])  # fmt: skip
def test_every_group_has_the_dimensions_asked_for_on_its_grid(
    latent_dim: int, shapes: list[tuple[int, int, int]]
) -> None:
    hvae = HVAE(SPEC, HVAE.Config(latent_dim=latent_dim))
    x, y = batch(2)
    assert [tuple(leaf.shape[1:]) for leaf in hvae.encode(x, y).latent] == shapes
    assert all(math.prod(shape) >= latent_dim for shape in shapes)


@torch.no_grad()
def test_a_latent_of_the_finest_group_goes_into_the_image_at_its_patch() -> None:
    hvae, (_, y) = model(), batch(1)
    for parameter in hvae.decoder.blocks[-1].outward.parameters():
        parameter.zero_()  # the block after it sees all cells
    latent = hvae.prior(y, seeded(6))
    raw = hvae.decode(latent, y)
    latent[-1][:, :, 2, 5] += 1.0
    changed = (hvae.decode(latent, y) - raw).abs()[0, 0] > 1e-6
    assert changed[8:12, 20:24].all()
    assert changed.sum() == 16


def test_free_bits_count_for_each_group() -> None:
    hvae, (x, y) = model(), batch()
    terms = hvae.losses(x, y, BCE(SPEC, BCE.Config()), seeded(7))["model"]
    nats = {name: value.mean().item() for name, value in terms.items()}
    divergences = [nats[f"kl/{number}"] for number in (1, 2, 3)]
    bits = (min(divergences) + max(divergences)) / 2  # free for one group at least, and not for all
    total = objective(terms, set(terms) - {"reconstruction"}, 0.5, bits).item()
    assert total == pytest.approx(nats["reconstruction"] + 0.5 * sum(max(kl, bits) for kl in divergences), rel=1e-5)
    for number, kl in enumerate(divergences):
        posterior = hvae.groups[number].posterior.weight
        alone = objective({"kl": terms[f"kl/{number + 1}"]}, {"kl"}, 1.0, bits)
        (gradient,) = torch.autograd.grad(alone, posterior, retain_graph=True)
        assert gradient.any() == (kl > bits)  # what is free is not pushed towards its prior


def test_every_group_is_used_more_where_its_first_nats_are_free() -> None:
    # Noise is hardly worth its nats under a squared error, so groups all but collapse where every nat costs.
    used = {}
    for bits in (0.0, 2.0):
        torch.manual_seed(0)
        _, result = toy_training.train(
            HVAE(toy_training.SPEC, HVAE.Config(latent_dim=8, width=32)), steps=120, free_bits=bits, patience=0, ema=0.0
        )
        used[bits] = [result.history[-1]["train"][f"kl/{number}"] for number in (1, 2, 3)]
    assert all(free > paid for free, paid in zip(used[2.0], used[0.0], strict=True))
    assert min(used[2.0]) > 2 * min(used[0.0])

"""Losses that are likelihoods, against closed forms, enumeration and torch.distributions."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import Categorical, Laplace
from vaeaug_plugins.losses.bce import BCE
from vaeaug_plugins.losses.cross_entropy import CrossEntropy
from vaeaug_plugins.losses.discretized_logistic import DiscretizedLogistic, log_probability
from vaeaug_plugins.losses.l1 import L1

from vaeaug import ImageSpec, ImageStatistics

PALETTE = ((255, 255, 255), (200, 30, 40), (200, 30, 41), (0, 0, 0), (17, 133, 99))  # two are all but equal


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def pixels(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def loss(cls: Any, channels: int = 3, palette: Any = None, **options: Any) -> Any:
    return cls(ImageSpec(channels, 6, 5, palette=palette), cls.Config(**options)).eval()


# l1


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(1e-2, 2))
def test_l1_in_eval_mode_is_the_laplace_of_the_kept_scale(seed: int, scale: float) -> None:
    raw, x = random(4, 3, 6, 5, seed=seed), pixels(4, 3, 6, 5, seed=seed)
    module = loss(L1)
    module.scale.kept.fill_(scale)
    nll = -Laplace(raw.sigmoid(), scale).log_prob(x).sum(dim=(1, 2, 3))
    torch.testing.assert_close(module(raw, x), nll, rtol=1e-4, atol=1e-2)


def test_l1_in_training_is_the_likelihood_at_its_best_scale() -> None:
    raw, x = random(4, 3, 6, 5), pixels(4, 3, 6, 5)
    best = (raw.sigmoid() - x).abs().mean()
    nll = -Laplace(raw.sigmoid(), best).log_prob(x).sum(dim=(1, 2, 3))
    torch.testing.assert_close(loss(L1).train()(raw, x), nll, rtol=1e-4, atol=1e-3)
    for factor in (0.9, 1.1):  # no other scale explains the batch better
        assert -Laplace(raw.sigmoid(), factor * best).log_prob(x).sum(dim=(1, 2, 3)).mean() > nll.mean()


def test_the_l1_scale_follows_the_error_and_has_a_floor() -> None:
    raw, x = random(4, 3, 6, 5), pixels(4, 3, 6, 5)
    module = loss(L1).train()
    assert module(x.logit(eps=1e-4), x).isfinite().all()  # a perfect batch is not infinitely likely
    for _ in range(500):
        module(raw, x)
    torch.testing.assert_close(module.scale.kept, (raw.sigmoid() - x).abs().mean(), rtol=1e-3, atol=0)


def test_l1_is_no_surer_of_training_images_than_of_held_out_ones() -> None:
    raw, x = random(4, 3, 6, 5), pixels(4, 3, 6, 5)
    module = loss(L1).train()
    module.calibrate(raw, x)
    held_out = (raw.sigmoid() - x).abs().mean()
    near = (x + 0.01).clamp(0.01, 0.99).logit()  # training images are decoded far better
    nll = -Laplace(near.sigmoid(), held_out).log_prob(x).sum(dim=(1, 2, 3))
    torch.testing.assert_close(module(near, x), nll, rtol=1e-4, atol=1e-3)
    module.calibrate(x.logit(eps=1e-4), x)  # and no longer than that is so
    assert (module(near, x) < nll).all()


# cross-entropy over a palette


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_cross_entropy_over_a_palette_is_categorical(seed: int) -> None:
    module, colours = loss(CrossEntropy, palette=PALETTE), torch.tensor(PALETTE)
    assert module.raw_channels(3) == len(PALETTE)
    raw = 3 * random(4, len(PALETTE), 6, 5, seed=seed)
    index = (len(PALETTE) * pixels(4, 6, 5, seed=seed)).long()
    x = (colours.float() / 255)[index].permute(0, 3, 1, 2)
    nll = -Categorical(logits=raw.permute(0, 2, 3, 1)).log_prob(index).sum(dim=(1, 2))
    torch.testing.assert_close(module(raw, x), nll)


def test_its_image_is_of_the_very_palette() -> None:
    module, colours = loss(CrossEntropy, palette=PALETTE), torch.tensor(PALETTE)
    raw = random(4, len(PALETTE), 6, 5)
    image = module.image(raw)
    expected = (colours.to(torch.uint8).float() / 255)[raw.argmax(dim=1)].permute(0, 3, 1, 2)
    assert torch.equal(image, expected)  # bit for bit what reading such an image gives


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 256), channels=st.sampled_from([1, 3]))
def test_every_palette_comes_back(seed: int, count: int, channels: int) -> None:
    codes = torch.randperm(256**channels if channels == 1 else 2**20, generator=torch.Generator().manual_seed(seed))
    palette = tuple(tuple(int(code) >> (8 * c) & 255 for c in range(channels)) for code in codes[:count])
    module = loss(CrossEntropy, channels, palette=palette)
    index = torch.arange(30).remainder(count).view(1, 6, 5)
    x = (torch.tensor(palette).float() / 255)[index].permute(0, 3, 1, 2)
    sure = 100 * torch.nn.functional.one_hot(index, count).permute(0, 3, 1, 2).float()
    torch.testing.assert_close(module(sure, x), torch.zeros(1))
    assert torch.equal(module.image(sure), x)


def test_a_colour_between_counts_as_the_nearest() -> None:
    module = loss(CrossEntropy, palette=PALETTE)
    x = torch.tensor([250, 240, 255]).float().div(255).view(1, 3, 1, 1).expand(1, 3, 6, 5)
    sure = torch.zeros(1, len(PALETTE), 6, 5)
    sure[:, 0] = 100.0
    torch.testing.assert_close(module(sure, x), torch.zeros(1))


@pytest.mark.parametrize("palette", [PALETTE, None])
def test_gradients_of_the_image_are_those_of_the_expected_colour(palette: Any) -> None:
    module = loss(CrossEntropy, palette=palette, levels=4)
    raw = random(2, module.raw_channels(3), 6, 5).requires_grad_()
    weights = random(2, 3, 6, 5, seed=1)
    (gradient,) = torch.autograd.grad((weights * module.image(raw)).sum(), raw)
    if palette is None:
        expected = torch.einsum("bclhw,l->bchw", raw.unflatten(1, (3, 4)).softmax(dim=2), torch.arange(4) / 3)
    else:
        expected = torch.einsum("bkhw,kc->bchw", raw.softmax(dim=1), torch.tensor(palette) / 255)
    torch.testing.assert_close(gradient, torch.autograd.grad((weights * expected).sum(), raw)[0])
    assert gradient.abs().min() > 0


def test_following_the_gradient_finds_an_indexed_image() -> None:
    module = loss(CrossEntropy, palette=PALETTE)
    index = (len(PALETTE) * pixels(2, 6, 5)).long()
    x = (torch.tensor(PALETTE) / 255)[index].permute(0, 3, 1, 2)
    raw = torch.zeros(2, len(PALETTE), 6, 5, requires_grad=True)
    for _ in range(50):
        (gradient,) = torch.autograd.grad(module(raw, x).sum(), raw)
        raw = (raw - gradient).detach().requires_grad_()
    assert torch.equal(module.image(raw), x)


def test_it_suits_indexed_images_alone() -> None:
    reason = CrossEntropy.suits(ImageStatistics(3, PALETTE, 0.9))
    assert reason is not None
    assert "5 colours" in reason
    assert CrossEntropy.suits(ImageStatistics(1, None, 0.9)) is None


# cross-entropy over levels


@pytest.mark.parametrize("levels", [2, 7, 256])
def test_cross_entropy_over_levels_is_categorical(levels: int) -> None:
    module = loss(CrossEntropy, levels=levels)
    assert (module.raw_channels(1), module.raw_channels(3)) == (levels, 3 * levels)
    raw, x = random(2, 3 * levels, 6, 5), pixels(2, 3, 6, 5)
    index = (x * (levels - 1)).round()
    logits = raw.view(2, 3, levels, 6, 5).permute(0, 1, 3, 4, 2)
    nll = -Categorical(logits=logits).log_prob(index).sum(dim=(1, 2, 3))
    torch.testing.assert_close(module(raw, x), nll)


def test_two_levels_are_a_bernoulli() -> None:
    raw, x = random(2, 2, 6, 5), pixels(2, 1, 6, 5).round()
    difference = raw[:, 1:] - raw[:, :1]
    torch.testing.assert_close(loss(CrossEntropy, 1, levels=2)(raw, x), loss(BCE, 1)(difference, x))
    assert torch.equal(loss(CrossEntropy, 1, levels=2).image(raw), (difference > 0).float())


# discretized logistic


@settings(max_examples=50, deadline=None)
@given(mean=st.floats(-3, 3), log_scale=st.floats(-7, 7))
def test_the_probabilities_of_the_256_intensities_sum_to_one(mean: float, log_scale: float) -> None:
    level = torch.arange(256.0)
    log_p = log_probability(level, level / 127.5 - 1 - mean, torch.tensor(log_scale))
    torch.testing.assert_close(log_p.exp().sum(), torch.tensor(1.0), rtol=1e-3, atol=0)
    value = level.double() / 127.5 - 1
    upper = ((value + 1 / 255 - mean) / math.exp(log_scale)).sigmoid().where(level < 255, 1.0)
    lower = ((value - 1 / 255 - mean) / math.exp(log_scale)).sigmoid().where(level > 0, 0.0)
    torch.testing.assert_close(log_p.exp().double(), upper - lower, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("log_scale", [-7.0, 7.0])
def test_the_narrowest_logistic_knows_the_intensity_and_the_widest_only_the_ends(log_scale: float) -> None:
    level = torch.arange(256.0)
    p = log_probability(level, level / 127.5 - 1 - (100 / 127.5 - 1), torch.tensor(log_scale)).exp()
    if log_scale < 0:
        assert p[100] > 0.97
    else:
        torch.testing.assert_close(p[[0, 255]], torch.tensor([0.5, 0.5]), rtol=1e-2, atol=0)


@pytest.mark.parametrize("components", [1, 5])
def test_a_gray_mixture_sums_to_one_and_its_image_is_the_mean(components: int) -> None:
    module = loss(DiscretizedLogistic, 1, components=components)
    raw = random(1, module.raw_channels(1), 1, 1)
    raw.unflatten(1, (components, 3))[:, :, 2] -= 4  # narrow, so that little lies beyond the ends
    x = (torch.arange(256) / 255).view(256, 1, 1, 1)
    p = (-module(raw.expand(256, -1, -1, -1), x)).exp()
    torch.testing.assert_close(p.sum(), torch.tensor(1.0), rtol=1e-4, atol=0)
    torch.testing.assert_close(module.image(raw).item(), (p @ x.flatten()).item(), rtol=0, atol=0.02)


@pytest.mark.parametrize("components", [1, 3])
def test_colours_depend_on_those_before_as_in_the_paper(components: int) -> None:
    module = loss(DiscretizedLogistic, components=components)
    assert module.raw_channels(3) == 10 * components  # Salimans et al. 2017, sec. 2.1 and 2.2
    raw, x = random(1, 10 * components, 1, 1), torch.tensor([0, 77, 255]).div(255).view(1, 3, 1, 1)
    r, g, b = (value * 2 - 1 for value in x.flatten().double())
    total = torch.zeros((), dtype=torch.double)
    parts = raw.double().view(components, 10)
    for weight, part in zip(parts[:, 0].softmax(dim=0), parts, strict=True):
        means, scales, (alpha, beta, gamma) = part[1:4], part[4:7].exp(), part[7:].tanh()
        coupled = [means[0], means[1] + alpha * r, means[2] + beta * r + gamma * g]
        p_r = ((r + 1 / 255 - coupled[0]) / scales[0]).sigmoid()
        p_g = ((g + 1 / 255 - coupled[1]) / scales[1]).sigmoid() - ((g - 1 / 255 - coupled[1]) / scales[1]).sigmoid()
        p_b = 1 - ((b - 1 / 255 - coupled[2]) / scales[2]).sigmoid()
        total += weight * p_r * p_g * p_b
    torch.testing.assert_close(module(raw, x), -total.log().float()[None], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [0.0, 30.0, 1000.0])
def test_gradients_of_the_logistic_are_finite_at_extremes(channels: int, size: float) -> None:
    module = loss(DiscretizedLogistic, channels)
    signs = random(2, module.raw_channels(channels), 6, 5).sign()
    for x in (torch.zeros(2, channels, 6, 5), torch.ones(2, channels, 6, 5), pixels(2, channels, 6, 5)):
        raw = (size * signs).requires_grad_()
        value = module(raw, x)
        (gradient,) = torch.autograd.grad(value.sum(), raw)
        assert value.isfinite().all()
        assert gradient.isfinite().all()

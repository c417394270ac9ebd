"""The code prior: it looks back only, its cache changes nothing, and it learns what it is shown."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vaeaug.nn import CodePrior, fit_code_prior
from vaeaug.nn.code_fitting import code_nll
from vaeaug.nn.code_prior import sample_categorical

GRID = (3, 4)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def prior(codes: int = 7, grid: tuple[int, int] = GRID) -> CodePrior:
    """Return a prior none of whose layers is at its start, where blocks do nothing."""
    torch.manual_seed(0)
    model = CodePrior(description_KM=torch.eye(codes), grid=grid, num_classes=2, features=16, depth=2, heads=2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return model.requires_grad_(False)


def some_codes(count: int, codes: int = 7) -> Tensor:
    return torch.randint(codes, (count, GRID[0] * GRID[1]), generator=seeded(1))


def test_logits_do_not_change_with_the_code_there_or_later_ones() -> None:
    model, codes, y = prior(), some_codes(2), torch.tensor([0, 1])
    logits = model(codes, y)
    for t in range(codes.shape[1]):
        other = codes.clone()
        other[:, t:] = (other[:, t:] + 1) % 7
        changed = model(other, y)
        torch.testing.assert_close(changed[:, : t + 1], logits[:, : t + 1])
        if t + 1 < codes.shape[1]:
            assert not torch.allclose(changed[:, t + 1], logits[:, t + 1])


def test_every_earlier_code_and_the_class_count() -> None:
    model, codes, y = prior(), some_codes(1), torch.tensor([0])
    logits = model(codes, y)
    for t in range(codes.shape[1] - 1):
        other = codes.clone()
        other[:, t] = (other[:, t] + 1) % 7
        assert not torch.allclose(model(other, y)[:, -1], logits[:, -1])
    assert not torch.allclose(model(codes, 1 - y), logits)


@pytest.mark.parametrize("grid", [(3, 4), (4, 2), (5, 1), (1, 5)])
def test_drawing_with_the_cache_is_drawing_from_all_codes_so_far(grid: tuple[int, int]) -> None:
    model, y = prior(grid=grid), torch.tensor([0, 1, 1])
    drawn = model.draw(y, seeded(2), temperature=0.7, top_p=0.9)
    generator, again = seeded(2), torch.zeros_like(drawn)
    for t in range(drawn.shape[1]):
        logits = model(again, y)[:, t]  # computed anew from scratch; what stands at t and later does not matter
        again[:, t] = sample_categorical(logits, generator, temperature=0.7, top_p=0.9)
    assert torch.equal(drawn, again)


def test_temperature_zero_takes_the_likeliest_code_each_time() -> None:
    model, y = prior(), torch.tensor([0, 1])
    drawn = model.draw(y, seeded(), temperature=0)
    assert torch.equal(drawn, model(drawn, y).argmax(dim=2))
    assert torch.equal(drawn, model.draw(y, seeded(9), temperature=1e-4))
    assert torch.equal(drawn, model.draw(y, seeded(9), top_p=0))


def test_draws_have_the_softmax_of_the_logits_over_the_temperature() -> None:
    logits = torch.tensor([2.0, 0.0, 1.0, -1.0])
    for temperature in (0.5, 1.0, 2.0):
        drawn = sample_categorical(logits.repeat(40_000, 1), seeded(), temperature=temperature, top_p=1)
        shares = drawn.bincount(minlength=4) / len(drawn)
        torch.testing.assert_close(shares, (logits / temperature).softmax(dim=0), atol=0.01, rtol=0)


def test_top_p_leaves_the_fewest_codes_that_have_the_probability() -> None:
    logits = torch.tensor([0.15, 0.5, 0.05, 0.3]).log()
    for top_p, kept in ((0.4, {1}), (0.6, {1, 3}), (0.81, {0, 1, 3}), (1.0, {0, 1, 2, 3})):
        drawn = sample_categorical(logits.repeat(10_000, 1), seeded(), temperature=1, top_p=top_p)
        assert set(drawn.tolist()) == kept
    shares = (
        sample_categorical(logits.repeat(40_000, 1), seeded(), temperature=1, top_p=0.6).bincount(minlength=4) / 40_000
    )
    torch.testing.assert_close(shares, torch.tensor([0, 0.625, 0, 0.375]), atol=0.01, rtol=0)


def patterns(count: int) -> tuple[Tensor, Tensor]:
    """Return grids whose first code is one of two of the class, and settles the others: each is the last one plus 1."""
    y = torch.arange(count) % 2
    first = 3 * y + torch.arange(count) // 2 % 2
    return (first[:, None] + torch.arange(12)) % 7, y


def test_a_fitted_prior_draws_what_it_was_shown() -> None:
    torch.manual_seed(0)
    model = CodePrior(
        description_KM=torch.eye(7), grid=GRID, num_classes=2, features=32, depth=1, heads=2
    ).requires_grad_(False)
    codes, y = patterns(256)
    with torch.no_grad():  # as the host may call it
        fit_code_prior(model, codes, y, seeded(), steps=200)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    entropy = torch.tensor(2.0).log()  # of a class's grids: two, equally likely
    assert entropy - 0.01 < code_nll(model, codes, y).sum(dim=1).mean() < entropy + 0.3
    drawn = model.draw(y[:100], seeded(3))
    expected = (drawn[:, :1] + torch.arange(12)) % 7
    allowed = torch.isin(drawn[:, 0] - 3 * y[:100], torch.tensor([0, 1]))
    assert ((drawn == expected).all(dim=1) & allowed).float().mean() > 0.7
    assert len(drawn[:, 0].unique()) == 4  # both grids of each class


def test_a_fit_learns_nothing_by_heart() -> None:
    torch.manual_seed(0)
    model = CodePrior(description_KM=torch.eye(7), grid=GRID, num_classes=2, features=32, depth=1, heads=2)
    codes, y = some_codes(400), torch.arange(400) % 2  # random: nothing holds beyond the images it is seen in
    fit_code_prior(model, codes[:40], y[:40], seeded(), steps=200)
    assert code_nll(model, codes[40:], y[40:]).mean() < 1.1 * torch.tensor(7.0).log()


def test_a_fit_never_ends_worse_on_held_out_images_than_it_started() -> None:
    model = prior()
    codes, y = model.draw(torch.arange(40) % 2, seeded(1)), torch.arange(40) % 2
    held_out = torch.randperm(40, generator=seeded(4))[:4]
    others = torch.ones(40, dtype=torch.bool)
    others[held_out] = False
    codes[others] = 0  # what is learned of these is wrong of the ones held out, which the start explains
    before = code_nll(model, codes[held_out], y[held_out]).mean()
    fit_code_prior(model, codes, y, seeded(4), steps=30)
    assert code_nll(model, codes[held_out], y[held_out]).mean() <= before
    assert code_nll(model, codes[others], y[others]).mean() > 0.1  # the last weights know them by heart


def test_a_fit_is_the_same_for_the_same_seed_and_leaves_global_randomness_alone() -> None:
    codes, y = patterns(16)
    fitted = []
    for _ in range(2):
        model, before = prior(), torch.get_rng_state()
        fit_code_prior(model, codes, y, seeded(4), steps=5)
        assert torch.equal(before, torch.get_rng_state())
        fitted.append(model.state_dict())
    assert all(torch.equal(fitted[0][name], fitted[1][name]) for name in fitted[0])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_images_are_enough_to_fit(count: int) -> None:
    model = prior()
    fit_code_prior(model, some_codes(count), torch.zeros(count, dtype=torch.long), seeded(), steps=3)
    assert model.draw(torch.tensor([0, 1]), seeded()).shape == (2, 12)


@pytest.mark.parametrize("seconds", [0.5, 20.0])
def test_the_clock_ends_the_fit(seconds: float) -> None:
    """However little time there is, one step is taken, and the weights that explain held-out codes best are kept."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 1.0
        return now

    model = prior()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    limits = {"steps": 10_000, "seconds": seconds, "clock": clock}
    fit_code_prior(model, some_codes(300), torch.arange(300) % 2, seeded(2), **limits)
    assert now <= seconds + 4
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())
    if seconds > 10:
        assert any(not torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_time_enough_changes_nothing() -> None:
    fitted = []
    for seconds in (None, 1e9):
        model = prior()
        fit_code_prior(model, some_codes(40), torch.arange(40) % 2, seeded(2), steps=8, seconds=seconds)
        fitted.append(model.state_dict())
    assert all(torch.equal(fitted[0][name], fitted[1][name]) for name in fitted[0])

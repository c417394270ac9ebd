"""The weights of the guesses: convex, and at least as good as the best of them on what they are fitted to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vaeaug.inpainting.holes import KINDS, random_hole
from vaeaug.inpainting.pixel_blend import KNOTS, decoded_only, fit_weights, gaussian_only, weight_maps

Completed = list[tuple[Tensor, Tensor, Tensor]]


def completed(noise: tuple[float, float, float], count: int = 24, seed: int = 0) -> Completed:
    """Return guesses that miss the image by independent noise of these standard deviations."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    examples = []
    for number in range(count):
        image = torch.rand(1, 16, 16)
        guesses = image + torch.tensor(noise).view(3, 1, 1, 1) * torch.randn(3, 1, 16, 16)
        hole = random_hole(KINDS[number % len(KINDS)], 16, 16, rng)
        examples.append((guesses, image, torch.from_numpy(~hole)[None].float()))
    return examples


def error(weights: Tensor, examples: Completed) -> float:
    """Return the mean square error in the holes, each image relative to the best guess of it, as it is fitted."""
    total = 0.0
    for guesses, image, visible in examples:
        hidden = visible[0] == 0
        blended = (weight_maps(weights, visible)[:, None] * guesses).sum(dim=0)
        best = float((guesses - image).square()[:, :, hidden].mean(dim=(1, 2)).min())
        total += float((blended - image).square()[:, hidden].mean()) / best
    return total / len(examples)


@settings(max_examples=20, deadline=None)
@given(st.tuples(*[st.sampled_from([0.01, 0.05, 0.2])] * 3), st.integers(0, 10**6))
def test_the_blend_is_convex_and_no_worse_than_its_best_part(noise: tuple[float, float, float], seed: int) -> None:
    examples = completed(noise, seed=seed)
    weights = fit_weights(iter(examples))
    assert weights.shape == (2, len(KNOTS), 3)
    assert (weights >= 0).all()
    assert torch.allclose(weights.sum(dim=-1), torch.ones(2, len(KNOTS)))
    alone = []
    for expert in range(3):
        only = torch.zeros(2, len(KNOTS), 3)
        only[..., expert] = 1
        alone.append(error(only, examples))
    assert error(weights, examples) <= min(alone) * 1.02  # weights of less than 5 % are dropped


def test_independent_errors_are_weighted_by_their_precision() -> None:
    weights = fit_weights(iter(completed((0.1, 5.0, 0.1), count=120)))
    assert weights[..., 0].sub(0.5).abs().max() < 0.1
    assert weights[..., 1].max() == 0


def test_holes_of_strokes_have_weights_of_their_own() -> None:
    """In thin holes the last guess is right here, in thick ones the first."""

    def examples() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        for number in range(30):
            image, visible = torch.rand(1, 16, 16), torch.ones(1, 16, 16)
            thin = number % 2 == 0
            visible[:, 7 : 9 if thin else 15, 2:14] = 0
            bad = image + 0.3
            yield torch.stack([bad, bad, image] if thin else [image, bad, bad]), image, visible

    thin, thick = fit_weights(examples())
    assert thin[:, 2].min() == 1
    assert thick[:, 0].min() == 1


def test_without_examples_the_decoded_image_is_taken() -> None:
    assert torch.equal(fit_weights(iter([])), decoded_only())


@pytest.mark.parametrize("weights", [decoded_only(), gaussian_only()])
@pytest.mark.parametrize("kind", [*KINDS, "all", "none"])
def test_the_weights_of_a_pixel_sum_to_one(weights: Tensor, kind: str) -> None:
    hole = np.full((12, 12), kind == "all")
    if kind in KINDS:
        hole = random_hole(kind, 12, 12, np.random.default_rng(1))
    maps = weight_maps(weights, torch.from_numpy(~hole)[None].float())
    assert maps.shape == (3, 12, 12)
    assert torch.allclose(maps.sum(dim=0), torch.ones(12, 12))


def test_a_guess_is_not_scaled_to_fit_better() -> None:
    """Twice the dark guess is the image, but weights that sum to 1 cannot double it: the noisy one is better."""
    torch.manual_seed(0)
    examples = []
    for number in range(24):
        image = torch.rand(1, 16, 16)
        dark, noisy = 0.5 * image, image + 0.15 * torch.randn(1, 16, 16)
        hole = random_hole(KINDS[number % len(KINDS)], 16, 16, np.random.default_rng(number))
        examples.append((torch.stack([dark, noisy, dark]), image, torch.from_numpy(~hole)[None].float()))
    assert fit_weights(iter(examples))[..., 1].min() > 0.5


@pytest.mark.parametrize(("kind", "group"), [("thin", 0), ("thick", 1)])
def test_thin_and_thick_holes_take_their_own_weights(kind: str, group: int) -> None:
    weights = torch.stack([decoded_only()[0], gaussian_only()[0]])
    visible = torch.ones(1, 16, 16)
    visible[:, 7 : 9 if kind == "thin" else 15, 2:14] = 0
    assert torch.equal(weight_maps(weights, visible)[:, 8, 8], weights[group, 0])

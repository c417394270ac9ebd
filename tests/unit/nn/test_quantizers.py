"""Quantizers against closed forms: what FSQ's codes stand for, and how an EMA codebook moves."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

from vaeaug.nn import CosineCodebook, FiniteScalarQuantizer
from vaeaug.nn.quantizers import spherical_k_means


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=20, deadline=None)
@given(levels=st.lists(st.integers(3, 9), min_size=1, max_size=4))
def test_every_fsq_code_is_the_nearest_to_its_own_vector(levels: list[int]) -> None:
    quantizer = FiniteScalarQuantizer(levels)
    codes = torch.arange(quantizer.size)
    vectors = quantizer.embed(codes)
    assert torch.equal(quantizer.nearest(vectors), codes)
    assert len(vectors.unique(dim=0)) == quantizer.size
    assert vectors.abs().max() <= 1


@pytest.mark.parametrize("count", range(3, 10))
def test_fsq_reaches_every_level_and_no_other(count: int) -> None:
    quantizer = FiniteScalarQuantizer([count])
    z = torch.linspace(-20, 20, 4001)[:, None]
    vectors, codes, _ = quantizer(z)
    assert codes.unique().tolist() == list(range(count))
    expected = (torch.arange(count) - count // 2) / (count // 2)
    torch.testing.assert_close(vectors.unique(), expected)


@pytest.mark.parametrize("levels", [[4096], [1300, 3]])
def test_fsq_has_no_code_beyond_the_last_of_many_levels(levels: list[int]) -> None:
    quantizer = FiniteScalarQuantizer(levels)
    far = torch.tensor([[-30.0], [30.0]]).expand(2, len(levels))
    _, codes, _ = quantizer(far)
    assert codes.tolist() == [0, quantizer.size - 1]


@pytest.mark.parametrize("count", range(3, 10))
def test_fsq_leaves_zero_at_zero_for_even_and_odd_levels(count: int) -> None:
    bounded = FiniteScalarQuantizer([count]).bound(torch.zeros(1, 1))
    torch.testing.assert_close(bounded, torch.zeros(1, 1), atol=1e-6, rtol=0)


def test_the_fsq_gradient_is_that_of_the_bound_as_if_nothing_were_rounded() -> None:
    quantizer = FiniteScalarQuantizer([8, 6, 5])
    z = torch.randn(20, 3, generator=seeded(), requires_grad=True)
    weights = torch.randn(20, 3, generator=seeded(1))
    (through,) = torch.autograd.grad((weights * quantizer(z)[0]).sum(), z)
    (expected,) = torch.autograd.grad((weights * quantizer.bound(z)).sum(), z)
    torch.testing.assert_close(through, expected)
    assert (through != 0).all()


def test_fsq_describes_a_code_by_its_levels() -> None:
    quantizer = FiniteScalarQuantizer([4, 3])
    assert quantizer.description().shape == (12, 7)
    for code, row in enumerate(quantizer.description()):
        assert row.nonzero()[:, 0].tolist() == [code // 3, 4 + code % 3]


def test_fsq_refuses_two_levels() -> None:
    with pytest.raises(ValueError, match="3 levels"):
        FiniteScalarQuantizer([8, 2])


def test_the_ema_gradient_passes_straight_through_and_misses_the_codebook() -> None:
    quantizer = CosineCodebook(16, 4)
    z = torch.randn(20, 4, generator=seeded(), requires_grad=True)
    vectors, codes, bounded = quantizer(z)
    torch.testing.assert_close(vectors, quantizer.codebook()[codes])
    (gradient,) = torch.autograd.grad(vectors.sum(), bounded)
    assert torch.equal(gradient, torch.ones_like(gradient))
    assert not quantizer.vectors_KD.requires_grad


def test_the_nearest_ema_code_is_the_one_at_the_least_distance() -> None:
    quantizer = CosineCodebook(16, 4)
    bounded = quantizer.bound(torch.randn(50, 4, generator=seeded()))
    assert torch.equal(quantizer.nearest(bounded), torch.cdist(bounded, quantizer.codebook()).argmin(dim=1))


def started(points: torch.Tensor, size: int = 4, **options: float) -> CosineCodebook:
    quantizer = CosineCodebook(size, points.shape[1], **options)
    quantizer.learn(points, quantizer.nearest(points), seeded())
    return quantizer


def test_an_ema_step_is_the_moving_average_of_counts_and_sums() -> None:
    points = normalize(torch.randn(200, 3, generator=seeded(3)), dim=1)
    quantizer = started(points, decay=0.9, min_use=0.0)
    counts, sums = quantizer.counts_K.clone(), quantizer.sums_KD.clone()
    others = normalize(torch.randn(100, 3, generator=seeded(4)), dim=1)
    codes = quantizer.nearest(others)
    quantizer.learn(others, codes, seeded())
    for code in range(4):
        mine = others[codes == code]
        torch.testing.assert_close(quantizer.counts_K[code], 0.9 * counts[code] + 0.1 * len(mine))
        expected = 0.9 * sums[code] + 0.1 * mine.sum(dim=0)
        torch.testing.assert_close(quantizer.sums_KD[code], expected)
        torch.testing.assert_close(quantizer.codebook()[code], normalize(expected, dim=0))


def test_a_dead_code_starts_again_at_a_feature_that_no_code_is_near_to() -> None:
    many, far = torch.tensor([1.0, 0.0, 0.0]).repeat(99, 1), torch.tensor([[0.0, 0.0, 1.0]])
    quantizer = CosineCodebook(2, 3, decay=0.5, min_use=0.1)
    quantizer.started.fill_(True)
    quantizer.sums_KD.copy_(torch.tensor([[50.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    quantizer.counts_K.copy_(torch.tensor([50.0, 1.0]))  # the second is hardly in use
    points = torch.cat([many, far])
    quantizer.learn(points, torch.zeros(100, dtype=torch.long), seeded())
    torch.testing.assert_close(quantizer.codebook()[1], far[0])
    torch.testing.assert_close(quantizer.codebook()[0], many[0], atol=0.05, rtol=0)
    assert quantizer.counts_K[1] == 50  # the average use, so that it has time to prove itself


def test_the_codebook_starts_at_the_k_means_of_the_features() -> None:
    centres = torch.eye(4)
    points = normalize(centres.repeat(50, 1) + 0.05 * torch.randn(200, 4, generator=seeded(5)), dim=1)
    cosines = centres @ started(points).codebook().T
    assert cosines.max(dim=1).values.min() > 0.99  # a code at every cluster, and so one code at each


def test_k_means_works_where_there_are_fewer_different_points_than_centres() -> None:
    centres = spherical_k_means(torch.eye(3)[:2].repeat(4, 1), 5, seeded())
    assert centres.shape == (5, 3)
    torch.testing.assert_close(centres.norm(dim=1), torch.ones(5))


def test_most_codes_stay_in_use_where_one_point_in_ten_is_different() -> None:
    # Nine in ten features are alike, as those of a blank background; restarts must not all fall there.
    points = normalize(torch.randn(200, 8, generator=seeded(6)), dim=1)
    points = torch.cat([points[:1].repeat(1800, 1), points])
    quantizer = started(points, size=64)
    for step in range(100):
        quantizer.learn(points, quantizer.nearest(points), seeded(step))
    used = quantizer.nearest(points).unique()
    assert len(used) > 0.9 * 64

"""The interval of a difference: closed forms, and that it covers what it says it does."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from vaeaug.evaluation.statistics import mean_over_seeds, paired_difference


def test_where_images_do_not_matter_it_is_the_paired_t_interval_over_seeds() -> None:
    by_seed = np.array([0.1, 0.3, -0.2, 0.4])
    difference = paired_difference(np.zeros((4, 50)), np.repeat(by_seed[:, None], 50, axis=1))
    low, high = ttest_1samp(by_seed, 0).confidence_interval(0.95)
    assert (difference.low, difference.high) == pytest.approx((low, high))
    assert difference.seed_fraction == 1


def test_one_of_five_intervals_is_of_99_percent_so_that_all_hold_with_95() -> None:
    by_seed = np.array([0.1, 0.3, -0.2, 0.4])
    difference = paired_difference(np.zeros((4, 50)), np.repeat(by_seed[:, None], 50, axis=1))
    low, high = ttest_1samp(by_seed, 0).confidence_interval(0.99)
    bonferroni = difference.bonferroni(5)
    assert (bonferroni.low, bonferroni.high) == pytest.approx((low, high))
    assert bonferroni.confidence == pytest.approx(0.99)
    assert difference.bonferroni(1).half_width == difference.half_width


def test_where_seeds_do_not_matter_it_is_the_normal_interval_over_images() -> None:
    by_image = np.random.default_rng(0).normal(0.02, 0.3, 400)
    difference = paired_difference(np.zeros((3, 400)), np.repeat(by_image[None], 3, axis=0))
    assert difference.mean == pytest.approx(by_image.mean())
    assert difference.half_width == pytest.approx(1.959964 * by_image.std(ddof=1) / 20, rel=1e-5)
    assert difference.seed_fraction == pytest.approx(0, abs=1e-12)


def test_the_order_of_seeds_and_images_and_the_sign_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.random((2, 5, 30))
    seeds, images = rng.permutation(5), rng.permutation(30)
    one = paired_difference(first, second)
    other = paired_difference(second[seeds][:, images], first[seeds][:, images])
    assert (other.mean, other.half_width) == pytest.approx((-one.mean, one.half_width))


def test_seeds_that_agree_by_chance_alone_are_not_sure() -> None:
    """Each of three seeds gains one image of ten, another one each: the means are equal, and tell next to nothing."""
    second_SN = np.zeros((3, 10))
    second_SN[0, 3] = second_SN[1, 7] = second_SN[2, 1] = 1
    difference = paired_difference(np.zeros((3, 10)), second_SN)
    assert difference.mean == pytest.approx(0.1)
    residual = 2 / 18  # sum of squares: 2.7 in all, 0.7 between images, none between seeds
    assert difference.half_width == pytest.approx(2.100922 * np.sqrt(residual / 30), rel=1e-4)
    assert difference.low < 0


@pytest.mark.parametrize("seeds", [3, 5, 7])
def test_nor_are_they_where_their_means_are_equal_but_for_rounding(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    row_N = np.repeat([1 / 3, 0.0, -0.7], [9, 30, 4])
    second_SN = np.stack([rng.permutation(row_N) for _ in range(seeds)])
    difference = paired_difference(np.zeros_like(second_SN), second_SN)
    assert difference.half_width > 0.01


def test_the_same_predictions_differ_by_nothing() -> None:
    first = np.eye(4)
    difference = paired_difference(first, first)
    assert (difference.low, difference.high) == (0, 0)


@pytest.mark.parametrize("gain", [0.0, 0.2, 1.0])
def test_two_seeds_have_a_difference_and_no_interval(gain: float) -> None:
    second_SN = np.full((2, 10), gain)
    difference = paired_difference(np.zeros((2, 10)), second_SN)
    assert difference.mean == pytest.approx(gain)
    assert difference.half_width is None
    assert (difference.low, difference.high) == (-1, 1)
    assert not difference.is_informative
    assert (difference.bonferroni(5).half_width, difference.bonferroni(5).confidence) == (None, pytest.approx(0.99))
    assert mean_over_seeds(second_SN.mean(axis=1)) == (pytest.approx(gain), None)


@pytest.mark.parametrize("seeds", [3, 5])
def test_the_interval_over_seeds_is_that_of_students_t(seeds: int) -> None:
    values_S = np.array([0.1, 0.3, -0.2, 0.4, 0.25])[:seeds]
    low, high = ttest_1samp(values_S, 0).confidence_interval(0.95)
    assert mean_over_seeds(values_S) == (pytest.approx(values_S.mean()), pytest.approx((high - low) / 2))


def test_two_images_are_enough_for_an_interval() -> None:
    difference = paired_difference(np.zeros((3, 2)), np.repeat([[0.0, 1.0]], 3, axis=0))
    assert difference.mean == 0.5
    assert difference.half_width == pytest.approx(1.959964 * np.sqrt(0.5 / 2), rel=1e-5)


@pytest.mark.parametrize("shape", [(1, 10), (10, 1)])
def test_one_seed_or_one_image_has_no_interval(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="two seeds and two test images"):
        paired_difference(np.zeros(shape), np.ones(shape))


@pytest.mark.parametrize(("of_seeds", "of_images"), [(0.02, 0.0), (0.0, 0.3), (0.01, 0.2), (0.003, 0.1)])
def test_19_of_20_intervals_hold_the_truth(of_seeds: float, of_images: float) -> None:
    """Differences of 5 seeds on 150 images, with effects of seeds and images of these standard deviations."""
    rng, truth, runs = np.random.default_rng(0), 0.01, 2000
    held = 0
    for _ in range(runs):
        effects = rng.normal(0, of_seeds, (5, 1)) + rng.normal(0, of_images, (1, 150))
        difference = paired_difference(np.zeros((5, 150)), truth + effects + rng.normal(0, 0.3, (5, 150)))
        held += difference.low <= truth <= difference.high
    assert 0.935 < held / runs < 0.985


def test_a_t_interval_over_seeds_alone_holds_it_far_too_rarely() -> None:
    """Why the interval counts images: what each image adds is common to all seeds."""
    rng, runs = np.random.default_rng(0), 500
    held = 0
    for _ in range(runs):
        d_SN = rng.normal(0, 0.3, (1, 150)) + rng.normal(0, 0.1, (5, 150))
        mean, half_width = mean_over_seeds(d_SN.mean(axis=1))
        held += abs(mean) <= half_width
    assert held / runs < 0.7

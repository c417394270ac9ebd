"""FID and KID are their closed forms and torchmetrics'; precision, recall, density and coverage those of the papers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vaeaug.evaluation.embedding import Embedded
from vaeaug.evaluation.fidelity import fidelity, frechet_distance, kernel_distance, measure_fidelity, prdc


def with_moments(
    rng: np.random.Generator, count: int, mean_F: NDArray[np.float64], root_FF: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return features with exactly this mean and the covariance root' root."""
    raw_NF = rng.normal(size=(count, len(mean_F)))
    raw_NF -= raw_NF.mean(axis=0)
    whitened_NF = np.linalg.qr(raw_NF)[0] * math.sqrt(count - 1)
    return whitened_NF @ root_FF + mean_F


class AsTheyAre(nn.Module):
    """Lets torchmetrics have features where it expects images."""

    num_features = 6

    def forward(self, x_NF: Tensor) -> Tensor:
        return x_NF


@pytest.mark.parametrize("rows", [7, 4096])
def test_frechet_distance_of_gaussians_with_one_set_of_axes(rows: int) -> None:
    rng = np.random.default_rng(0)
    a_mean, b_mean = np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 5.0])
    a_deviation, b_deviation = np.array([1.0, 0.5, 3.0]), np.array([2.0, 0.5, 1.0])
    a_NF = with_moments(rng, 50, a_mean, np.diag(a_deviation))
    b_MF = with_moments(rng, 31, b_mean, np.diag(b_deviation))
    expected = ((a_mean - b_mean) ** 2).sum() + ((a_deviation - b_deviation) ** 2).sum()
    assert frechet_distance(a_NF, b_MF, rows=rows) == pytest.approx(expected, rel=1e-10)


def test_frechet_distance_of_gaussians_with_different_axes() -> None:
    """With one covariance I and the other of eigenvalues s^2 it is the sum of (1 - s)^2, whatever the axes."""
    rng = np.random.default_rng(1)
    axes_FF = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    deviations = np.array([0.1, 1.0, 2.0, 3.0])
    a_NF = with_moments(rng, 40, np.zeros(4), np.eye(4))
    b_NF = with_moments(rng, 40, np.zeros(4), np.diag(deviations) @ axes_FF)
    assert frechet_distance(a_NF, b_NF) == pytest.approx(((1 - deviations) ** 2).sum(), rel=1e-10)


def test_frechet_distance_is_right_where_there_are_fewer_images_than_features() -> None:
    """Features that lie on a line each: variances 2 and 8 along axes with the cosine 0.6 between them."""
    axis_F, other_F = np.zeros(100), np.zeros(100)
    axis_F[0], other_F[:2] = 1, (0.6, 0.8)
    a_NF, b_NF = np.outer([-1, 1], axis_F), np.outer([-2, 2], other_F)
    assert frechet_distance(a_NF, b_NF) == pytest.approx(2 + 8 - 2 * math.sqrt(2 * 8) * 0.6)
    assert frechet_distance(a_NF, a_NF) == pytest.approx(0, abs=1e-12)


def test_frechet_distance_is_that_of_torchmetrics() -> None:
    fid = pytest.importorskip("torchmetrics.image.fid").FrechetInceptionDistance(feature=AsTheyAre())
    fid.set_dtype(torch.float64)
    rng = np.random.default_rng(2)
    a_NF, b_NF = rng.normal(size=(80, 6)) @ rng.normal(size=(6, 6)), rng.normal(size=(50, 6)) + 0.3
    fid.update(torch.from_numpy(a_NF), real=True)
    fid.update(torch.from_numpy(b_NF), real=False)
    assert frechet_distance(a_NF, b_NF) == pytest.approx(float(fid.compute()), rel=1e-6)


def test_kernel_distance_is_that_of_torchmetrics() -> None:
    metrics = pytest.importorskip("torchmetrics.image.kid")
    kid = metrics.KernelInceptionDistance(feature=AsTheyAre(), subsets=1, subset_size=60)
    rng = np.random.default_rng(3)
    a_NF, b_NF = rng.normal(size=(60, 6)), rng.normal(size=(60, 6)) * 1.5 + 0.5
    kid.update(torch.from_numpy(a_NF), real=True)
    kid.update(torch.from_numpy(b_NF), real=False)
    assert kernel_distance(a_NF, b_NF) == pytest.approx(float(kid.compute()[0]), rel=1e-6)


@pytest.mark.parametrize("rows", [1, 2, 1024])
def test_kernel_distance_of_points_on_a_line(rows: int) -> None:
    """One feature, so k(x, y) = (xy + 1)^3, by hand."""
    a_NF, b_MF = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0], [-1.0]])
    own_a, own_b = 1.0, (27 + 0 - 1) / 3
    between = (1 + 1 + 1 + 8 + 27 + 0) / 6
    assert kernel_distance(a_NF, b_MF, rows=rows) == pytest.approx(own_a + own_b - 2 * between)


def test_kernel_distance_has_no_bias() -> None:
    rng = np.random.default_rng(4)
    values = [kernel_distance(*rng.normal(size=(2, 8, 5))) for _ in range(400)]
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(len(values))


def test_precision_recall_density_and_coverage_of_points_on_a_line() -> None:
    """Real 0, 1, 2, 10 reach 1, 1, 1, 8 (k = 1); the others 0.5, 3, 30 reach 2.5, 2.5, 27."""
    real_NF, others_MF = np.array([[0.0], [1.0], [2.0], [10.0]]), np.array([[0.5], [3.0], [30.0]])
    # 0.5 lies within reach of 0 and 1; 3 of 2 (at the very edge) and of 10; 30 of none.
    precision, density = 2 / 3, (2 + 2 + 0) / 3
    # All real points have another within its reach or are within reach of one; 10 is within reach of 30 alone.
    assert prdc(real_NF, others_MF, 1) == pytest.approx((precision, 1.0, density, 1.0))
    # Without the far one no reach extends to 10; and with two near 0, only 0 and 1 are covered and nothing is recalled.
    assert prdc(real_NF, others_MF[[0, 1]], 1) == pytest.approx((1.0, 3 / 4, 2.0, 1.0))
    assert prdc(real_NF, np.array([[0.4], [0.5]]), 1) == pytest.approx((1.0, 0.0, 2.0, 2 / 4))


def test_density_and_coverage_of_one_distribution_have_their_expectations() -> None:
    """Among the other real points and one more, that one is equally likely of any rank: so density is 1 on average.

    Coverage is 1 - (N - 1)...(N - k) / ((2N - 1)...(2N - k)) (Naeem et al. 2020, lemma 2), and recall is precision of
    the reverse.
    """
    rng, n, k = np.random.default_rng(5), 60, 5
    values_S4 = np.array([prdc(*rng.normal(size=(2, n, 3)), k) for _ in range(200)])
    coverage = 1 - math.prod((n - i) / (2 * n - i) for i in range(1, k + 1))
    error_4 = 4 * values_S4.std(axis=0) / math.sqrt(len(values_S4))
    precision, recall, density, covered = values_S4.mean(axis=0)
    assert abs(density - 1) < error_4[2]
    assert abs(covered - coverage) < error_4[3]
    assert abs(precision - recall) < error_4[0] + error_4[1]


def test_two_samples_in_many_dimensions_have_the_figures_of_the_paper() -> None:
    """Naeem et al. 2020, table 1, have .477, .471, 1.056 and .974 for 10,000 of N(0, I) in 1,000 dimensions, k = 5.

    Here 2,000, in 1,000 dimensions. What density and coverage are expected to be depends on the number hardly at all;
    the figures of single samples scatter by about a tenth, for a few real points are the nearest of many.
    """
    rng = np.random.default_rng(6)
    precision, recall, density, coverage = prdc(*rng.normal(size=(2, 2000, 1000)), 5)
    assert precision == pytest.approx(recall, abs=0.1)
    assert density == pytest.approx(1, abs=0.15)
    assert coverage == pytest.approx(0.97, abs=0.015)


def test_figures_that_few_images_cannot_give_are_none() -> None:
    few = fidelity(np.eye(4), np.eye(4)[:3])
    assert few.fid is not None
    assert few.kid is not None
    assert few.precision is few.recall is few.density is few.coverage is None
    one = fidelity(np.eye(4), np.eye(4)[:1])
    assert one.fid is one.kid is None
    assert (one.real, one.others) == (4, 1)


def embedded(features_NF: NDArray[np.float64], labels: list[int]) -> Embedded:
    return Embedded(np.zeros((len(labels), 1, 1, 1), np.uint8), features_NF.astype(np.float32), np.array(labels))


def test_as_many_are_compared_as_there_are_real_and_held_out_ones() -> None:
    rng = np.random.default_rng(7)
    real = embedded(rng.normal(size=(30, 3)), [0] * 20 + [1] * 10)
    synthetic = embedded(rng.normal(size=(60, 3)), [0] * 8 + [1] * 52)
    held_out = embedded(rng.normal(size=(12, 3)), [0] * 4 + [1] * 8)
    alone = measure_fidelity("f", real, synthetic, ["a", "b", "none"])
    assert (alone.overall.real, alone.overall.others, alone.held_out) == (8 + 10, 8 + 10, None)
    assert {name: (part.real, part.others) for name, part in alone.by_class.items()} == {"a": (20, 8), "b": (10, 10)}
    beside = measure_fidelity("f", real, synthetic, ["a", "b", "none"], held_out=held_out)
    assert beside.held_out is not None
    assert beside.overall.others == beside.held_out.others == 4 + 8
    assert beside.overall.real == beside.held_out.real == 5 + 10  # as 4 to 8, and no class has more than it has
    assert beside.by_class == alone.by_class


def test_over_all_classes_real_images_are_compared_in_the_proportions_of_the_synthetic_ones() -> None:
    """Samples as good as real ones, of the small class alone: how the classes differ is no fault of theirs."""
    rng = np.random.default_rng(9)
    place_NF = np.repeat([[0.0, 0.0], [50.0, 0.0]], [90, 30], axis=0)
    real = embedded(place_NF + rng.normal(size=(120, 2)), [0] * 90 + [1] * 30)
    balance = embedded(place_NF[-1] + rng.normal(size=(60, 2)), [1] * 60)
    report = measure_fidelity("f", real, balance, ["a", "b"])
    assert (report.overall.real, report.overall.others) == (30, 30)
    assert report.overall == report.by_class["b"]
    half_width = embedded(place_NF[::2] + rng.normal(size=(60, 2)), [0] * 45 + [1] * 15)
    assert measure_fidelity("f", real, half_width, ["a", "b"]).overall.real == 120


def test_the_reverse_of_the_classes_is_seen_by_class_alone() -> None:
    """Two groups of images whose labels are exchanged: all together they are alike, and each class is not."""
    rng = np.random.default_rng(8)
    place_NF = np.repeat([[0.0, 0.0], [50.0, 0.0]], 40, axis=0)
    labels = [0] * 40 + [1] * 40
    real = embedded(place_NF + rng.normal(size=(80, 2)), labels)
    swapped = embedded(place_NF[::-1] + rng.normal(size=(80, 2)), labels)
    report = measure_fidelity("f", real, swapped, ["a", "b"])
    assert report.overall.fid is not None
    assert report.overall.fid < 5
    assert report.by_class["a"].fid == pytest.approx(2500, rel=0.1)
    assert report.by_class["a"].precision == 0

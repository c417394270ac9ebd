"""Class densities: the discriminant analysis they are meant to be, and that they find flipped labels."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from vaeaug.anomaly.label_densities import (
    MIN_IMAGES,
    PRIOR_IMAGES_PER_COMPONENT,
    VARIANCE_FLOOR,
    fit_densities,
    scorable_classes,
)
from vaeaug.anomaly.label_scores import label_surprise


def _classes(seed: int, count: int, depth: int, apart: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels_N = np.repeat([0, 2, 3], count)
    means = random.normal(0, apart, (4, depth))
    return (means[labels_N] + random.normal(0, 1, (len(labels_N), depth))).astype(np.float32), labels_N


def test_they_are_the_gaussians_of_the_docstring() -> None:
    features_NF, labels_N = _classes(0, 50, 3)
    densities = fit_densities(lambda: [(features_NF, labels_N)], np.array([0, 2, 3]))
    f = features_NF.astype(np.float64)
    within = [np.cov(f[labels_N == label].T, bias=True) for label in (0, 2, 3)]
    common = np.mean(within, axis=0)
    prior, floor = PRIOR_IMAGES_PER_COMPONENT * 3, VARIANCE_FLOOR * np.trace(common) / 3 * np.eye(3)
    wanted = [
        multivariate_normal(
            f[labels_N == label].mean(axis=0), (50 * own + prior * common) / (50 + prior) + floor
        ).logpdf(f)
        for label, own in zip((0, 2, 3), within, strict=True)
    ]
    found = densities.log_density(features_NF) - 3 / 2 * np.log(2 * np.pi)
    np.testing.assert_allclose(found, np.stack(wanted, axis=1), rtol=1e-6, atol=1e-6)


def test_the_parts_that_images_come_in_do_not_matter() -> None:
    features_NF, labels_N = _classes(1, 40, 5)
    whole = fit_densities(lambda: [(features_NF, labels_N)], np.array([0, 2, 3]))
    cuts = (0, 7, 60, 120)
    pieces = [(features_NF[a:b], labels_N[a:b]) for a, b in pairwise(cuts)]
    parts = fit_densities(lambda: pieces, np.array([0, 2, 3]))
    np.testing.assert_allclose(parts.log_density(features_NF), whole.log_density(features_NF), rtol=1e-6)


def test_flipped_labels_come_first() -> None:
    features_NF, labels_N = _classes(2, 100, 10, apart=1.5)
    given = labels_N.copy()
    wrong = np.random.default_rng(0).permutation(300)[:15]
    given[wrong] = np.where(given[wrong] == 0, 3, 0)
    densities = fit_densities(lambda: [(features_NF, given)], np.array([0, 2, 3]))
    found = label_surprise(densities.log_density(features_NF), np.searchsorted([0, 2, 3], given))
    assert set(np.argsort(-found)[:15]) == set(wrong)
    assert (found[wrong] > 0).all()


@pytest.mark.parametrize("shape", [(30, 200), (6, 3)])
def test_fewer_images_than_dimensions_and_constant_features_do_no_harm(shape: tuple[int, int]) -> None:
    features_NF, labels_N = _classes(3, *shape)
    features_NF[:, 0] = 1.0
    densities = fit_densities(lambda: [(features_NF, labels_N)], np.array([0, 2, 3]))
    assert np.isfinite(densities.log_density(features_NF)).all()
    same = fit_densities(lambda: [(features_NF * 0, labels_N)], np.array([0, 2, 3]))
    assert np.isfinite(same.log_density(features_NF * 0)).all()


def test_unlabelled_images_shape_no_density() -> None:
    features_NF, labels_N = _classes(4, 30, 4)
    strangers = np.full((50, 4), 1000, np.float32)
    alone = fit_densities(lambda: [(features_NF, labels_N)], np.array([0, 2, 3]))
    among = fit_densities(lambda: [(features_NF, labels_N), (strangers, np.full(50, -1))], np.array([0, 2, 3]))
    np.testing.assert_allclose(among.log_density(features_NF), alone.log_density(features_NF), rtol=1e-6)


def test_which_classes_can_be_judged() -> None:
    many, few = MIN_IMAGES, MIN_IMAGES - 1
    assert scorable_classes(np.repeat([-1, 0, 1, 4], [50, many, few, many])).tolist() == [0, 4]
    assert scorable_classes(np.repeat([-1, 0, 1], [50, many, few])).tolist() == []
    assert scorable_classes(np.empty(0, np.int64)).tolist() == []


def test_surprise_is_the_best_other_less_the_own() -> None:
    evidence_NK = np.array([[1.0, 5.0, 3.0], [1.0, 5.0, 3.0]])
    assert label_surprise(evidence_NK, np.array([1, 2])).tolist() == [-2.0, 2.0]

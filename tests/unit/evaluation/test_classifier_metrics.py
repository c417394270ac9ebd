"""Figures of a classifier against scikit-learn's, and what each image adds to them."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, recall_score

from vaeaug.evaluation.classifier_metrics import ACCURACY, BALANCED_ACCURACY, classifier_metrics, contributions


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true_N = np.concatenate([np.arange(4), rng.integers(0, 4, 40) ** 2 // 3])
    predicted_N = np.where(rng.random(44) < 0.6, true_N, rng.integers(0, 4, 44))
    figures = classifier_metrics(true_N, predicted_N, 4)
    assert figures.accuracy == pytest.approx(accuracy_score(true_N, predicted_N))
    assert figures.balanced_accuracy == pytest.approx(balanced_accuracy_score(true_N, predicted_N))
    assert figures.macro_f1 == pytest.approx(f1_score(true_N, predicted_N, average="macro"))
    np.testing.assert_allclose(figures.recall_K, recall_score(true_N, predicted_N, average=None))


def test_a_class_without_test_images_counts_in_no_mean() -> None:
    figures = classifier_metrics(np.array([0, 0, 2, 2]), np.array([0, 0, 2, 1]), 3)
    assert figures.balanced_accuracy == 0.75
    assert figures.macro_f1 == pytest.approx((1 + 2 / 3) / 2)
    np.testing.assert_array_equal(figures.recall_K, [1, np.nan, 0.5])


@pytest.mark.parametrize("metric", [ACCURACY, BALANCED_ACCURACY])
def test_what_images_add_has_the_measure_for_its_mean(metric: str) -> None:
    rng = np.random.default_rng(0)
    true_N, predicted_SN = rng.integers(0, 5, 60) ** 2 % 5, rng.integers(0, 5, (3, 60))
    name = metric.replace("-", "_")
    expected = [getattr(classifier_metrics(true_N, predicted_N, 5), name) for predicted_N in predicted_SN]
    np.testing.assert_allclose(contributions(true_N, predicted_SN, metric).mean(axis=1), expected)

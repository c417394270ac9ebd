"""The linear head is a softmax regression with an L2 penalty, on standardized features."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from vaeaug.classifier.fit import Source
from vaeaug.classifier.linear_head import LINEAR_HEAD, choose_view, fit_linear_head
from vaeaug.evaluation.arms import ARMS, LabelledImages, train_arm

RNG = np.random.default_rng(0)
LABELS_N = np.arange(90) % 3
FEATURES_ND = (RNG.normal(size=(90, 6)) * [1, 2, 3, 4, 5, 1e3] + LABELS_N[:, None]).astype(np.float32)


def test_it_agrees_with_a_solver() -> None:
    config = dataclasses.replace(LINEAR_HEAD, label_smoothing=0.0, l2=0.02, steps=3000, learning_rate=0.02)
    found = fit_linear_head([Source(FEATURES_ND[:, None], LABELS_N)], 3, seed=0, config=config)
    standardized_ND = (FEATURES_ND - FEATURES_ND.mean(axis=0)) / FEATURES_ND.std(axis=0)
    solver = LogisticRegression(C=1 / (len(LABELS_N) * 6 * 0.02)).fit(standardized_ND, LABELS_N)
    np.testing.assert_allclose(
        found.probabilities(FEATURES_ND[:, None]), solver.predict_proba(standardized_ND), atol=0.02
    )


def test_the_same_seed_gives_the_same_head() -> None:
    config = dataclasses.replace(LINEAR_HEAD, steps=20)
    first, second, third = (
        fit_linear_head([Source(FEATURES_ND[:, None], LABELS_N)], 3, seed=seed, config=config).probabilities(
            FEATURES_ND[:, None]
        )
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, third)


def test_a_view_is_chosen_by_the_seed_of_the_image() -> None:
    features_BVD = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    np.testing.assert_array_equal(choose_view(features_BVD, [0, 5, 11])[:, 0], [[0, 1], [10, 11], [22, 23]])


@pytest.mark.parametrize("name", ["real", "mixup", "smote", "weighted", "deferred", "oversampled"])
def test_every_training_method_takes_features(name: str) -> None:
    labels_N = np.array([0] * 40 + [1] * 10)
    features_NVD = (RNG.normal(size=(50, 4, 6)) + 2 * labels_N[:, None, None]).astype(np.float32)
    none = LabelledImages(features_NVD[:0], labels_N[:0])
    classifier = train_arm(
        ARMS[name],
        LabelledImages(features_NVD, labels_N),
        none,
        2,
        seed=0,
        config=dataclasses.replace(LINEAR_HEAD, steps=200, learning_rate=0.01),
        augment=choose_view,
        fit=fit_linear_head,
    )
    assert (classifier.probabilities(features_NVD).argmax(axis=1) == labels_N).mean() > 0.9

"""The map is the PCA of the real images; nothing about it is a matter of luck."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from vaeaug.evaluation.embedding import Embedded
from vaeaug.evaluation.embedding_map import embedding_map


def images(count: int, classes: int = 2, seed: int = 0, features: int = 5) -> Embedded:
    rng = np.random.default_rng(seed)
    features_NF = (rng.normal(size=(count, features)) * np.arange(features, 0, -1)).astype(np.float32)
    return Embedded(np.zeros((count, 1, 1, 1), np.uint8), features_NF, np.arange(count) % classes)


def test_it_is_the_pca_of_the_real_images() -> None:
    real, synthetic = images(40), images(30, seed=1)
    shown = embedding_map("features", real, synthetic, ["a", "b"], seed=0, method="pca")
    pca = PCA(2, svd_solver="full").fit(real.features_NF.astype(np.float64))
    for ours_N2, features_NF in ((shown.real_N2, real.features_NF), (shown.synthetic_M2, synthetic.features_NF)):
        np.testing.assert_allclose(np.abs(ours_N2), np.abs(pca.transform(features_NF)), rtol=1e-4, atol=1e-4)
    share = round(100 * pca.explained_variance_ratio_.sum())
    assert shown.method == f"First two principal components ({share} % of the real images' variance) of the features"


def test_axes_have_one_direction() -> None:
    """Mirrored features have the same axes, whose signs an SVD leaves open, and so the mirrored picture."""
    real = images(40)
    mirrored = Embedded(real.pixels_NHWC, -real.features_NF, real.labels_N)
    once = embedding_map("f", real, real, ["a", "b"], seed=0, method="pca")
    again = embedding_map("f", mirrored, mirrored, ["a", "b"], seed=0, method="pca")
    np.testing.assert_allclose(once.real_N2, -again.real_N2, rtol=1e-4, atol=1e-4)


def test_features_that_are_all_alike_or_one_alone_make_a_map() -> None:
    flat = Embedded(np.zeros((3, 1, 1, 1), np.uint8), np.ones((3, 1), np.float32), np.zeros(3, np.int64))
    shown = embedding_map("f", flat, flat, ["a"], seed=0, method="pca")
    assert shown.real_N2.shape == (3, 2)


def test_of_many_images_each_class_shows_its_share() -> None:
    """Of 7,000 images 3,000 are shown, which is 3 of 7, and at least one of each class."""
    labels_N = np.array([0] * 6000 + [1] * 998 + [2] * 2)
    real = Embedded(np.zeros((7000, 1, 1, 1), np.uint8), images(7000).features_NF, labels_N)
    shown = embedding_map("f", real, real, ["a", "b", "c"], seed=3, method="pca")
    assert np.bincount(shown.real_labels_N).tolist() == [2571, 427, 1]
    again = embedding_map("f", real, real, ["a", "b", "c"], seed=3, method="pca")
    np.testing.assert_array_equal(shown.real_N2, again.real_N2)


def test_umap_is_repeatable() -> None:
    pytest.importorskip("umap")
    real, synthetic = images(60), images(20, seed=1)
    once, again = (embedding_map("f", real, synthetic, ["a", "b"], seed=0, method="umap") for _ in range(2))
    assert once.method.startswith("UMAP")
    assert once.synthetic_M2.shape == (20, 2)
    np.testing.assert_array_equal(once.synthetic_M2, again.synthetic_M2)

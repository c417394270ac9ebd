"""What each arm is trained on."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from vaeaug.classifier.class_weights import DEFERRED_FRACTION, ClassWeights, class_balanced_weights
from vaeaug.classifier.fit import ClassifierConfig, Source, fit_classifier
from vaeaug.classifier.network import ConvClassifier
from vaeaug.errors import InputError
from vaeaug.evaluation.arms import ARMS, LabelledImages, baselines, compared_arms, parse_arms, train_arm

REAL = LabelledImages(np.full((12, 8, 8, 1), 40, np.uint8), np.arange(12) % 2)
SYNTHETIC = LabelledImages(np.full((36, 8, 8, 1), 200, np.uint8), np.arange(36) % 2)
CONFIG = ClassifierConfig(steps=6, batch_size=32, features=4)


def seen(name: str, share: float | None = None) -> np.ndarray:
    """Return the first pixel of every image that the classifier of an arm is shown."""
    shown: list[np.ndarray] = []

    def look(module: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, ConvClassifier):
            shown.append((255 * given[0][:, 0, 0, 0]).round().to(torch.uint8).numpy())

    with register_module_forward_pre_hook(look):
        train_arm(
            ARMS[name],
            REAL,
            SYNTHETIC,
            2,
            seed=0,
            config=CONFIG,
            augment=lambda pixels_BHWC, _: pixels_BHWC + 1,
            synthetic_fraction=share,
        )
    return np.concatenate(shown)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("real", {40}),
        ("classical", {41}),
        ("mixup", {40}),
        ("oversampled", {41}),
        ("smote", {41}),
        ("weighted", {41}),
        ("deferred", {41}),
        ("synthetic", {40, 200}),
        ("classical+synthetic", {41, 201}),
        ("synthetic-only", {200}),
    ],
)
def test_an_arm_sees_its_images_and_all_arms_take_as_many(name: str, values: set[int]) -> None:
    shown = seen(name)
    assert set(shown.tolist()) == values
    assert len(shown) == 6 * 32


def test_without_a_share_images_are_seen_alike_and_with_one_as_asked() -> None:
    assert (seen("synthetic") == 200).mean() == pytest.approx(0.75, abs=0.1)
    assert (seen("synthetic", share=0.25) == 200).mean() == 0.25


def trained(name: str, labels_N: np.ndarray, steps: int = 10) -> np.ndarray:
    """Return what a classifier of noise says of other noise, which tells how common it takes the classes to be."""
    pixels_NHWC, others_NHWC = np.random.default_rng(0).integers(0, 256, (2, len(labels_N), 8, 8, 1), dtype=np.uint8)
    real, nothing = LabelledImages(pixels_NHWC, labels_N), LabelledImages(pixels_NHWC[:0], labels_N[:0])
    classifier = train_arm(
        ARMS[name],
        real,
        nothing,
        3,
        seed=1,
        config=ClassifierConfig(steps=steps, batch_size=16, features=4),
        augment=lambda pixels_BHWC, _: pixels_BHWC,
    )
    return classifier.probabilities(others_NHWC)


@pytest.mark.parametrize(("name", "start"), [("weighted", 0.0), ("deferred", DEFERRED_FRACTION), ("classical", None)])
def test_class_weights_are_those_of_the_real_images(name: str, start: float | None) -> None:
    labels_N = np.array([0] * 8 + [1] * 2 + [2] * 2)
    weights_K = class_balanced_weights(np.array([8, 2, 2]))
    pixels_NHWC, others_NHWC = np.random.default_rng(0).integers(0, 256, (2, 12, 8, 8, 1), dtype=np.uint8)
    expected = fit_classifier(
        [Source(pixels_NHWC, labels_N)],
        3,
        seed=1,
        config=ClassifierConfig(steps=10, batch_size=16, features=4),
        weights=None if start is None else ClassWeights(weights_K, start=start),
    )
    np.testing.assert_array_equal(trained(name, labels_N), expected.probabilities(others_NHWC))


def test_where_classes_are_of_one_size_there_is_nothing_to_balance() -> None:
    labels_N = np.arange(18) % 3
    plain_NK = trained("classical", labels_N)
    for name in ("smote", "weighted", "deferred"):
        np.testing.assert_allclose(trained(name, labels_N), plain_NK, atol=1e-4)


@pytest.mark.parametrize("name", ["oversampled", "smote", "weighted"])
def test_balancing_sees_more_in_the_smaller_classes(name: str) -> None:
    labels_N = np.array([0] * 40 + [1] * 4 + [2] * 4)
    plain, balanced = (trained(arm, labels_N, steps=60)[:, 1:].sum(axis=1).mean() for arm in ("classical", name))
    assert plain < 0.35
    assert balanced > plain + 0.05


def test_the_verdict_is_about_classical_augmentation_where_it_was_tried() -> None:
    assert [arm.name for arm in compared_arms(ARMS)] == ["classical+synthetic", "classical"]
    assert [arm.name for arm in compared_arms(["real", "synthetic", "classical"])] == ["synthetic", "real"]
    assert compared_arms(["real", "classical"]) is None


def test_balancing_is_a_rival_where_it_has_what_the_arm_with_synthetic_images_has() -> None:
    assert [arm.name for arm in baselines(ARMS)] == ["classical", "oversampled", "smote", "weighted", "deferred"]
    assert [arm.name for arm in baselines(["classical+synthetic", "deferred", "classical", "real"])] == [
        "classical",
        "deferred",
    ]
    assert [arm.name for arm in baselines(["synthetic", "real", "weighted"])] == ["real"]
    assert baselines(["real", "weighted"]) == ()


def test_arms_are_read_in_any_order_and_wrong_ones_refused() -> None:
    assert [arm.name for arm in parse_arms("synthetic, real")] == ["real", "synthetic"]
    with pytest.raises(InputError, match="did you mean 'classical'"):
        parse_arms("real,clasical")
    with pytest.raises(InputError, match="classical\\+synthetic and classical or synthetic and real"):
        parse_arms("real,classical")

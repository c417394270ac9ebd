"""Class weights: their values, when they hold, and what they do to the cost of a batch."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from vaeaug.classifier.class_weights import ClassWeights, class_balanced_weights, weighted_mean
from vaeaug.classifier.fit import ClassifierConfig, Source, fit_classifier


def test_a_weight_is_the_inverse_of_the_effective_number_of_images() -> None:
    """By hand, with beta = 0.5: effective numbers 1, 3/2 and 7/4, so weights 1, 2/3 and 4/7, which have mean 47/63."""
    weights_K = class_balanced_weights(np.array([1, 2, 3]), beta=0.5)
    np.testing.assert_allclose(weights_K, [63 / 47, 42 / 47, 36 / 47])


def test_a_weight_is_between_none_and_the_inverse_of_the_count() -> None:
    counts_K = np.array([5000, 500, 50])
    np.testing.assert_allclose(class_balanced_weights(counts_K, beta=0), 1)
    inverse_K = (1 / counts_K) / (1 / counts_K).mean()
    np.testing.assert_allclose(class_balanced_weights(counts_K, beta=1 - 1e-9), inverse_K, rtol=1e-5)
    # Cui et al.: 1 - 0.9999^5000 = 0.39349, 1 - 0.9999^500 = 0.048773, 1 - 0.9999^50 = 0.0049878
    raw_K = 1 / np.array([0.39349, 0.048773, 0.0049878])
    np.testing.assert_allclose(class_balanced_weights(counts_K), raw_K / raw_K.mean(), rtol=1e-4)


def test_a_class_without_images_has_no_part_in_it() -> None:
    weights_K = class_balanced_weights(np.array([4, 0, 4, 1]))
    assert weights_K[1] == 0
    assert weights_K[[0, 2, 3]].mean() == pytest.approx(1)


def test_deferred_weights_hold_from_their_step_on() -> None:
    weights = ClassWeights(np.ones(2), start=0.8)
    assert [weights.active_at(step, 10) for step in range(10)] == [False] * 8 + [True] * 2
    assert [ClassWeights(np.ones(2)).active_at(step, 3) for step in range(3)] == [True] * 3
    assert not weights.active_at(959, 1200)
    assert weights.active_at(960, 1200)


def test_the_weight_is_the_images_and_not_that_of_what_its_target_is_smoothed_over() -> None:
    logits_BK, targets_B = (
        torch.randn(6, 3, generator=torch.Generator().manual_seed(0)),
        torch.tensor([0, 0, 0, 1, 1, 2]),
    )
    costs_B = cross_entropy(logits_BK, targets_B, reduction="none", label_smoothing=0.1)
    weights_K = torch.tensor([1.0, 2.0, 5.0])
    by_hand = (costs_B[:3].sum() + 2 * costs_B[3:5].sum() + 5 * costs_B[5]) / (3 + 4 + 5)
    assert float(weighted_mean(costs_B, targets_B, weights_K)) == pytest.approx(float(by_hand))
    # Without smoothing it is what torch's own weights are.
    plain_B = cross_entropy(logits_BK, targets_B, reduction="none")
    torch_own = cross_entropy(logits_BK, targets_B, weight=weights_K)
    assert float(weighted_mean(plain_B, targets_B, weights_K)) == pytest.approx(float(torch_own))


@pytest.mark.parametrize("mixup", [0.0, 0.4])
def test_a_classifier_is_the_plain_one_until_its_weights_hold(mixup: float) -> None:
    rng = np.random.default_rng(0)
    source = Source(rng.integers(0, 256, (24, 8, 8, 1), dtype=np.uint8), np.repeat([0, 1], [20, 4]))
    config = ClassifierConfig(steps=10, batch_size=8, features=4, mixup=mixup)
    values_K = np.array([0.2, 1.8])
    choices = (None, ClassWeights(values_K, start=1.0), ClassWeights(values_K, start=0.5), ClassWeights(values_K))
    plain, never, late, always = (
        fit_classifier([source], 2, seed=0, config=config, weights=weights).probabilities(source.pixels_NHWC)
        for weights in choices
    )
    np.testing.assert_array_equal(never, plain)
    rare = [probabilities_NK[:, 1].mean() for probabilities_NK in (plain, late, always)]
    assert rare[0] < min(rare[1:])
    assert rare[1] != rare[2]

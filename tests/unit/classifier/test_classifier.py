"""The classifier learns, is repeatable, and works on images of any size."""

import numpy as np
import pytest
import torch

from vaeaug.classifier.fit import ClassifierConfig, Source, _counts, _loss, fit_classifier
from vaeaug.classifier.network import ConvClassifier

QUICK = ClassifierConfig(steps=40, batch_size=16, features=8)


def _bars(count: int, seed: int = 0, side: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Noise with a bright bar: of rows in class 0, of columns in class 1."""
    rng = np.random.default_rng(seed)
    pixels_NHWC = rng.integers(0, 120, (count, side, side, 1), dtype=np.uint8)
    labels_N = rng.integers(0, 2, count)
    for image_HWC, label, place in zip(pixels_NHWC, labels_N, rng.integers(0, side - 2, count), strict=True):
        image_HWC[(slice(place, place + 2), slice(None)) if label == 0 else (slice(None), slice(place, place + 2))] = (
            255
        )
    return pixels_NHWC, labels_N


def test_it_learns_what_it_has_not_seen() -> None:
    classifier = fit_classifier([Source(*_bars(80))], 2, seed=0, config=QUICK)
    pixels_NHWC, labels_N = _bars(200, seed=1)
    probabilities_NK = classifier.probabilities(pixels_NHWC)
    assert (probabilities_NK.argmax(axis=1) == labels_N).mean() > 0.95
    np.testing.assert_allclose(probabilities_NK.sum(axis=1), 1, rtol=1e-5)


def test_the_same_seed_gives_the_same_classifier() -> None:
    fitted = [fit_classifier([Source(*_bars(30))], 2, seed=seed, config=QUICK) for seed in (0, 0, 1)]
    first, second, third = (classifier.probabilities(_bars(20)[0]) for classifier in fitted)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_it_leaves_the_random_state_of_others_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit_classifier([Source(*_bars(10))], 2, seed=0, config=ClassifierConfig(steps=2, batch_size=4, features=4))
    assert torch.equal(torch.rand(3), expected)


def test_every_batch_has_the_share_of_each_source() -> None:
    assert _counts([1.0], 64) == [64]
    assert _counts([0.4, 0.6], 64) == [26, 38]
    assert _counts([1 / 3, 1 / 3, 1 / 3], 64) == [21, 22, 21]


def test_a_batch_holds_what_its_sources_hold_and_is_augmented_image_by_image() -> None:
    dark = Source(np.zeros((3, 8, 8, 1), np.uint8), np.zeros(3, np.int64), 0.25)
    bright = Source(np.full((2, 8, 8, 1), 200, np.uint8), np.ones(2, np.int64), 0.75)
    seen: list[np.ndarray] = []
    seeds: list[int] = []

    def augment(pixels_BHWC: np.ndarray, given: list[int]) -> np.ndarray:
        seen.append(pixels_BHWC)
        seeds.extend(given)
        return pixels_BHWC

    config = ClassifierConfig(steps=5, batch_size=16, features=4)
    fit_classifier([dark, bright], 2, seed=0, config=config, augment=augment)
    assert [(batch == 0).all(axis=(1, 2, 3)).sum() for batch in seen] == [4] * 5
    assert len(set(seeds)) == len(seeds) == 80


def test_augmentation_changes_no_batch() -> None:
    orders: list[list[np.ndarray]] = [[], []]
    for seen, change in zip(orders, (False, True), strict=True):

        def augment(pixels_BHWC: np.ndarray, given: list[int], seen=seen, change=change) -> np.ndarray:
            seen.append(pixels_BHWC.copy())
            return 255 - pixels_BHWC if change else pixels_BHWC

        config = ClassifierConfig(steps=4, batch_size=8, features=4, mixup=0.5 if change else 0.0)
        fit_classifier([Source(*_bars(30))], 2, seed=0, config=config, augment=augment)
    np.testing.assert_array_equal(orders[0], orders[1])


def test_mixup_mixes_images_and_targets_alike() -> None:
    class Straight(torch.nn.Module):
        def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
            return x_BCHW[:, :, 0, 0].log()  # the image is the distribution itself

    x_BCHW = torch.eye(2)[:, :, None, None].clamp(1e-6, 1 - 1e-6)  # image i says class i
    config = ClassifierConfig(label_smoothing=0, mixup=1.0)
    costs, expected = [], []
    for seed in range(20):
        costs.append(float(_loss(Straight(), x_BCHW, torch.arange(2), config, np.random.default_rng(seed))))
        rng = np.random.default_rng(seed)
        weight, swapped = rng.beta(1, 1), rng.permutation(2)[0] == 1
        entropy = -weight * np.log(weight) - (1 - weight) * np.log(1 - weight)
        expected.append(entropy if swapped else 0.0)
    np.testing.assert_allclose(costs, expected, atol=1e-4)
    assert max(expected) > 0.3


@pytest.mark.parametrize(
    ("height", "width", "channels"), [(8, 8, 1), (28, 28, 1), (33, 20, 3), (64, 64, 3), (256, 100, 3)]
)
def test_any_size_of_image_will_do(height: int, width: int, channels: int) -> None:
    network = ConvClassifier(channels=channels, height=height, width=width, classes=5, features=4).eval()
    x_BCHW = torch.rand(2, channels, height, width)
    assert network(x_BCHW).shape == (2, 5)
    assert network.embed(x_BCHW).shape == (2, 108)


def test_no_images_have_no_probabilities() -> None:
    classifier = fit_classifier(
        [Source(*_bars(10))], 2, seed=0, config=ClassifierConfig(steps=2, batch_size=4, features=4)
    )
    assert classifier.probabilities(_bars(0)[0]).shape == (0, 2)
    assert classifier.embeddings(_bars(0)[0]).shape == (0, 108)

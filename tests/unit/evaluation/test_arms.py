"""What each arm is trained on."""

import numpy as np
import pytest
import torch

from vaeaug.classifier.fit import ClassifierConfig
from vaeaug.errors import InputError
from vaeaug.evaluation.arms import ARMS, Labelled, compared, oversampled, parse_arms, train_arm
from vaeaug.training.batches import as_images

REAL = Labelled(np.full((12, 8, 8, 1), 40, np.uint8), np.arange(12) % 2)
SYNTHETIC = Labelled(np.full((36, 8, 8, 1), 200, np.uint8), np.arange(36) % 2)
CONFIG = ClassifierConfig(steps=6, batch_size=32, features=4)


def seen(name: str, monkeypatch: pytest.MonkeyPatch, share: float | None = None) -> np.ndarray:
    """Return the first pixel of every image that an arm is shown."""
    shown: list[np.ndarray] = []

    def spy(pixels_BHWC: np.ndarray, device: torch.device) -> torch.Tensor:
        shown.append(pixels_BHWC[:, 0, 0, 0])
        return as_images(pixels_BHWC, device)

    monkeypatch.setattr("vaeaug.classifier.fit.as_images", spy)
    train_arm(
        ARMS[name],
        REAL,
        SYNTHETIC,
        2,
        seed=0,
        config=CONFIG,
        augment=lambda pixels_BHWC, _: pixels_BHWC + 1,
        share=share,
    )
    return np.concatenate(shown)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("real", {40}),
        ("classical", {41}),
        ("mixup", {40}),
        ("oversampled", {41}),
        ("synthetic", {40, 200}),
        ("classical+synthetic", {41, 201}),
        ("synthetic-only", {200}),
    ],
)
def test_an_arm_sees_its_images_and_all_arms_take_as_many(
    name: str, values: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = seen(name, monkeypatch)
    assert set(shown.tolist()) == values
    assert len(shown) == 6 * 32


def test_without_a_share_images_are_seen_alike_and_with_one_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (seen("synthetic", monkeypatch) == 200).mean() == pytest.approx(0.75, abs=0.1)
    assert (seen("synthetic", monkeypatch, share=0.25) == 200).mean() == 0.25


def test_oversampling_shows_each_class_as_often() -> None:
    labels_N = np.array([0] * 7 + [1] * 2 + [2] * 3)
    rows = oversampled(labels_N)
    assert np.bincount(labels_N[rows]).tolist() == [7, 7, 7]
    assert set(rows.tolist()) == set(range(12))


def test_the_verdict_is_about_classical_augmentation_where_it_was_tried() -> None:
    assert [arm.name for arm in compared(ARMS)] == ["classical+synthetic", "classical"]
    assert [arm.name for arm in compared(["real", "synthetic", "classical"])] == ["synthetic", "real"]
    assert compared(["real", "classical"]) is None


def test_arms_are_read_in_any_order_and_wrong_ones_refused() -> None:
    assert [arm.name for arm in parse_arms("synthetic, real")] == ["real", "synthetic"]
    with pytest.raises(InputError, match="did you mean 'classical'"):
        parse_arms("real,clasical")
    with pytest.raises(InputError, match="classical\\+synthetic and classical or synthetic and real"):
        parse_arms("real,classical")

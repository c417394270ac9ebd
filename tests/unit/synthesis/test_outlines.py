"""Near-binary images are changed at their outlines only."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaeaug.synthesis.outlines import SMOOTHING, move_outlines


def disk(height: int, width: int, radius: float) -> np.ndarray:
    """Return a black disk on white with an edge of one pixel, float32 (H, W, 1) in [0, 1]."""
    return np.clip(distance(height, width) - radius + 0.5, 0, 1).astype(np.float32)[..., None]


def distance(height: int, width: int) -> np.ndarray:
    y_HW, x_HW = np.mgrid[:height, :width].astype(float)
    return np.hypot(y_HW - (height - 1) / 2, x_HW - (width - 1) / 2)


def radius_of(image_HWC: np.ndarray) -> float:
    return float(np.sqrt((1 - image_HWC).sum() / np.pi))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(28, 28), (90, 61)]), st.sampled_from([1, 3]), st.floats(0, 4))
def test_no_pixel_changes_that_is_farther_than_half_the_smoothing_from_an_outline(
    seed: int, size: tuple[int, int], channels: int, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    x_HWC = np.repeat(disk(*size, radius := min(size) / 4), channels, axis=2)
    change_HWC = scale * cv2.GaussianBlur(rng.standard_normal((*size, channels)).astype(np.float32), (0, 0), 2)
    moved_HWC = move_outlines(x_HWC, change_HWC.reshape(x_HWC.shape))
    assert moved_HWC.shape == x_HWC.shape
    assert moved_HWC.min() >= 0
    assert moved_HWC.max() <= 1
    reach = SMOOTHING * max(size) / 2 + 0.5 + 2 * 2**0.5  # half an edge, and the support of cubic interpolation
    far_HW = np.abs(distance(*size) - radius) > reach
    np.testing.assert_allclose(moved_HWC[far_HW], x_HWC[far_HW], atol=1e-5)


@pytest.mark.parametrize("size", [28, 112, 280])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_outline_moves_in_the_direction_of_the_change_and_stays_sharp(size: int, sign: int) -> None:
    x_HWC = disk(size, size, size / 4)
    moved_HWC = move_outlines(x_HWC, np.full_like(x_HWC, -sign))  # darker is larger
    growth = sign * (radius_of(moved_HWC) - radius_of(x_HWC))
    assert 0.3 < growth / (SMOOTHING * size) < 0.55
    gray = [np.mean((image > 0.1) & (image < 0.9)) for image in (x_HWC, moved_HWC)]
    assert gray[1] <= 2 * gray[0]


def test_an_image_stays_as_it_is_where_nothing_is_added() -> None:
    x_HWC = np.random.default_rng(0).random((28, 28, 1), np.float32)
    np.testing.assert_array_equal(move_outlines(x_HWC, np.zeros_like(x_HWC)), x_HWC)

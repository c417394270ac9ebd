"""Near-binary images are changed by a small motion that keeps their shape."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaeaug.synthesis.similarity_motion import MAX_MOTION, moved


def ellipse(height: int, width: int, centre: tuple[float, float], axes: tuple[float, float]) -> np.ndarray:
    """Return a black ellipse on white with a soft edge, float32 (H, W, 1) in [0, 1]."""
    y_HW, x_HW = np.mgrid[:height, :width].astype(np.float32)
    radius_HW = np.hypot((y_HW - centre[0]) / axes[0], (x_HW - centre[1]) / axes[1])
    return np.clip((radius_HW - 1) * min(axes) + 0.5, 0, 1).astype(np.float32)[..., None]


def moments(image_HWC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the centre (y, x) of the black part and its standard deviations along y and x."""
    weight_HW = 1 - image_HWC[..., 0]
    places = np.indices(weight_HW.shape).reshape(2, -1)
    centre = np.average(places, axis=1, weights=weight_HW.ravel())
    return centre, np.sqrt(np.average((places.T - centre) ** 2, axis=0, weights=weight_HW.ravel()))


@settings(max_examples=30, deadline=None)
@given(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6), st.sampled_from([(28, 28), (200, 300)]), st.sampled_from([1, 3]))
def test_a_shift_is_explained_by_a_shift(down: float, right: float, size: tuple[int, int], channels: int) -> None:
    """The difference to the same ellipse, shifted, moves the ellipse there."""
    scale = max(size) / 28
    axes = (6 * scale, 8 * scale)
    start = (size[0] / 2, size[1] / 2)
    end = (start[0] + down * scale, start[1] + right * scale)
    one, other = (np.repeat(ellipse(*size, place, axes), channels, axis=2) for place in (start, end))
    centre, spread = moments(moved(one, other - one))
    np.testing.assert_allclose(centre, moments(other)[0], atol=0.2 * scale)
    np.testing.assert_allclose(spread, moments(other)[1], rtol=0.04)


@pytest.mark.parametrize("factor", [0.96, 1.04])
def test_a_change_of_size_is_explained_by_a_change_of_size(factor: float) -> None:
    one, other = ellipse(56, 56, (28, 28), (12, 16)), ellipse(56, 56, (28, 28), (12 * factor, 16 * factor))
    spread = moments(moved(one, other - one))[1] / moments(one)[1]
    assert 0.5 * abs(factor - 1) < np.abs(spread - 1).max() < 1.2 * abs(factor - 1)
    assert ((spread > 1) == (factor > 1)).all()


@pytest.mark.parametrize("degrees", [-3.5, 3.5])
def test_a_turn_is_explained_by_a_turn(degrees: float) -> None:
    one = ellipse(40, 60, (20, 30), (8, 16))
    turn = cv2.getRotationMatrix2D((29.5, 19.5), degrees, 1.0)
    other = cv2.warpAffine(one, turn, (60, 40), borderValue=1)[..., None]
    assert np.abs(moved(one, other - one) - other).mean() < 0.6 * np.abs(one - other).mean()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 100), st.sampled_from([(28, 28), (41, 64)]))
def test_no_change_moves_an_image_far_or_makes_other_values(seed: int, scale: float, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    x_HWC = ellipse(*size, (size[0] / 2, size[1] / 2), (size[0] / 4, size[1] / 4))
    noise_HW = cv2.GaussianBlur(rng.standard_normal(size).astype(np.float32), (0, 0), 2)
    out_HWC = moved(x_HWC, scale * noise_HW[..., None])
    assert out_HWC.shape == x_HWC.shape
    assert out_HWC.min() >= 0
    assert out_HWC.max() <= 1
    gray = [(image * (1 - image)).mean() for image in (x_HWC, out_HWC)]
    assert gray[1] <= 1.1 * gray[0]  # edges stay sharp; bisection leaves a little
    reach = MAX_MOTION * max(size) + 2.5  # the support of cubic interpolation
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * int(reach) + 3, 2 * int(reach) + 3))
    inner_HW, outer_HW = cv2.dilate(x_HWC, disk), cv2.erode(x_HWC, disk)
    np.testing.assert_allclose(out_HWC[inner_HW == 0], 0, atol=1e-5)
    np.testing.assert_allclose(out_HWC[outer_HW == 1], 1, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_an_image_stays_as_it_is_where_nothing_is_added_or_nothing_is_to_be_seen(value: float) -> None:
    x_HWC = np.random.default_rng(0).random((28, 28, 1), np.float32)
    np.testing.assert_allclose(moved(x_HWC, np.zeros_like(x_HWC)), x_HWC, atol=1e-6)
    flat_HWC = np.full((20, 30, 1), value, np.float32)
    np.testing.assert_allclose(moved(flat_HWC, x_HWC[:20, :15].repeat(2, axis=1)), flat_HWC, atol=1e-6)

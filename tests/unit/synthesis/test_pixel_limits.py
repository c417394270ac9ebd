"""What a change of an image keeps to: constant pixels, the spread of the class, and two levels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaeaug.synthesis.pixel_limits import STDS, PixelLimits, pixel_limits


def limits_of(pixels_NHWC: np.ndarray) -> PixelLimits:
    return pixel_limits(pixels_NHWC, np.arange(len(pixels_NHWC)))


def disks(count: int, size: int = 28) -> np.ndarray:
    """Return black disks on white of other places and radii, with soft edges, uint8 (N, H, W, 1)."""
    rng = np.random.default_rng(0)
    y_HW, x_HW = np.mgrid[:size, :size]
    images = []
    for _ in range(count):
        centre = size / 2 + rng.uniform(-2, 2, 2)
        distance_HW = np.hypot(y_HW - centre[0], x_HW - centre[1])
        images.append(np.clip(distance_HW - rng.uniform(5, 9) + 0.5, 0, 1))
    return np.round(255 * np.stack(images)[..., None]).astype(np.uint8)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3]), st.sampled_from([28, 45]))
def test_no_pixel_changes_by_more_than_its_class_varies(seed: int, channels: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    pixels_NHWC = rng.integers(100, 156, (6, 28, 28, channels), dtype=np.uint8)
    pixels_NHWC[:, :, :14] = 200  # the left half is constant
    limits = limits_of(pixels_NHWC)
    x_HWC = rng.random((size, size, channels), np.float32)
    out_HWC = limits.apply(x_HWC, x_HWC + rng.normal(0, 1, x_HWC.shape).astype(np.float32))
    np.testing.assert_array_equal(out_HWC[:, : size // 2 - 1], x_HWC[:, : size // 2 - 1])
    std = pixels_NHWC.astype(float).std(axis=0).max() / 255
    assert 0 < np.abs(out_HWC - x_HWC).max() <= STDS * std + 1e-6


def test_small_changes_of_a_photograph_are_left_as_they_are() -> None:
    rng = np.random.default_rng(0)
    pixels_NHWC = rng.integers(0, 256, (50, 16, 16, 3), dtype=np.uint8)
    limits = limits_of(pixels_NHWC)
    assert limits.levels is None
    x_HWC = pixels_NHWC[0].astype(np.float32) / 255
    changed_HWC = x_HWC + rng.normal(0, 0.1, x_HWC.shape).astype(np.float32)
    np.testing.assert_allclose(limits.apply(x_HWC, changed_HWC), changed_HWC, atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=4, max_size=4))
def test_a_changed_silhouette_is_one_and_keeps_what_is_alike_in_all(weights: list[float]) -> None:
    """Black and white stay so but for edges, there is one body without holes, and a frame of all images stays."""
    pixels_NHWC = disks(40)
    pixels_NHWC[:, [0, -1]] = 0
    limits = limits_of(pixels_NHWC)
    assert limits.levels == (0, 1)
    x_NHWC = pixels_NHWC[:5].astype(np.float32) / 255
    changed_HWC = x_NHWC[0] + np.tensordot(np.array(weights, np.float32), x_NHWC[1:], 1)
    out_HWC = limits.apply(x_NHWC[0], changed_HWC)
    np.testing.assert_array_equal(out_HWC[[0, -1]], x_NHWC[0][[0, -1]])
    gray = [np.mean((image > 0.1) & (image < 0.9)) for image in (x_NHWC[0], out_HWC)]
    assert gray[1] <= 2 * gray[0]
    for of_body in (True, False):
        mask_HW = ((out_HWC[1:-1, :, 0] < 0.5) == of_body).astype(np.uint8)
        assert cv2.connectedComponents(mask_HW, connectivity=4)[0] == 2


@pytest.mark.parametrize(
    ("name", "pixels_NHWC", "levels"),
    [
        ("silhouettes", disks(10), (0, 1)),
        ("gray and white", (disks(10) // 2 + 100).astype(np.uint8), (100 / 255, 227 / 255)),
        ("three equal channels", np.repeat(disks(10), 3, axis=3), (0, 1)),
        ("blue and white", np.concatenate([disks(10), disks(10), np.full((10, 28, 28, 1), 255, np.uint8)], 3), None),
        ("gradients", np.tile(np.arange(0, 252, 9, dtype=np.uint8)[:, None, None], (5, 1, 28, 1)), None),
        ("blank", np.full((3, 8, 8, 1), 255, np.uint8), None),
        ("one image", disks(1), (0, 1)),
    ],
)
def test_which_images_are_near_binary(name: str, pixels_NHWC: np.ndarray, levels: tuple[float, float] | None) -> None:
    assert limits_of(pixels_NHWC).levels == levels, name

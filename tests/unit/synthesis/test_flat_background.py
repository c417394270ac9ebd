"""Flat backgrounds stay exactly as they are under small changes, whatever their colour; photographs have none."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vaeaug.synthesis.flat_background import CHANGE_ABOVE, KEEP_BELOW, FlatBackground, flat_background
from vaeaug.synthesis.pixel_limits import pixel_limits

COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0), "blue": (48, 96, 160)}


def icons(background: tuple[int, ...], count: int = 20, size: int = 48) -> np.ndarray:
    """Return disks of several colours, with soft edges, on one colour, uint8 (N, H, W, C)."""
    rng = np.random.default_rng(0)
    y_HW, x_HW = np.mgrid[:size, :size]
    images = []
    for _ in range(count):
        centre, radius = size / 2 + rng.uniform(-4, 4, 2), rng.uniform(0.15, 0.3) * size
        opacity_HW1 = np.clip(radius - np.hypot(y_HW - centre[0], x_HW - centre[1]) + 0.5, 0, 1)[..., None]
        disk_HWC = rng.uniform(80, 220, len(background)) + rng.normal(0, 10, (size, size, len(background)))
        images.append(opacity_HW1 * disk_HWC + (1 - opacity_HW1) * background)
    return np.round(np.clip(images, 0, 255)).astype(np.uint8)


def faces(count: int = 10, size: int = 48) -> np.ndarray:
    """Return yellow disks with features of several colours, on white that is less than half of the image."""
    rng = np.random.default_rng(0)
    images = np.full((count, size, size, 3), 255, np.uint8)
    for image_HWC in images:
        cv2.circle(image_HWC, (size // 2, size // 2), size // 2 - 2, (255, 204, 77), -1)
        centre = tuple(int(value) for value in rng.integers(size // 3, 2 * size // 3, 2))
        cv2.circle(image_HWC, centre, 4, tuple(int(value) for value in rng.integers(0, 200, 3)), -1)
    return images


def jpeg(image_HWC: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image_HWC).save(buffer, "JPEG", quality=85)
    return np.asarray(Image.open(buffer))


def background_of(pixels_NHWC: np.ndarray) -> FlatBackground | None:
    return flat_background(pixels_NHWC, np.arange(len(pixels_NHWC)))


def deep_inside(x_HWC: np.ndarray, background: FlatBackground, *, foreground: bool) -> np.ndarray:
    """Return which pixels are background, or foreground, and have nothing else nearby, (H, W)."""
    differs_HW = np.abs(x_HWC - background.colour_C).max(axis=2) > 8 / 255
    wanted_HW = differs_HW if foreground else ~differs_HW
    side = 2 * round(len(x_HWC) / 28) + 1
    return cv2.erode(wanted_HW.astype(np.uint8), np.ones((side, side))).astype(bool)


@pytest.mark.parametrize("colour", COLOURS)
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([48, 75, 200]), st.floats(0.01, KEEP_BELOW * 0.99))
def test_small_changes_leave_a_background_exactly_as_it_is(colour: str, seed: int, size: int, strength: float) -> None:
    background = background_of(icons(COLOURS[colour]))
    assert background is not None
    x_HWC = icons(COLOURS[colour], count=1, size=size)[0].astype(np.float32) / 255
    rng = np.random.default_rng(seed)
    change_HWC = rng.uniform(-1, 1, x_HWC.shape).astype(np.float32) * np.float32(strength * background.contrast)
    out_HWC = background.limited(x_HWC, change_HWC)
    inside_HW = deep_inside(x_HWC, background, foreground=False)
    assert inside_HW.mean() > 0.3
    assert not out_HWC[inside_HW].any()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 3), st.sampled_from([(255,), (255, 255, 255), (48, 96, 160)]))
def test_no_change_is_turned_around_or_amplified_and_foreground_is_left_alone(
    seed: int, strength: float, colour: tuple[int, ...]
) -> None:
    background = background_of(icons(colour))
    assert background is not None
    x_HWC = icons(colour, count=1)[0].astype(np.float32) / 255
    change_HWC = np.random.default_rng(seed).normal(0, strength, x_HWC.shape).astype(np.float32)
    out_HWC = background.limited(x_HWC, change_HWC)
    assert (out_HWC * change_HWC >= 0).all()
    assert (np.abs(out_HWC) <= np.abs(change_HWC)).all()
    inside_HW = deep_inside(x_HWC, background, foreground=True)
    assert inside_HW.any()
    np.testing.assert_array_equal(out_HWC[inside_HW], change_HWC[inside_HW])


def test_a_large_change_makes_background_foreground() -> None:
    background = background_of(icons(COLOURS["white"]))
    assert background is not None
    x_HWC = np.ones((48, 48, 3), np.float32)
    change_HWC = np.full_like(x_HWC, -CHANGE_ABOVE * background.contrast)
    np.testing.assert_array_equal(background.limited(x_HWC, change_HWC), change_HWC)
    assert not background.limited(x_HWC, change_HWC * np.float32(KEEP_BELOW)).any()


def test_gaps_in_the_foreground_change_with_it() -> None:
    background = background_of(icons(COLOURS["white"]))
    assert background is not None
    x_HWC = np.full((48, 48, 3), 0.2, np.float32)
    x_HWC[:, 20] = 1
    change_HWC = np.full_like(x_HWC, -0.1)
    np.testing.assert_array_equal(background.limited(x_HWC, change_HWC), change_HWC)


@pytest.mark.parametrize(
    ("name", "pixels_NHWC", "colour"),
    [
        ("white", icons((255, 255, 255)), (255, 255, 255)),
        ("black", icons((0, 0, 0)), (0, 0, 0)),
        ("one colour", icons((48, 96, 160)), (48, 96, 160)),
        ("gray, several levels", icons((240,)), (240,)),
        ("JPEG", np.stack([jpeg(image) for image in icons((48, 96, 160))]), (48, 96, 160)),
        ("mostly icons", np.concatenate([icons((255,) * 3), icons((90, 20, 20), 9)]), (255, 255, 255)),
        ("faces of one colour", faces(), (255, 255, 255)),
        ("nothing on it", np.full((5, 16, 16, 3), 255, np.uint8), None),
        ("noise", np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8), None),
        ("gradients", np.tile(np.arange(0, 252, 7, dtype=np.uint8)[:, None, None], (5, 1, 36, 1)), None),
        ("backgrounds of their own", np.concatenate([icons((v, 90, 255 - v), 2) for v in range(0, 256, 25)]), None),
    ],
)
def test_which_classes_have_a_flat_background(
    name: str, pixels_NHWC: np.ndarray, colour: tuple[int, ...] | None
) -> None:
    found = background_of(pixels_NHWC)
    assert (found is None) == (colour is None), name
    if found is not None and colour is not None:
        np.testing.assert_allclose(found.colour_C * 255, colour, atol=2)
        assert 0 < found.contrast <= 1


def test_the_limits_of_a_class_keep_its_background_clean() -> None:
    pixels_NHWC = icons((255, 255, 255), count=40)
    limits = pixel_limits(pixels_NHWC, np.arange(40))
    x_NHWC = pixels_NHWC.astype(np.float32) / 255
    changed_HWC = x_NHWC[0] + np.float32(0.4) * (x_NHWC[1] - x_NHWC[2])
    assert limits.levels is None
    assert limits.background is not None
    inside_HW = deep_inside(x_NHWC[0], limits.background, foreground=False)
    assert np.abs(changed_HWC - x_NHWC[0])[inside_HW].any()
    np.testing.assert_array_equal(limits.apply(x_NHWC[0], changed_HWC)[inside_HW], x_NHWC[0][inside_HW])

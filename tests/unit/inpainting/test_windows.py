"""Windows: together they fill every missing pixel once, lie in the image, and show some of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaeaug.inpainting.window import windows


def _holes(height: int, width: int, seed: int, density: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    missing = rng.random((height, width)) < density
    for _ in range(rng.integers(0, 4)):
        top, left = rng.integers(height), rng.integers(width)
        missing[top : top + rng.integers(1, height + 1), left : left + rng.integers(1, width + 1)] = True
    missing[rng.integers(height), rng.integers(width)] = True
    return missing


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 120), st.integers(1, 120), st.integers(8, 40), st.integers(0, 1000), st.sampled_from([0, 0.001, 0.5])
)
def test_every_missing_pixel_is_filled_once(height: int, width: int, native: int, seed: int, density: float) -> None:
    missing = _holes(height, width, seed, density)
    filled = np.zeros((height, width), dtype=int)
    for window in windows(missing, (native, native)):
        assert filled[window.part].shape == window.fill_HW.shape  # it lies in the image
        filled[window.part] += window.fill_HW
    assert np.array_equal(filled, missing)


def test_an_image_of_the_models_size_is_shown_whole() -> None:
    missing = np.zeros((42, 42), dtype=bool)
    missing[3, 3] = missing[30, 30] = True
    (window,) = windows(missing, (28, 28))
    assert window.fill_HW.shape == (42, 42)
    assert len(windows(np.pad(missing, 1), (28, 28))) == 2
    assert len(windows(np.pad(missing, 1), (28, 28), "whole")) == 1


@pytest.mark.parametrize(("hole", "shape"), [(10, (32, 48)), (40, (80, 120))])
def test_a_window_has_the_native_size_or_what_shows_some_of_the_image(hole: int, shape: tuple[int, int]) -> None:
    missing = np.zeros((300, 400), dtype=bool)
    missing[100 : 100 + hole, 200 : 200 + hole] = True
    (window,) = windows(missing, (32, 48))
    assert window.fill_HW.shape == shape
    assert window.top + shape[0] // 2 == 100 + hole // 2
    assert window.left + shape[1] // 2 == 200 + hole // 2


def test_speckles_are_put_together_in_native_windows() -> None:
    missing = np.random.default_rng(0).random((96, 96)) < 0.02
    found = windows(missing, (32, 32))
    assert len(found) <= 144
    assert {window.fill_HW.shape for window in found} == {(32, 32)}

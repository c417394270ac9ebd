"""Seams: visible pixels stay, the residual is carried in, and the Poisson blend solves Laplace's equation."""

from __future__ import annotations

import numpy as np
import pytest

from vaeaug.inpainting.blend import BLENDS, FADE, blend
from vaeaug.inpainting.nearest import extended, nearest_visible

RNG = np.random.default_rng(1)
HOLE = np.zeros((40, 30), dtype=bool)
HOLE[10:30, 8:24] = True


@pytest.mark.parametrize("how", BLENDS)
def test_visible_pixels_stay_and_a_perfect_completion_too(how: str) -> None:
    image = RNG.random((40, 30, 3), dtype=np.float32)
    other = RNG.random((40, 30, 3), dtype=np.float32)
    assert np.array_equal(blend(image, other, HOLE, how)[~HOLE], image[~HOLE])
    assert np.allclose(blend(image, image, HOLE, how), image, atol=1e-3)


def test_none_is_the_completion() -> None:
    image, other = (RNG.random((40, 30, 1), dtype=np.float32) for _ in range(2))
    assert np.array_equal(blend(image, other, HOLE, "none")[HOLE], other[HOLE])


def test_poisson_takes_a_constant_difference_away_altogether() -> None:
    image = np.tile(np.linspace(0, 0.7, 30, dtype=np.float32), (40, 1))[..., None]
    assert np.allclose(blend(image, image + np.float32(0.2), HOLE, "poisson"), image, atol=2e-3)


def test_poisson_goes_on_linearly() -> None:
    """The harmonic function of one variable is a line; at the border of the image nothing flows."""
    hole = np.zeros((6, 20), dtype=bool)
    hole[:, 5:15] = True
    image = np.where(np.arange(20) < 10, 0.2, 0.8).astype(np.float32) * np.ones((6, 1), np.float32)
    filled = blend(image[..., None], np.zeros((6, 20, 1), np.float32), hole, "poisson")[..., 0]
    assert np.allclose(filled[:, 4:16], np.linspace(0.2, 0.8, 12), atol=2e-3)


def test_feather_meets_the_edge_and_leaves_the_middle() -> None:
    image, other = np.full((40, 30, 1), 0.6, np.float32), np.full((40, 30, 1), 0.4, np.float32)
    filled = blend(image, other, HOLE, "feather")[..., 0]
    assert np.allclose(filled[10, 12:20], 0.6, atol=1e-5)
    assert np.allclose(filled[20, 16], 0.4)
    _, distance = nearest_visible(HOLE)
    assert np.allclose(filled[HOLE & (distance > FADE + 1.5)], 0.4)
    assert (np.diff(filled[10:19, 16]) <= 1e-6).all()


@pytest.mark.parametrize("how", BLENDS)
def test_without_a_visible_pixel_the_completion_stands_alone(how: str) -> None:
    other = RNG.random((9, 9, 1), dtype=np.float32)
    assert np.array_equal(blend(np.zeros_like(other), other, np.ones((9, 9), dtype=bool), how), other)


def test_nearest_visible_agrees_with_a_search() -> None:
    hole = RNG.random((25, 31)) < 0.8
    index, distance = nearest_visible(hole)
    places = np.argwhere(~hole)
    for row, column in np.ndindex(hole.shape):
        exact = np.sqrt(((places - (row, column)) ** 2).sum(axis=1)).min()
        found = np.hypot(*(np.array(divmod(index[row, column], 31)) - (row, column)))
        assert not hole.reshape(-1)[index[row, column]]
        assert exact <= found <= exact * 1.05 + 1e-6
        assert abs(distance[row, column] - exact) <= 0.03 * exact + 1e-6


def test_extended_repeats_the_edge() -> None:
    image = np.arange(5, dtype=np.float32)[None, :, None]
    hole = np.array([[False, False, True, True, False]])
    assert extended(image, hole)[0, :, 0].tolist() == [0, 1, 1, 4, 4]
    assert not extended(image, np.ones_like(hole)).any()

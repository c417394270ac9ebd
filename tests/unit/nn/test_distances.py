"""Distances a block at a time are those of the definition, however the blocks fall and wherever the features lie."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from vaeaug.nn.distances import MAX_BLOCK_VALUES, blocks, nearest, neighbour_distance


def plain(a_NF: NDArray[np.floating], b_MF: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.sqrt(((a_NF[:, None].astype(np.float64) - b_MF[None]) ** 2).sum(axis=2))


@pytest.mark.parametrize("block", [1, 40, 2**23])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_they_are_those_of_the_definition(block: int, offset: float) -> None:
    rng = np.random.default_rng(0)
    a_NF = (rng.normal(size=(30, 7)) + offset).astype(np.float32)
    b_MF = (rng.normal(size=(20, 7)) + offset).astype(np.float32)
    expected = plain(a_NF, b_MF)
    parts = list(blocks(a_NF, b_MF, values=block))
    np.testing.assert_allclose(np.concatenate([distance for _, distance in parts]), expected, rtol=1e-6)
    assert [row for part, _ in parts for row in range(30)[part]] == list(range(30))
    index_N, distance_N = nearest(a_NF, b_MF)
    np.testing.assert_array_equal(index_N, expected.argmin(axis=1))
    np.testing.assert_allclose(distance_N, expected.min(axis=1), rtol=1e-6)
    own = np.sort(plain(a_NF, a_NF), axis=1)
    for k in (1, 5, 29):
        np.testing.assert_allclose(neighbour_distance(a_NF, k), own[:, k], rtol=1e-6)


def test_neighbours_are_the_same_in_more_than_one_block() -> None:
    """Points on a line, in any order: more than fit into a block."""
    count = math.isqrt(MAX_BLOCK_VALUES) + 10
    place_N = np.random.default_rng(1).permutation(count)
    a_NF = place_N[:, None].astype(np.float64)
    index_N, distance_N = nearest(a_NF + 0.25, a_NF)
    np.testing.assert_array_equal(index_N, np.arange(count))
    np.testing.assert_allclose(distance_N, 0.25, rtol=1e-4)
    at_an_end_N = (place_N == 0) | (place_N == count - 1)
    np.testing.assert_allclose(neighbour_distance(a_NF, 2), np.where(at_an_end_N, 2, 1), rtol=1e-4)


def test_no_block_is_larger_than_is_said() -> None:
    sizes = [distance.size for _, distance in blocks(np.zeros((50, 3)), np.zeros((33, 3)), values=100)]
    assert max(sizes) == 99
    assert sum(sizes) == 50 * 33


def test_a_double_is_a_neighbour_at_no_distance() -> None:
    a_NF = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0]]) + 100
    np.testing.assert_allclose(neighbour_distance(a_NF, 1), [5, 0, 0], atol=1e-6)


def test_of_equal_neighbours_the_first_is_named() -> None:
    index_N, _ = nearest(np.array([[1.0]]), np.array([[5.0], [0.0], [2.0], [0.0]]))
    assert index_N.tolist() == [1]

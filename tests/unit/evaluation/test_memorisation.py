"""Copies are found, and new images of the same kind have what chance gives them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from vaeaug.evaluation.embedding import Embedded
from vaeaug.evaluation.memorisation import NEAR_QUANTILE, measure_memorisation


def images(features_NF: NDArray[np.float64], labels: list[int] | None = None, first: int = 0) -> Embedded:
    """Return images, each with pixels of its own: its number, counted from `first`."""
    numbers = np.arange(first, first + len(features_NF), dtype="<u4")
    pixels_NHWC = numbers.view(np.uint8).reshape(-1, 1, 4, 1)
    labels_N = np.zeros(len(features_NF), np.int64) if labels is None else np.array(labels)
    return Embedded(pixels_NHWC, features_NF.astype(np.float32), labels_N)


def test_exact_copies_are_not_authentic() -> None:
    real = images(np.random.default_rng(0).normal(size=(50, 8)))
    found = measure_memorisation("f", real, real, ["a"]).overall
    assert (found.images, found.authenticity, found.unusually_near, found.identical) == (50, 0, 1, 50)


def test_images_far_from_all_are_authentic() -> None:
    rng = np.random.default_rng(0)
    real, far = images(rng.normal(size=(50, 8))), images(rng.normal(size=(20, 8)) + 100, first=50)
    found = measure_memorisation("f", real, far, ["a"]).overall
    assert (found.authenticity, found.unusually_near, found.identical) == (1, 0, 0)


def test_authenticity_of_points_on_a_line() -> None:
    """Real 0, 1, 5 are 1, 1 and 4 from their nearest; 0.5 is nearer than 1 to it, 3.5 nearer than 4, and -2 farther."""
    real = images(np.array([[0.0], [1.0], [5.0]]))
    found = measure_memorisation("f", real, images(np.array([[0.5], [3.5], [-2.0]]), first=3), ["a"]).overall
    assert found.authenticity == pytest.approx(1 / 3)


@pytest.mark.parametrize(("dimensions", "mutual"), [(1, 2 / 3), (2, 6 * math.pi / (8 * math.pi + 3 * math.sqrt(3)))])
def test_new_images_are_as_authentic_as_neighbours_are_not_mutual(dimensions: int, mutual: float) -> None:
    """The share of points that are the nearest of their nearest is known (Clark & Evans 1955: 0.6215 in the plane)."""
    rng = np.random.default_rng(1)
    found = [
        measure_memorisation(
            "f", images(rng.random((2000, dimensions))), images(rng.random((2000, dimensions)), first=2000), ["a"]
        ).overall.authenticity
        for _ in range(8)
    ]
    # New points are judged one by one, so those with one nearest image hang together: the error is taken from runs.
    assert np.mean(found) == pytest.approx(1 - mutual, abs=4 * np.std(found) / math.sqrt(len(found)) + 0.003)


def test_one_new_image_in_twenty_is_unusually_near_by_chance() -> None:
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(20):
        real, new = images(rng.normal(size=(400, 4))), images(rng.normal(size=(400, 4)), first=400)
        found = measure_memorisation("f", real, new, ["a"], held_out=new)
        assert found.held_out == found.overall
        assert not found.far_above_chance
        shares.append(found.overall.unusually_near)
    assert np.mean(shares) == pytest.approx(NEAR_QUANTILE, abs=4 * np.std(shares) / math.sqrt(len(shares)))


def test_copies_are_far_above_chance_unless_held_out_images_are_as_near() -> None:
    rng = np.random.default_rng(3)
    real, new = images(rng.normal(size=(200, 4))), images(rng.normal(size=(200, 4)), first=200)
    copies = images(real.features_NF + rng.normal(0, 0.01, (200, 4)), first=400)
    assert measure_memorisation("f", real, copies, ["a"]).far_above_chance
    assert measure_memorisation("f", real, copies, ["a"], held_out=new).far_above_chance
    assert not measure_memorisation("f", real, copies, ["a"], held_out=copies).far_above_chance
    some = images(np.concatenate([copies.features_NF[:20], new.features_NF[20:]]), first=600)
    assert NEAR_QUANTILE < measure_memorisation("f", real, some, ["a"]).overall.unusually_near < 4 * NEAR_QUANTILE
    assert not measure_memorisation("f", real, some, ["a"]).far_above_chance  # more than chance, but not far more


def test_what_is_near_is_told_by_the_class_of_the_real_image() -> None:
    """Two classes of 30 images on lines, 1 and 100 apart: 10 is near in the second and far in the first."""
    steps = np.arange(30.0)
    real = images(
        np.concatenate([np.stack([steps, 0 * steps], 1), np.stack([100 * steps, 0 * steps + 1e5], 1)]),
        [0] * 30 + [1] * 30,
    )
    synthetic = images(np.array([[5.0, 10.0], [500.0, 1e5 + 10]]), [0, 1], first=60)
    found = measure_memorisation("f", real, synthetic, ["a", "b"])
    assert (found.by_class["a"].unusually_near, found.by_class["b"].unusually_near) == (0, 1)
    assert [pair.distance for pair in found.pairs] == pytest.approx([0.1, 10], rel=1e-4)


def test_real_images_that_are_there_twice_count_once() -> None:
    rng = np.random.default_rng(3)
    real, new = images(rng.normal(size=(30, 4))), images(rng.normal(size=(30, 4)), first=30)
    twice = Embedded(*(np.concatenate([part, part]) for part in (real.pixels_NHWC, real.features_NF, real.labels_N)))
    assert measure_memorisation("f", twice, new, ["a"]) == measure_memorisation("f", real, new, ["a"])


def test_pairs_are_the_nearest_of_every_class_in_turn() -> None:
    real = images(np.array([[0.0], [10.0], [100.0], [110.0]]), [0, 0, 1, 1])
    synthetic = images(np.array([[0.3], [0.1], [109.0], [0.2]]), [0, 0, 1, 0], first=4)
    pairs = measure_memorisation("f", real, synthetic, ["a", "b"], pairs=3).pairs
    assert [(pair.synthetic, pair.real) for pair in pairs] == [(1, 0), (2, 3), (3, 0)]
    assert pairs[0].distance == pytest.approx(0.01, rel=1e-4)


def test_classes_without_synthetic_images_are_missing() -> None:
    real = images(np.array([[0.0], [1.0], [5.0], [7.0]]), [0, 0, 1, 1])
    found = measure_memorisation("f", real, images(np.array([[3.0]]), [1], first=4), ["a", "b"])
    assert set(found.by_class) == {"b"}
    assert found.held_out is None


def test_samples_are_drawn_from_their_class_with_what_is_nearest() -> None:
    real = images(np.arange(20.0)[:, None], [0, 1] * 10)
    synthetic = images(np.arange(20.0)[:, None] + 0.2, [0, 1] * 10, first=20)
    once, again, other = (
        measure_memorisation("f", real, synthetic, ["a", "b", "c"], samples=4, seed=seed).samples for seed in (0, 0, 1)
    )
    assert once == again != other
    assert set(once) == {"a", "b"}
    for label, name in enumerate("ab"):
        assert len({pair.synthetic for pair in once[name]}) == 4
        assert all(pair.synthetic % 2 == label and pair.real == pair.synthetic for pair in once[name])

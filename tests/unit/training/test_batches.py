"""Batches: every image once an epoch, and the same ones for the same (seed, step)."""

import numpy as np
import torch
from toy_training import batches

from vaeaug.training.batches import as_images


def _ids(used, step):  # type: ignore[no-untyped-def]
    """Which images a batch holds, found by their pixels."""
    x_BCHW, _ = used.get(step)
    known = {pixels.tobytes(): number for number, pixels in enumerate(used.pixels_NHWC)}
    return [known[(x * 255).round().to(torch.uint8).numpy().tobytes()] for x in x_BCHW]


def test_each_image_comes_once_an_epoch_but_for_the_remainder() -> None:
    used = batches(count=21, size=4)
    assert used.per_epoch == 5
    seen = [number for step in range(5) for number in _ids(used, step)]
    assert len(set(seen)) == 20
    assert {number for epoch in range(6) for step in range(5) for number in _ids(used, 5 * epoch + step)} == set(
        range(21)
    )


def test_the_order_changes_each_epoch_and_with_the_seed() -> None:
    used, other = batches(count=32, size=32), batches(count=32, size=32, seed=1)
    assert _ids(used, 0) != _ids(used, 1)
    assert _ids(used, 0) != _ids(other, 0)


def test_a_batch_depends_on_its_step_alone() -> None:
    used = batches()
    straight = [_ids(used, step) for step in range(20)]
    again = batches()
    assert [_ids(again, step) for step in (13, 2, 19)] == [straight[13], straight[2], straight[19]]


def test_labels_go_with_their_images() -> None:
    used = batches()
    _, y_B = used.get(3)
    assert y_B.tolist() == [used.labels_N[number] for number in _ids(used, 3)]


def test_only_the_indices_are_trained_on() -> None:
    used = batches()
    used.indices = np.array([3, 5, 8, 13])
    used.size = 2
    assert {number for step in range(8) for number in _ids(used, step)} == {3, 5, 8, 13}


def test_an_augmentation_gets_a_seed_of_its_own_for_every_image_and_epoch() -> None:
    used = batches(count=8, size=4)
    calls: list[list[int]] = []

    def keep(pixels_BHWC, seeds):  # type: ignore[no-untyped-def]
        calls.append(list(seeds))
        return 255 - pixels_BHWC

    plain, _ = used.get(0)
    used.augment = keep
    inverted, _ = used.get(0)
    assert torch.allclose(inverted, 1 - plain)
    for step in (1, 2, 3, 1):
        used.get(step)
    first, second, third, fourth, again = calls
    assert len({*first, *second, *third, *fourth}) == 16
    assert again == second


def test_images_are_scaled_to_the_unit_interval() -> None:
    pixels_BHWC = np.array([0, 51, 255], np.uint8).reshape(1, 1, 3, 1)
    x_BCHW = as_images(pixels_BHWC, torch.device("cpu"))
    assert x_BCHW.shape == (1, 1, 1, 3)
    assert x_BCHW.flatten().tolist() == [0.0, np.float32(0.2), 1.0]

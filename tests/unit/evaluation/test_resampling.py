"""Small classes made large: how many images they get, and where new ones lie."""

import numpy as np

from vaeaug.evaluation.resampling import oversampled, smote

LABELS_N = np.repeat([0, 1, 2, 4], [12, 7, 3, 1])  # nothing of class 3
PIXELS_NHWC = np.random.default_rng(0).integers(0, 256, (len(LABELS_N), 5, 4, 3), dtype=np.uint8)


def from_segment(new_HWC: np.ndarray, one_HWC: np.ndarray, other_HWC: np.ndarray) -> float:
    """Return how far an image is from the segment between two others, in its most distant value."""
    new, start, end = (image.astype(float).ravel() for image in (new_HWC, one_HWC, other_HWC))
    along = end - start
    share = np.clip(((new - start) @ along) / max(along @ along, 1e-9), 0, 1)
    return float(np.abs(start + share * along - new).max())


def nearest(mine_NHWC: np.ndarray, number: int) -> np.ndarray:
    """Return the images of a class by their distance from one of them."""
    flat_ND = mine_NHWC.reshape(len(mine_NHWC), -1).astype(float)
    return np.argsort(((flat_ND - flat_ND[number]) ** 2).sum(axis=1))


def test_oversampling_shows_each_class_as_often() -> None:
    labels_N = np.array([0] * 7 + [1] * 2 + [2] * 3)
    rows = oversampled(labels_N)
    assert np.bincount(labels_N[rows]).tolist() == [7, 7, 7]
    assert set(rows.tolist()) == set(range(12))


def test_smote_makes_classes_as_large_as_the_largest_and_keeps_what_is_there() -> None:
    pixels_NHWC, labels_N = smote(PIXELS_NHWC, LABELS_N, seed=3)
    assert np.bincount(labels_N).tolist() == [12, 12, 12, 0, 12]
    assert pixels_NHWC.dtype == np.uint8
    np.testing.assert_array_equal(pixels_NHWC[: len(LABELS_N)], PIXELS_NHWC)
    np.testing.assert_array_equal(labels_N[: len(LABELS_N)], LABELS_N)


def test_new_images_lie_between_an_image_and_a_near_one_of_its_class() -> None:
    """In a class of 3 all are near; in one of 7 an image has 5 near ones, and the 6th is none: two are no pair."""
    many_NHWC = np.concatenate([PIXELS_NHWC, np.repeat(PIXELS_NHWC[:1], 90, axis=0)])
    pixels_NHWC, labels_N = smote(many_NHWC, np.concatenate([LABELS_N, np.zeros(90, np.int64)]), seed=3)
    for label, mine_NHWC, pairs in ((1, PIXELS_NHWC[12:19], 21), (2, PIXELS_NHWC[19:22], 3)):
        near = {tuple(sorted((one, other))) for one in range(len(mine_NHWC)) for other in nearest(mine_NHWC, one)[1:6]}
        assert (len(near) < pairs) == (label == 1)
        new_NHWC = pixels_NHWC[len(many_NHWC) :][labels_N[len(many_NHWC) :] == label]
        assert len(new_NHWC) == 102 - len(mine_NHWC)
        for new_HWC in new_NHWC:
            off = min(from_segment(new_HWC, mine_NHWC[one], mine_NHWC[other]) for one, other in near)
            assert off <= 1  # rounded to a level


def test_features_are_mixed_as_they_are_without_rounding() -> None:
    """Of two images with two views each: the new one is at the same place between them in both views."""
    features_NVD = np.array([[[0], [10]], [[1], [30]], [[2], [7]], [[3], [7]], [[4], [7]]], np.float32)
    mixed_NVD, labels_N = smote(features_NVD, np.array([0, 0, 1, 1, 1]), seed=0)
    assert labels_N.tolist() == [0, 0, 1, 1, 1, 0]
    first, second = mixed_NVD[5, :, 0]
    assert 0 < first < 1
    np.testing.assert_allclose(second, 10 + 20 * first, rtol=1e-6)


def test_every_near_image_is_a_partner_and_classes_draw_independently() -> None:
    """Four images of one bright pixel each: the pixels that are not black tell between which two a new image lies."""
    bright_NHWC = (255 * np.eye(4)).astype(np.uint8).reshape(4, 2, 2, 1)
    filler_NHWC = np.zeros((200, 2, 2, 1), np.uint8)
    labels_N = np.repeat([0, 1, 2], [200, 4, 4]).astype(np.int8)
    pixels_NHWC, made_N = smote(np.concatenate([filler_NHWC, bright_NHWC, bright_NHWC]), labels_N, seed=0)
    assert made_N.dtype == np.int8
    first_NHWC, second_NHWC = (pixels_NHWC[208:][made_N[208:] == label] for label in (1, 2))
    pairs = {tuple(np.flatnonzero(image)) for image in first_NHWC}
    assert {pair for pair in pairs if len(pair) == 2} == {(i, j) for i in range(4) for j in range(i + 1, 4)}
    assert (first_NHWC != second_NHWC).any()


def test_two_images_are_each_others_partners() -> None:
    ends_NHWC = np.array([0, 200], np.uint8).reshape(2, 1, 1, 1)
    pixels_NHWC, labels_N = smote(
        np.concatenate([np.zeros((50, 1, 1, 1), np.uint8), ends_NHWC]), np.repeat([0, 1], [50, 2]), seed=0
    )
    new_N = pixels_NHWC[52:].ravel()
    assert len(new_N) == 48
    assert len(np.unique(new_N)) > 30
    assert (labels_N[52:] == 1).all()


def test_an_image_that_is_alone_is_shown_again() -> None:
    pixels_NHWC, labels_N = smote(PIXELS_NHWC, LABELS_N, seed=3)
    assert (pixels_NHWC[labels_N == 4] == PIXELS_NHWC[-1]).all()


def test_the_seed_alone_decides() -> None:
    first, again, other = (smote(PIXELS_NHWC, LABELS_N, seed)[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_size_of_a_piece_changes_no_image() -> None:
    whole_NHWC, _ = smote(PIXELS_NHWC, LABELS_N, seed=3)
    in_pairs_NHWC, _ = smote(PIXELS_NHWC, LABELS_N, seed=3, chunk_values=2 * PIXELS_NHWC[0].size)
    np.testing.assert_array_equal(in_pairs_NHWC, whole_NHWC)
    assert len(np.unique(whole_NHWC[len(LABELS_N) :], axis=0)) == 5 + 9 + 1  # one class has a single image


def test_classes_of_one_size_are_left_as_they_are() -> None:
    pixels_NHWC, labels_N = smote(PIXELS_NHWC[:12], np.arange(12) % 2, seed=0)
    np.testing.assert_array_equal(pixels_NHWC, PIXELS_NHWC[:12])
    assert len(labels_N) == 12

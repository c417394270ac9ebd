"""The judge: it drops samples of another class, far from the data, and copies, and keeps what is like unseen images."""

import numpy as np
import pytest

from vaeaug.classifier.fit import ClassifierConfig, Source, fit_classifier
from vaeaug.classifier.folds import stratified_folds
from vaeaug.synthesis.filters import ClassifierFilter, Fold

SIDE = 12


def _bars(count: int, label: int, seed: int) -> np.ndarray:
    """Dim noise with a bright bar: a row in class 0, a column in class 1."""
    rng = np.random.default_rng(seed)
    pixels_NHWC = rng.integers(0, 100, (count, SIDE, SIDE, 1), dtype=np.uint8)
    for image_HWC, place in zip(pixels_NHWC, rng.integers(0, SIDE - 2, count), strict=True):
        bar = (slice(place, place + 2), slice(None))
        image_HWC[bar if label == 0 else bar[::-1]] = rng.integers(180, 250)
    return pixels_NHWC


@pytest.fixture(scope="module")
def real() -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([_bars(60, 0, 0), _bars(60, 1, 1)]), np.repeat([0, 1], 60)


@pytest.fixture(scope="module")
def judge(real: tuple[np.ndarray, np.ndarray]) -> ClassifierFilter:
    pixels_NHWC, labels_N = real
    fold_N = stratified_folds(labels_N, 3, seed=0)
    folds = []
    for fold in range(3):
        source = Source(pixels_NHWC[fold_N != fold], labels_N[fold_N != fold])
        config = ClassifierConfig(steps=60, batch_size=16, features=8)
        folds.append(Fold(fit_classifier([source], 2, seed=fold, config=config), np.flatnonzero(fold_N == fold)))
    return ClassifierFilter(folds, pixels_NHWC, labels_N)


def _share(verdicts: list[str | None], cause: str | None) -> float:
    return sum(verdict == cause for verdict in verdicts) / len(verdicts)


def test_new_images_of_the_class_are_kept(judge: ClassifierFilter) -> None:
    assert _share(judge.verdicts(_bars(100, 0, 7), 0, [None] * 100), None) > 0.85


def test_images_of_another_class_are_dropped(judge: ClassifierFilter) -> None:
    assert _share(judge.verdicts(_bars(100, 1, 8), 0, [None] * 100), "another class") > 0.9


def test_copies_are_dropped_also_of_images_that_the_classifier_has_seen(judge: ClassifierFilter, real: tuple) -> None:  # type: ignore[type-arg]
    pixels_NHWC, _ = real
    for sources in ([None] * 60, list(range(60))):
        assert _share(judge.verdicts(pixels_NHWC[:60], 0, sources), "near copy") > 0.9


def test_what_is_like_nothing_is_dropped_one_way_or_the_other(judge: ClassifierFilter) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, SIDE, SIDE, 1), dtype=np.uint8)
    verdicts = judge.verdicts(noise, 0, [None] * 50)
    assert _share(verdicts, None) < 0.1
    assert _share(verdicts, "far from data") > 0


def test_a_sample_is_judged_by_itself_alone(judge: ClassifierFilter) -> None:
    pixels_BHWC = np.concatenate([_bars(20, 0, 3), _bars(20, 1, 4)])
    sources = [None if number % 3 else number for number in range(40)]
    together = judge.verdicts(pixels_BHWC, 0, sources)
    alone = [judge.verdicts(pixels_BHWC[i : i + 1], 0, sources[i : i + 1])[0] for i in range(40)]
    assert together == alone


def test_the_nearest_of_a_real_image_is_itself_and_of_a_sample_one_of_its_class(
    judge: ClassifierFilter, real: tuple[np.ndarray, np.ndarray]
) -> None:
    pixels_NHWC, _ = real
    for label, rows in ((0, np.arange(60)), (1, np.arange(60, 120))):
        assert np.array_equal(judge.nearest(pixels_NHWC[rows], label), rows)
        noisier_BHWC = pixels_NHWC[rows] + (np.random.default_rng(0).random((60, SIDE, SIDE, 1)) < 0.1).astype(np.uint8)
        assert np.mean(judge.nearest(noisier_BHWC, label) == rows) > 0.95
        assert set(judge.nearest(pixels_NHWC, label)) <= set(rows)


def test_a_sample_is_judged_by_the_classifier_that_has_not_seen_its_source() -> None:
    """Three classifiers that tell nothing but who was asked; the images of fold f are 3 i + f."""

    class Asked:
        def __init__(self) -> None:
            self.samples: list[int] = []

        def probabilities(self, pixels_NHWC: np.ndarray) -> np.ndarray:
            self.samples += [int(value) for value in pixels_NHWC[:, 0, 0, 0]]
            return np.full((len(pixels_NHWC), 2), 0.5, np.float32)

        def embeddings(self, pixels_NHWC: np.ndarray) -> np.ndarray:
            return np.zeros((len(pixels_NHWC), 3), np.float32)

    labels_N = np.repeat([0, 1], 9)
    classifiers = [Asked(), Asked(), Asked()]
    folds = [Fold(asked, np.arange(18)[fold::3]) for fold, asked in enumerate(classifiers)]  # type: ignore[arg-type]
    judge = ClassifierFilter(folds, np.full((18, 8, 8, 1), 99, np.uint8), labels_N)
    for asked in classifiers:
        asked.samples.clear()  # the real images
    samples_BHWC = np.zeros((5, 8, 8, 1), np.uint8) + np.arange(5, dtype=np.uint8)[:, None, None, None]
    judge.verdicts(samples_BHWC, 0, [4, None, 2, 8, 3])
    assert [asked.samples for asked in classifiers] == [[1, 4], [0], [2, 3]]


def test_folds_hold_out_every_image_once_and_every_class_evenly() -> None:
    labels_N = np.repeat([0, 1, 2], [10, 3, 1])
    fold_N = stratified_folds(labels_N, 3, seed=4)
    assert sorted(np.bincount(fold_N[labels_N == 0]).tolist()) == [3, 3, 4]
    assert sorted(fold_N[labels_N == 1].tolist()) == [0, 1, 2]
    assert np.array_equal(fold_N, stratified_folds(labels_N, 3, seed=4))
    assert not np.array_equal(fold_N, stratified_folds(labels_N, 3, seed=5))


def test_copies_of_an_image_are_held_out_together_whatever_their_class() -> None:
    labels_N = np.repeat([0, 1], 9)
    digests = ["a", "a", "a", "b", "b", "c", "d", "e", "f", "a", *"ghijklmn"]
    fold_N = stratified_folds(labels_N, 3, seed=4, digests=digests)
    assert len({*fold_N[:3], fold_N[9]}) == 1
    assert fold_N[3] == fold_N[4]
    assert np.bincount(fold_N[[0, 3, 5, 6, 7, 8]]).tolist() == [2, 2, 2]  # the six images of the first class
    plain_N = stratified_folds(labels_N, 3, seed=4)
    assert np.array_equal(plain_N, stratified_folds(labels_N, 3, seed=4, digests=list("abcdefghijklmnopqr")))


@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_handful_of_images_is_judged_too(count: int) -> None:
    pixels_NHWC, labels_N = np.concatenate([_bars(count, 0, 0), _bars(count, 1, 1)]), np.repeat([0, 1], count)
    fold_N = stratified_folds(labels_N, 3, seed=0)
    folds = []
    for fold in range(3):
        source = Source(pixels_NHWC[fold_N != fold], labels_N[fold_N != fold])
        classifier = fit_classifier([source], 2, seed=0, config=ClassifierConfig(steps=5, batch_size=4, features=4))
        folds.append(Fold(classifier, np.flatnonzero(fold_N == fold)))
    verdicts = ClassifierFilter(folds, pixels_NHWC, labels_N).verdicts(_bars(6, 0, 9), 0, [None] * 6)
    assert len(verdicts) == 6

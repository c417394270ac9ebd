"""Which images validate."""

import numpy as np
import pytest
from dataset_files import class_folder, gray, save

from vaeaug.dataset.cache import build_cache
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.image_cache import validation_split
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError


def cached(tmp_path, name="data"):
    return build_cache(read_contents(scan(tmp_path / name)), cache_dir=tmp_path / "cache")


def names(cache, indices):
    return {cache.files[i].file_name for i in indices}


def test_a_share_of_each_class(tmp_path):
    class_folder(tmp_path / "data" / "big", 50)
    class_folder(tmp_path / "data" / "small", 20, start=100)
    cache = cached(tmp_path)
    train, val = validation_split(cache)
    assert [int((cache.labels_N[val] == label).sum()) for label in (0, 1)] == [5, 2]
    assert np.array_equal(np.sort(np.concatenate([train, val])), cache.indices("train"))
    assert train.dtype == val.dtype == np.int64


def test_the_dataset_s_own_split_goes_first(tmp_path):
    class_folder(tmp_path / "data" / "train" / "a", 20)
    class_folder(tmp_path / "data" / "val" / "a", 3, start=50)
    class_folder(tmp_path / "data" / "val" / "unknown", 2, start=60)
    class_folder(tmp_path / "data" / "test" / "a", 2, start=70)
    cache = cached(tmp_path)
    train, val = validation_split(cache)
    assert len(train) == 20
    assert names(cache, val) == {"val/a/000.png", "val/a/001.png", "val/a/002.png"}


@pytest.mark.parametrize(
    ("count", "fraction", "expected"), [(9, 0.1, 0), (10, 0.1, 1), (3, 0.5, 1), (4, 0.9, 2), (2, 0.9, 0)]
)
def test_small_classes_keep_two_training_images(tmp_path, count, fraction, expected):
    class_folder(tmp_path / "data" / "a", count)
    train, val = validation_split(cached(tmp_path), fraction)
    assert (len(train), len(val)) == (count - expected, expected)


def test_another_seed_chooses_others_and_the_same_seed_the_same(tmp_path):
    class_folder(tmp_path / "data" / "a", 50)
    cache = cached(tmp_path)
    first, again, other = (set(validation_split(cache, 0.2, seed)[1].tolist()) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_an_added_image_moves_at_most_one_other(tmp_path):
    class_folder(tmp_path / "data" / "a", 40)
    cache = cached(tmp_path)
    before = names(cache, validation_split(cache, 0.25)[1])
    for i in range(4):
        save(tmp_path / "data" / "a" / f"new{i}.png", gray(1000 + i))
        cache = cached(tmp_path)
        after = names(cache, validation_split(cache, 0.25)[1])
        assert len(before - after) <= 1
        before = after


def test_a_renamed_file_moves_nothing(tmp_path):
    class_folder(tmp_path / "data" / "a", 20)
    before = [file.digest for file in cached(tmp_path).files]
    chosen = {before[i] for i in validation_split(cached(tmp_path), 0.25)[1]}
    for path in list((tmp_path / "data" / "a").iterdir()):
        path.rename(path.with_name(f"{'x' if path.name < '010' else 'b'}{path.name}"))
    cache = cached(tmp_path)
    assert {cache.files[i].digest for i in validation_split(cache, 0.25)[1]} == chosen


def test_copies_of_an_image_stay_on_one_side(tmp_path):
    for i in range(30):
        for copy in range(2):
            save(tmp_path / "data" / "a" / f"{i}-{copy}.png", gray(i))
    cache = cached(tmp_path)
    for seed in range(10):
        train, val = validation_split(cache, 0.25, seed)
        assert len(val) >= 12
        assert not {cache.files[i].digest for i in train} & {cache.files[i].digest for i in val}


@pytest.mark.parametrize("fraction", [-0.1, 1, 2, float("nan")])
def test_a_share_out_of_range_is_refused(tmp_path, fraction):
    class_folder(tmp_path / "data" / "a", 3)
    with pytest.raises(InputError, match="validation fraction"):
        validation_split(cached(tmp_path), fraction)


def test_no_share_leaves_all_to_training(tmp_path):
    class_folder(tmp_path / "data" / "a", 30)
    train, val = validation_split(cached(tmp_path), 0)
    assert (len(train), len(val)) == (30, 0)

"""Byte-identical images across splits, across classes and within a class."""

import shutil

import pytest
from dataset_files import build, class_folder, save

from vaeaug.dataset.duplicates import duplicate_warnings
from vaeaug.errors import InputError


@pytest.fixture
def data(tmp_path):
    root = tmp_path / "data"
    for number, split in enumerate(("train", "val", "test")):
        for label in "ab":
            class_folder(root / split / label, 4, start=100 * number + 10 * ord(label))
    return root


def copy(data, source, target):
    shutil.copy(data / source, data / target)


def warnings(data, *, allow_leaks=False):
    return duplicate_warnings(build(data, data.parent), allow_leaks=allow_leaks)


def test_different_images_give_no_warning(data):
    assert warnings(data) == []


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_held_out_image_in_train_is_refused_unless_leaks_are_allowed(data, split):
    copy(data, "train/a/000.png", f"{split}/a/copy.png")
    with pytest.raises(InputError) as caught:
        warnings(data)
    assert str(caught.value) == (
        f"1 {split} image is also a training image, byte for byte: '{split}/a/copy.png' is 'train/a/000.png', so "
        "metrics on them would be too optimistic; remove them from one of the splits, or continue with --allow-leaks"
    )
    [warning] = warnings(data, allow_leaks=True)
    assert warning.startswith(f"1 {split} image is also a training image")


def test_many_leaks_are_counted_and_the_first_three_named(data):
    for i in range(4):
        copy(data, f"train/a/00{i}.png", f"test/a/{i}.png")
    with pytest.raises(InputError, match=r"^4 test images are also training images.* and 1 more, so"):
        warnings(data)


def test_an_image_of_two_classes_is_named_with_both(data):
    copy(data, "train/a/000.png", "train/b/copy.png")
    assert warnings(data) == [
        "1 identical image is in several classes, so a label is wrong: 'train/a/000.png' ('a') and 'train/b/copy.png' "
        "('b')"
    ]


def test_copies_in_a_class_are_counted(data):
    copy(data, "train/a/000.png", "train/a/1.png")
    copy(data, "train/a/000.png", "train/a/2.png")
    assert warnings(data) == [
        "2 images are identical copies of another image of the same class and split: 'train/a/1.png' is "
        "'train/a/000.png', 'train/a/2.png' is 'train/a/000.png'"
    ]


def test_an_image_in_val_and_test(data):
    copy(data, "val/a/000.png", "test/a/copy.png")
    assert warnings(data) == ["1 image is in both val and test: 'val/a/000.png' is 'test/a/copy.png'"]


def test_equal_pixels_in_other_bytes_are_no_copies(data):
    from PIL import Image

    save(data / "test/a/copy.png", Image.open(data / "train/a/000.png"), compress_level=0)
    assert warnings(data) == []

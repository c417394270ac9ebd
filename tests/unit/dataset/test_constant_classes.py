"""Classes whose images show nothing are named as such."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_data
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from vaeaug.dataset.cache import build_cache
from vaeaug.dataset.constant_classes import Constant, constant_class, constant_warnings
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.scan import scan

PIXELS = arrays(np.uint8, st.tuples(st.integers(2, 5), st.just(2), st.just(3), st.sampled_from([1, 3])),
                elements=st.integers(0, 2))  # fmt: skip


@given(pixels_NHWC=PIXELS, how=st.sampled_from(["any", "flat", "identical", "black"]))
def test_a_class_is_constant_where_its_images_or_their_pixels_are_all_equal(pixels_NHWC: np.ndarray, how: str) -> None:
    if how == "flat":
        pixels_NHWC = np.broadcast_to(pixels_NHWC[:, :1, :1], pixels_NHWC.shape)
    elif how == "identical":
        pixels_NHWC = np.broadcast_to(pixels_NHWC[:1], pixels_NHWC.shape)
    elif how == "black":
        pixels_NHWC = np.zeros_like(pixels_NHWC)
    images = [image.tobytes() for image in pixels_NHWC]
    flat = all(len({tuple(pixel) for row in image for pixel in row}) == 1 for image in pixels_NHWC.tolist())
    found = constant_class(pixels_NHWC, np.arange(len(pixels_NHWC)))
    if len(set(images)) == 1:
        assert found is (Constant.IDENTICAL if any(images[0]) else Constant.BLACK)
    else:
        assert found is (Constant.FLAT if flat else None)


def test_one_that_differs_is_enough_wherever_it_is() -> None:
    pixels_NHWC = np.zeros((600, 2, 2, 1), np.uint8)
    assert constant_class(pixels_NHWC, np.arange(600)) is Constant.BLACK
    pixels_NHWC[599, 1, 1] = 1
    assert constant_class(pixels_NHWC, np.arange(600)) is None


def warnings_of(root: Path) -> list[str]:
    """Return what is said of a dataset."""
    return constant_warnings(build_cache(read_contents(scan(root)), cache_dir=root.with_name("cache")))


def fill(folder: Path, values: list[int]) -> None:
    """Write flat images of these values."""
    folder.mkdir(parents=True)
    for number, value in enumerate(values):
        Image.new("L", (8, 8), value).save(folder / f"{number}.png")


def test_the_warning_names_the_classes_and_what_they_are(tmp_path: Path) -> None:
    root = tiny_data.write_dataset(tmp_path / "data", {"ant": 4})
    assert warnings_of(root) == []
    fill(root / "dark", [0, 0, 0])
    fill(root / "gray", [9, 9])
    fill(root / "many", [1, 2, 3])
    black, identical, flat = warnings_of(root)
    assert black.startswith("all training images of the class 'dark' are black (at 8x8 pixels)")
    assert identical.startswith("all training images of the class 'gray' are identical (at 8x8 pixels)")
    assert flat.startswith("all training images of the class 'many' are a single flat colour each (at 8x8 pixels)")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"a": [0, 0], "b": [0, 0]}, "of all classes are black (at"),
        ({"a": [7, 7], "b": [9, 9]}, "of all classes are identical within each (at"),
        ({"a": [7, 8]}, "of the only class 'a' are a single flat colour each (at"),
    ],
)
def test_a_whole_dataset_may_be_constant(tmp_path: Path, values: dict[str, list[int]], words: str) -> None:
    for label, each in values.items():
        fill(tmp_path / "data" / label, each)
    (warning,) = warnings_of(tmp_path / "data")
    assert words in warning

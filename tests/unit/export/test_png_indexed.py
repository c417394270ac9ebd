"""A synthetic PNG of an indexed dataset has the dataset's colour table and no other colours than its palette."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from vaeaug.dataset.palette import IndexedColours
from vaeaug.export.png import encode_png

if TYPE_CHECKING:
    from numpy.typing import NDArray

RED, BLACK, GREEN, BLUE = (200, 10, 20), (0, 0, 0), (10, 180, 30), (0, 0, 250)
COLOURS = IndexedColours(palette=(RED, GREEN, BLUE), table=(RED, BLACK, GREEN, BLACK, BLUE, RED))


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@settings(deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20)), elements=st.integers(0, 2)))
def test_pillow_and_opencv_read_the_very_table_indices_and_colours(entries_HW: NDArray[np.uint8]) -> None:
    pixels_HWC = np.array(COLOURS.palette, np.uint8)[entries_HW]
    data = encode_png(pixels_HWC, *entries_HW.shape, "P", {"vaeaug:class": "cat"}, COLOURS)
    image = opened(data)
    assert image.mode == "P"
    assert image.getpalette() == [value for colour in COLOURS.table for value in colour]
    assert np.array_equal(np.asarray(image), np.array([0, 2, 4])[entries_HW])
    assert image.info["vaeaug:class"] == "cat"
    by_opencv = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert by_opencv is not None
    assert np.array_equal(by_opencv[:, :, ::-1], pixels_HWC)


def test_other_colours_become_the_nearest_of_the_palette_and_never_an_unused_entry() -> None:
    pixels = np.array([[[190, 20, 20], [20, 20, 20], [90, 90, 255]]], np.uint8)
    image = opened(encode_png(pixels, 1, 3, "P", {}, COLOURS))
    # Black is nearest to the second, but no real image has it.
    assert np.asarray(image).tolist() == [[0, 2, 4]]


def test_resizing_mixes_no_colours() -> None:
    pixels = np.array([[RED, BLUE], [BLUE, RED]], np.uint8)
    image = opened(encode_png(pixels, 4, 6, "P", {}, COLOURS))
    assert np.array_equal(np.asarray(image), np.kron([[0, 4], [4, 0]], np.ones((2, 3), int)))
    assert np.asarray(opened(encode_png(pixels, 1, 1, "P", {}, COLOURS))).tolist() == [[0]]


def test_a_gray_palette_takes_gray_pixels() -> None:
    colours = IndexedColours(palette=((255,), (0,)), table=((255, 255, 255), RED, BLACK))
    image = opened(encode_png(np.array([[[250], [9]]], np.uint8), 1, 2, "P", {}, colours))
    assert np.asarray(image).tolist() == [[0, 2]]
    assert image.getpalette() == [255, 255, 255, *RED, *BLACK]


def test_256_colours() -> None:
    every = tuple((i, 255 - i, i // 2) for i in range(256))
    pixels = np.array(every, np.uint8).reshape(16, 16, 3)
    image = opened(encode_png(pixels, 16, 16, "P", {}, IndexedColours(every, every)))
    assert np.array_equal(np.asarray(image).ravel(), np.arange(256))


@pytest.mark.parametrize(("mode", "colours"), [("P", None), ("RGB", COLOURS)])
def test_colours_go_with_mode_p_alone(mode: str, colours: IndexedColours | None) -> None:
    with pytest.raises(ValueError, match="only mode P takes colours"):
        encode_png(np.zeros((8, 8, 3), np.uint8), 8, 8, mode, {}, colours)  # type: ignore[arg-type]

"""Strips and sheets show the pixels they are given, whatever the size, number and label of the images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from vaeaug.pages.sheets import ContactRow, TraversalRow, contact_sheet, traversal_factor, traversal_sheet
from vaeaug.pages.strips import END_MS, FRAME_MS, GAP, path_strip, strip, write_gif


def noise(count: int, height: int, width: int, channels: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), dtype=np.uint8)


def repeated(image_HWC: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Return an image in RGB, each pixel repeated in both directions."""
    return np.broadcast_to(image_HWC, (*image_HWC.shape[:2], 3)).repeat(factor, axis=0).repeat(factor, axis=1)


def test_a_strip_keeps_proportions_and_mode() -> None:
    gray = strip([noise(1, 8, 8, 1)[0], noise(1, 4, 8, 1)[0]], (8, 8), 3)
    assert (gray.mode, gray.size) == ("LA", (3 * 8 + 2 * GAP, 8))
    alpha = np.asarray(gray)[:, :, 1]
    assert alpha[:, :8].all()  # the first image
    assert not alpha[:, 8:10].any()  # the gap
    assert alpha[:, 10:18].sum() == 4 * 8 * 255  # half as high
    assert alpha[2:6, 10:18].all()  # centred
    assert not alpha[:, 18:].any()  # no third image
    assert strip([noise(1, 100, 50, 3)[0]], (20, 20), 1).getchannel("A").getbbox() == (5, 0, 15, 20)


def test_the_contact_sheet_shows_real_images_left_and_synthetic_ones_right_in_whole_pixels() -> None:
    real, synthetic = np.full((2, 28, 28, 1), 10, np.uint8), np.full((2, 28, 28, 1), 200, np.uint8)
    sheet = contact_sheet([ContactRow("cat", real, synthetic)], columns=2)
    assert sheet.mode == "RGB"
    pixels = np.asarray(sheet)
    dark, bright = (np.argwhere((pixels == value).all(axis=2)) for value in (10, 200))
    assert len(dark) == len(bright) == 2 * 56 * 56  # enlarged twice, nothing interpolated
    assert dark[:, 1].max() < bright[:, 1].min()


def test_the_contact_sheet_takes_any_label_and_number_of_images() -> None:
    rows = [
        ContactRow("x" * 500, noise(20, 64, 48, 3), []),
        ContactRow("日本語\n\0", noise(1, 8, 300, 1), noise(3, 9, 9, 3)),
    ]
    assert contact_sheet(rows).width < 1600


FACTORS = st.integers(1, 4)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 9), st.integers(2, 9), st.sampled_from([1, 3]), st.integers(2, 6), FACTORS)
def test_a_path_strip_shows_each_image_in_order_in_whole_pixels(
    height: int, width: int, channels: int, steps: int, factor: int
) -> None:
    images = noise(steps + 2, height, width, channels)
    drawn = path_strip([images[0], images[-1]], list(images[1:-1]), ["cat", "日本語" * 30], factor)
    rows = np.asarray(drawn)[-16 - height * factor : -16]  # above them are the captions, below is the margin
    shown = [repeated(image_HWC, factor) for image_HWC in images]
    x = 16
    for number, image in enumerate(shown):
        np.testing.assert_array_equal(rows[:, x : x + width * factor], image)
        x += width * factor + (20 if number in (0, steps) else 4)
    assert x + 16 - 4 == drawn.width


def test_a_film_goes_there_and_back_and_pauses_at_both_ends(tmp_path: Path) -> None:
    images = [np.full((6, 5, 1), value, np.uint8) for value in (0, 64, 128, 255)]
    write_gif(tmp_path / "path.gif", images, 2)
    with Image.open(tmp_path / "path.gif") as film:
        shown = []
        for frame in range(film.n_frames):
            film.seek(frame)
            shown.append((film.convert("L").getpixel((0, 0)), film.info["duration"]))
        assert (film.size, film.info["loop"]) == ((10, 12), 0)
    there = [(0, END_MS), (64, FRAME_MS), (128, FRAME_MS), (255, END_MS)]
    assert shown == [*there, (128, FRAME_MS), (64, FRAME_MS)]


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 9), st.integers(2, 9), st.sampled_from([1, 3]), st.integers(1, 4), st.integers(1, 3), FACTORS)
def test_a_traversal_sheet_shows_one_row_per_dimension_in_whole_pixels(
    height: int, width: int, channels: int, steps: int, dimensions: int, factor: int
) -> None:
    rows = [
        TraversalRow(f"z {row}", "2.31 nats", list(noise(steps, height, width, channels, seed=row)))
        for row in range(dimensions)
    ]
    pixels = np.asarray(traversal_sheet("title", ["0"] * steps, rows, factor))
    cell_height, cell_width = height * factor + 4, width * factor + 4
    top = len(pixels) - 24 + 4 - dimensions * cell_height
    cells = [[repeated(image_HWC, factor) for image_HWC in row.images] for row in rows]
    places = range(24, pixels.shape[1] - 24 - steps * cell_width + 5)
    [left] = (x for x in places if np.array_equal(pixels[top:][: height * factor, x : x + width * factor], cells[0][0]))
    for number, row in enumerate(cells):
        for step, cell in enumerate(row):
            y, x = top + number * cell_height, left + step * cell_width
            np.testing.assert_array_equal(pixels[y : y + height * factor, x : x + width * factor], cell)


@given(st.integers(1, 200), st.integers(1, 200))
def test_a_traversal_is_enlarged_to_84_pixels_at_least(height: int, width: int) -> None:
    factor = traversal_factor(height, width)
    assert factor * max(height, width) >= 84
    assert factor == 1 or (factor - 1) * max(height, width) < 84

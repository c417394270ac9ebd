"""Mask files: which belongs to which image, what of it is missing, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from vaeaug.dataset.decode import UnreadableImageError
from vaeaug.errors import InputError
from vaeaug.inpainting.masks import MaskFiles, read_mask, resized
from vaeaug.inpainting.picture import from_pixels
from vaeaug.inpainting.sources import MissingColour, Transparent

PICTURE = from_pixels(np.zeros((6, 4), dtype=np.uint8))


def _save(path: Path, values: object, size: tuple[int, int] = (6, 4)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.broadcast_to(np.asarray(values, dtype=np.uint8), size).copy()).save(path)
    return path


@pytest.mark.parametrize("name", ["a/1.png", "a/1_mask.png", "a/1_mask001.bmp", "a/1.jpg"])
def test_a_mask_is_found_by_place_and_stem(tmp_path: Path, name: str) -> None:
    _save(tmp_path / "masks" / name, 255)
    _save(tmp_path / "images" / "a" / "1.png", 7)
    masks = MaskFiles(tmp_path / "masks", tmp_path / "images")
    holes = masks.holes("a/1.webp", PICTURE)
    assert holes.missing_HW.all()
    assert holes.source == name
    for other in ("b/1.png", "1.png", "a/11.png", "a/1_mask.png" if "_mask" not in name else "a/2.png"):
        assert masks.holes(other, PICTURE).source == "" or "_mask" in other


def test_several_masks_of_an_image_are_united(tmp_path: Path) -> None:
    left, right = np.array([255, 0, 0, 0]), np.array([0, 0, 0, 255])
    _save(tmp_path / "masks/1_mask000.png", left)
    _save(tmp_path / "masks/1_mask001.png", right)
    holes = MaskFiles(tmp_path / "masks", tmp_path).holes("1.png", PICTURE)
    assert holes.missing_HW[0].tolist() == [True, False, False, True]
    assert holes.source == "1_mask000.png 1_mask001.png"


def test_masks_may_lie_beside_the_images(tmp_path: Path) -> None:
    _save(tmp_path / "1.png", 255)
    _save(tmp_path / "1_mask001.png", [255, 0, 0, 0])
    masks = MaskFiles(tmp_path, tmp_path)
    assert masks.is_mask(tmp_path / "1_mask001.png")
    assert not masks.is_mask(tmp_path / "1.png")
    assert masks.holes("1.png", PICTURE).missing_HW.sum() == 6  # the image is not its own mask


def test_a_folder_of_masks_inside_holds_no_images(tmp_path: Path) -> None:
    mask = _save(tmp_path / "masks/1.png", 255)
    masks = MaskFiles(tmp_path / "masks", tmp_path)
    assert masks.is_mask(mask)
    assert not masks.is_mask(tmp_path / "1_mask.png")
    assert masks.holes("1.png", PICTURE).missing_HW.all()


def test_one_file_is_the_mask_of_every_image(tmp_path: Path) -> None:
    masks = MaskFiles(_save(tmp_path / "mask.png", [255, 0, 0, 0]), tmp_path)
    assert masks.holes("any/name.jpg", PICTURE).missing_HW.sum() == 6


def test_soft_edges_are_missing_from_the_middle_on(tmp_path: Path) -> None:
    assert read_mask(_save(tmp_path / "m.png", [0, 127, 128, 255])).missing_HW[0].tolist() == [False, False, True, True]


def test_zeros_and_ones_are_refused(tmp_path: Path) -> None:
    _save(tmp_path / "masks/1.png", [0, 1, 0, 1])
    with pytest.raises(UnreadableImageError, match=r"its mask 1\.png: its values are 0 and 1"):
        MaskFiles(tmp_path / "masks", tmp_path).holes("1.png", PICTURE)


def test_a_bilevel_mask_is_no_mask_of_zeros_and_ones(tmp_path: Path) -> None:
    Image.fromarray(np.eye(4, dtype=bool)).save(tmp_path / "m.png")
    assert np.array_equal(read_mask(tmp_path / "m.png").missing_HW, np.eye(4, dtype=bool))


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 5))
def test_a_multiple_of_the_image_fits_and_so_does_the_reverse(height: int, width: int, factor: int) -> None:
    larger = np.ones((height * factor, width * factor), dtype=bool)
    assert resized(larger, height, width).shape == (height, width)
    assert resized(np.ones((height, width), dtype=bool), *larger.shape).shape == larger.shape


@given(st.integers(150, 4000), st.integers(150, 4000), st.floats(0.05, 3), st.sampled_from([round, int]))
def test_a_scaled_mask_fits(height: int, width: int, scale: float, whole: Callable[[float], int]) -> None:
    shape = whole(height * scale), whole(width * scale)
    assume(100 < min(shape) < max(shape) < 3000)  # half a pixel of 100 is half of 1 %
    assume(whole is round or min(shape) > 200)
    assert resized(np.broadcast_to(np.True_, shape), height, width).shape == (height, width)


@given(*[st.integers(1, 80)] * 4)
def test_what_fits_is_distorted_by_one_hundredth_at_most(height: int, width: int, rows: int, columns: int) -> None:
    same = abs(rows * width - columns * height) <= 0.01 * max(rows * width, columns * height)
    try:
        resized(np.ones((rows, columns), dtype=bool), height, width)
    except UnreadableImageError:
        assert (rows, columns) != (height, width)
        assert rows * width != columns * height
    else:
        assert same


@pytest.mark.parametrize(
    ("mask", "image", "fits"),
    [
        ((333, 500), (667, 1000), True),
        ((334, 500), (667, 1000), True),
        ((330, 500), (667, 1000), False),
        ((5, 5), (24, 20), False),
        ((1, 1), (2, 3), False),
        ((14, 14), (224, 224), True),
        ((1080, 1920), (1079, 1920), True),
    ],
)
def test_sizes_of_masks(mask: tuple[int, int], image: tuple[int, int], fits: bool) -> None:
    if fits:
        assert resized(np.ones(mask, dtype=bool), *image).all()
    else:
        with pytest.raises(UnreadableImageError, match="proportions differ"):
            resized(np.ones(mask, dtype=bool), *image)


@pytest.mark.parametrize("shape", [(6, 6), (4, 6), (3, 4), (60, 50)])
def test_other_proportions_are_refused(shape: tuple[int, int]) -> None:
    if shape == (3, 4):
        shape = (30, 400)
    with pytest.raises(UnreadableImageError, match="proportions differ"):
        resized(np.ones(shape, dtype=bool), 60, 40)


def test_nearest_pixel() -> None:
    assert resized(np.eye(2, dtype=bool), 4, 4)[0].tolist() == [True, True, False, False]


def test_no_folder_of_masks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--masks"):
        MaskFiles(tmp_path / "nothing", tmp_path)


def test_a_colour_is_missing_exactly() -> None:
    pixels = np.array([[[255, 0, 255], [255, 0, 254]]], dtype=np.uint8)
    for text in ("#ff00ff", "FF00FF"):
        assert MissingColour(text).holes("x", from_pixels(pixels)).missing_HW.tolist() == [[True, False]]
    for text in ("magenta", "#ff00f", "#ff00ff00", ""):
        with pytest.raises(InputError, match="takes a colour like"):
            MissingColour(text)


def test_a_gray_image_has_gray_missing_colours() -> None:
    gray = from_pixels(np.array([[0, 16]], dtype=np.uint8))
    assert MissingColour("#101010").holes("x", gray).missing_HW.tolist() == [[False, True]]
    assert not MissingColour("#100000").holes("x", gray).missing_HW.any()


def test_an_opaque_file_has_no_transparent_pixels() -> None:
    assert not Transparent().holes("x", PICTURE).missing_HW.any()


PAINT = np.zeros((6, 4), dtype=bool)
PAINT[1:4, 1:3] = True


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 30), (10, 20, 90)])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_painted_on_transparency_is_missing(tmp_path: Path, colour: tuple[int, int, int], mode: str) -> None:
    pixels = np.zeros((6, 4, 4), dtype=np.uint8)
    pixels[PAINT] = (*colour, 255)
    pixels[0, 0] = (*colour, 100)  # less than half opaque
    image = Image.fromarray(pixels)
    if mode == "P":
        image = Image.frombytes("P", (4, 6), PAINT.astype(np.uint8).tobytes())
        image.putpalette([9, 9, 9, *colour])
        image.save(tmp_path / "m.png", transparency=bytes([0, 255]))
    else:
        image.convert(mode).save(tmp_path / "m.png")
    mask = read_mask(tmp_path / "m.png")
    assert mask is not None
    assert np.array_equal(mask.missing_HW, PAINT)
    assert mask.note == ""


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_opaque_mask_with_alpha_is_read_by_its_brightness(tmp_path: Path, mode: str) -> None:
    Image.fromarray(PAINT.astype(np.uint8) * np.uint8(255)).convert(mode).save(tmp_path / "m.png")
    mask = read_mask(tmp_path / "m.png")
    assert mask is not None
    assert np.array_equal(mask.missing_HW, PAINT)


def test_black_and_white_on_transparency_is_missing_where_white(tmp_path: Path) -> None:
    pixels = np.zeros((6, 4, 4), dtype=np.uint8)
    pixels[:4, :, 3] = 255
    pixels[PAINT, :3] = 255
    Image.fromarray(pixels).save(tmp_path / "m.png")
    mask = read_mask(tmp_path / "m.png")
    assert mask is not None
    assert np.array_equal(mask.missing_HW, PAINT)


def test_a_wholly_transparent_mask_has_no_holes_and_says_so(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 6), (255, 255, 255, 0)).save(tmp_path / "m.png")
    holes = MaskFiles(tmp_path / "m.png", tmp_path).holes("1.png", PICTURE)
    assert not holes.missing_HW.any()
    assert holes.note == "m.png is fully transparent, so nothing is missing"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (PAINT.astype(np.uint16) * np.uint16(65535), "png"),
        (PAINT.astype(np.uint16) * np.uint16(255), "png"),  # 8-bit values in 16 bits
        (PAINT.astype(np.float32), "tif"),
        (PAINT.astype(np.int32) * 255, "tif"),
    ],
)
def test_deep_masks(tmp_path: Path, values: np.ndarray, kind: str) -> None:
    Image.fromarray(values).save(tmp_path / f"m.{kind}")
    mask = read_mask(tmp_path / f"m.{kind}")
    assert mask is not None
    assert np.array_equal(mask.missing_HW, PAINT)


def test_a_jpeg_mask_keeps_its_shape(tmp_path: Path) -> None:
    shape = np.zeros((40, 40), dtype=np.uint8)
    shape[8:24, 16:32] = 255
    Image.fromarray(shape).save(tmp_path / "m.jpg", quality=60)
    mask = read_mask(tmp_path / "m.jpg")
    assert mask is not None
    assert np.array_equal(mask.missing_HW, shape == 255)


def test_a_mask_has_one_page_or_as_many_as_the_image(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((6, 4), level, dtype=np.uint8)) for level in (0, 255, 0)]
    pages[0].save(tmp_path / "m.tif", save_all=True, append_images=pages[1:])
    masks = MaskFiles(tmp_path / "m.tif", tmp_path)
    second = replace(PICTURE, page=1, pages=3)
    assert masks.holes("1.tif", second).missing_HW.all()
    assert not masks.holes("1.tif", replace(PICTURE, pages=3)).missing_HW.any()
    with pytest.raises(UnreadableImageError, match="it has 3 pages, but the image has 2"):
        masks.holes("1.tif", replace(PICTURE, pages=2))
    pages[1].save(tmp_path / "one.png")
    one = MaskFiles(tmp_path / "one.png", tmp_path)
    assert one.holes("1.tif", replace(PICTURE, pages=3)).missing_HW.all()
    assert one.holes("1.tif", second).source == ""

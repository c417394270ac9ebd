"""Every kind of file keeps its visible pixels bit for bit, and its holes are filled in its own colours."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from vaeaug.dataset.decode import UnreadableImageError
from vaeaug.inpainting.picture import Picture, from_pixels, read_picture, seen_by

RNG = np.random.default_rng(0)
HOLE = np.zeros((9, 7), dtype=bool)
HOLE[2:5, 1:6] = True


def _file(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _noise(channels: int) -> Image.Image:
    pixels = RNG.integers(0, 256, (9, 7, channels), dtype=np.uint8)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


def _palette() -> Image.Image:
    image = Image.frombytes("P", (7, 9), bytes(RNG.integers(0, 4, 63, dtype=np.uint8)))
    image.putpalette([0, 0, 0, 250, 10, 10, 10, 250, 10, 10, 10, 250])
    return image


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "I;16"])
def test_visible_values_stay_and_holes_change(mode: str) -> None:
    sixteen = Image.fromarray(RNG.integers(0, 65536, (9, 7), dtype=np.uint16))
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
    image = {"P": _palette(), "I;16": sixteen}.get(mode) or _noise(channels[mode])
    picture = read_picture(_file(image))
    assert picture.mode == mode
    assert np.array_equal(picture.stored, np.asarray(image))
    filled = picture.filled(HOLE, np.full((9, 7, 3), 0.5, dtype=np.float32))
    assert filled.dtype == picture.stored.dtype
    assert np.array_equal(filled[~HOLE], picture.stored[~HOLE])
    if mode == "I;16":
        assert (filled[HOLE] == 32768).all()
    elif mode != "P":
        colours = filled[HOLE].reshape(HOLE.sum(), -1)
        assert (colours[:, : 1 if mode in ("L", "LA") else 3] == 128).all()
        assert mode not in ("LA", "RGBA") or (colours[:, -1] == 255).all()


def test_a_palette_is_filled_with_its_nearest_opaque_colour() -> None:
    picture = read_picture(_file(_palette(), transparency=bytes([255, 0, 255, 255])))
    red = np.zeros((9, 7, 3), dtype=np.float32)
    red[..., 0] = 1  # the red entry is transparent, and black is nearer than green
    assert set(picture.filled(HOLE, red)[HOLE]) == {0}
    green = np.roll(red, 1, axis=2)
    assert set(picture.filled(HOLE, green)[HOLE]) == {2}
    alpha = picture.alpha()
    assert alpha is not None
    assert np.array_equal(alpha == 0, picture.stored == 1)


def test_a_palette_without_an_opaque_colour_is_refused() -> None:
    with pytest.raises(UnreadableImageError, match="none of its colours is opaque"):
        read_picture(_file(_palette(), transparency=bytes(4)))


def test_a_transparent_colour_becomes_alpha() -> None:
    image = Image.fromarray(np.where(HOLE, 7, 90).astype(np.uint8))
    picture = read_picture(_file(image, transparency=7))
    assert picture.mode == "LA"
    assert np.array_equal(picture.stored[..., 1] == 0, HOLE)


def test_exif_turns_the_picture() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = read_picture(_file(_noise(3), "JPEG", exif=exif))
    assert picture.size == (7, 9)


@pytest.mark.parametrize(("mode", "stored"), [("1", "L"), ("CMYK", "RGB"), ("F", "L")])
def test_other_modes_are_converted(mode: str, stored: str) -> None:
    kind = "TIFF" if mode == "F" else "JPEG" if mode == "CMYK" else "PNG"
    assert read_picture(_file(_noise(1).convert(mode), kind)).mode == stored


def test_gray_for_a_model_of_colours_and_back() -> None:
    picture = from_pixels(np.full((9, 7), 40, dtype=np.uint8))
    assert seen_by(3, picture, HOLE).shape == (9, 7, 3)
    red = np.zeros((9, 7, 3), dtype=np.float32)
    red[..., 0] = 1
    assert (picture.filled(HOLE, red)[HOLE] == 76).all()  # its luma, 0.299


def test_a_model_of_grays_takes_colours_in_holes_alone() -> None:
    pixels = np.full((9, 7, 3), 40, dtype=np.uint8)
    pixels[HOLE] = (255, 0, 255)
    picture = from_pixels(pixels)
    assert (seen_by(1, picture, HOLE)[~HOLE] == 40).all()
    with pytest.raises(UnreadableImageError, match="in colour"):
        seen_by(1, picture, np.zeros_like(HOLE))


def test_broken_content_is_refused() -> None:
    with pytest.raises(UnreadableImageError):
        read_picture(_file(_noise(3))[:60])
    assert isinstance(read_picture(_file(_noise(3))), Picture)

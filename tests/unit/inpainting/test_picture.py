"""Every kind of file keeps its visible pixels bit for bit, and its holes are filled in its own colours."""

from __future__ import annotations

import io

import numpy as np
import pytest
from file_kinds import swapped_profile
from PIL import Image

from vaeaug.dataset.levels import Levels
from vaeaug.dataset.opening import UnreadableImageError
from vaeaug.dataset.rules import DEFAULT_RULES, DecodeRules
from vaeaug.inpainting.files.opening import open_completed
from vaeaug.inpainting.picture import Picture, from_pixels, read_picture, with_channels

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


def _read(data: bytes, rules: DecodeRules = DEFAULT_RULES) -> Picture:
    return read_picture(open_completed(data, rules), 0, rules)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "I;16"])
def test_visible_values_stay_and_holes_change(mode: str) -> None:
    sixteen = Image.fromarray(RNG.integers(0, 65536, (9, 7), dtype=np.uint16))
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
    image = {"P": _palette(), "I;16": sixteen}.get(mode) or _noise(channels[mode])
    picture = _read(_file(image))
    stored = picture.samples.values_HWS
    assert np.array_equal(stored, np.asarray(image).reshape(9, 7, -1))
    filled = picture.filled(HOLE, np.full((9, 7, 3), 0.5, dtype=np.float32))
    assert filled.dtype == stored.dtype
    assert np.array_equal(filled[~HOLE], stored[~HOLE])
    if mode == "I;16":
        assert (filled[HOLE] == 32768).all()
    elif mode != "P":
        assert (filled[HOLE][:, : 1 if mode in ("L", "LA") else 3] == 128).all()
        assert mode not in ("LA", "RGBA") or (filled[HOLE][:, -1] == 255).all()


def test_a_palette_is_filled_with_its_nearest_opaque_colour() -> None:
    picture = _read(_file(_palette(), transparency=bytes([255, 0, 255, 255])))
    red = np.zeros((9, 7, 3), dtype=np.float32)
    red[..., 0] = 1  # the red entry is transparent, and black is nearer than green
    assert set(picture.filled(HOLE, red)[HOLE][:, 0]) == {0}
    green = np.roll(red, 1, axis=2)
    assert set(picture.filled(HOLE, green)[HOLE][:, 0]) == {2}
    alpha = picture.samples.opacity()
    assert alpha is not None
    assert np.array_equal(alpha == 0, picture.samples.values_HWS[..., 0] == 1)


def test_a_palette_without_an_opaque_colour_is_refused() -> None:
    with pytest.raises(UnreadableImageError, match="none of its colours is opaque"):
        _read(_file(_palette(), transparency=bytes(4)))


def test_a_transparent_colour_is_a_hole_and_never_the_colour_of_a_filled_pixel() -> None:
    image = Image.fromarray(np.where(HOLE, 7, 90).astype(np.uint8))
    picture = _read(_file(image, transparency=7))
    opacity = picture.samples.opacity()
    assert opacity is not None
    assert np.array_equal(opacity == 0, HOLE)
    seven = np.full((9, 7, 1), 7 / 255, dtype=np.float32)
    assert set(picture.filled(HOLE, seven)[HOLE][:, 0]) == {6}


def test_exif_turns_the_picture_and_not_the_stored_samples() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = _noise(3)
    picture = _read(_file(image, exif=exif))
    assert picture.size == (7, 9)
    assert np.array_equal(picture.samples.values_HWS, np.asarray(image))
    hole = np.zeros((7, 9), dtype=bool)
    hole[0, 8] = True  # upper right when upright: upper left in the file
    filled = picture.filled(hole, np.zeros((7, 9, 3), dtype=np.float32))
    assert (filled[0, 0] == 0).all()
    filled[0, 0] = np.asarray(image)[0, 0]
    assert np.array_equal(filled, np.asarray(image))


def test_a_profile_is_applied_to_what_a_model_sees_and_undone_in_what_is_filled() -> None:
    wide = swapped_profile()
    image = _noise(3)
    picture = _read(_file(image, icc_profile=wide))
    assert np.abs(picture.seen_HWC.astype(int) - np.asarray(image)).max() > 20
    again = picture.filled(HOLE, picture.seen_HWC.astype(np.float32) / np.float32(255))
    inside = ((picture.seen_HWC > 0) & (picture.seen_HWC < 255)).all(axis=2) & HOLE  # others were out of gamut
    assert inside.sum() > 3
    assert np.abs(again[inside].astype(int) - np.asarray(image)[inside]).max() <= 6


def test_deep_gray_is_filled_within_the_levels_of_the_model() -> None:
    twelve = Image.fromarray(RNG.integers(100, 4000, (9, 7), dtype=np.uint16))
    rules = DecodeRules(levels=Levels(100, 4000, raw=True))
    picture = _read(_file(twelve), rules)
    white = picture.filled(HOLE, np.ones((9, 7, 1), dtype=np.float32))
    assert set(white[HOLE][:, 0]) == {4000}
    signed = Image.fromarray(RNG.integers(-50, 50, (9, 7)).astype(np.int32))
    rules = DecodeRules(levels=Levels(-50, 50, raw=False))
    picture = _read(_file(signed, "TIFF"), rules)
    assert set(picture.filled(HOLE, np.zeros((9, 7, 1), dtype=np.float32))[HOLE][:, 0]) == {-50}


def test_gray_for_a_model_of_colours_and_back() -> None:
    picture = from_pixels(np.full((9, 7), 40, dtype=np.uint8))
    assert with_channels(3, picture, HOLE).shape == (9, 7, 3)
    red = np.zeros((9, 7, 3), dtype=np.float32)
    red[..., 0] = 1
    assert (picture.filled(HOLE, red)[HOLE] == 76).all()  # its luma, 0.299


def test_a_model_of_grays_takes_colours_in_holes_alone() -> None:
    pixels = np.full((9, 7, 3), 40, dtype=np.uint8)
    pixels[HOLE] = (255, 0, 255)
    picture = from_pixels(pixels)
    assert (with_channels(1, picture, HOLE)[~HOLE] == 40).all()
    with pytest.raises(UnreadableImageError, match="in colour"):
        with_channels(1, picture, np.zeros_like(HOLE))


def test_broken_content_is_refused() -> None:
    with pytest.raises(UnreadableImageError):
        _read(_file(_noise(3))[:60])
    assert isinstance(_read(_file(_noise(3))), Picture)

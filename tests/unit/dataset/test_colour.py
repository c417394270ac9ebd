"""Colours become sRGB over a background."""

import io

import numpy as np
import pytest
from colour_profiles import (
    DISPLAY_P3,
    SRGB,
    cmyk_profile,
    gamma,
    gray_profile,
    rgb_profile,
    srgb_curve,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from vaeaug.dataset.decode import decode, decode_full, read_colour_table
from vaeaug.dataset.rules import DecodeRules
from vaeaug.dataset.traits import read_traits

P3 = rgb_profile(DISPLAY_P3, srgb_curve())
LINEAR_GRAY = gray_profile(gamma(1))
COLOUR = st.tuples(*[st.integers(0, 255)] * 3)


def encoded(image: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def pixels(data: bytes, **rules: object) -> np.ndarray:
    return decode_full(data, DecodeRules(**rules)).pixels_HWC


def one(mode: str, colour: object) -> Image.Image:
    return Image.new(mode, (2, 2), colour)


def to_linear(v: np.ndarray) -> np.ndarray:
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def from_linear(v: np.ndarray) -> np.ndarray:
    return np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)


@settings(max_examples=40, deadline=None)
@given(COLOUR)
def test_display_p3_becomes_srgb_by_the_matrices_of_both(colour):
    matrix = np.linalg.inv(np.array(SRGB).T) @ np.array(DISPLAY_P3).T
    expected = 255 * from_linear((matrix @ to_linear(np.array(colour) / 255)).clip(0, 1))
    found = pixels(encoded(one("RGB", colour), icc_profile=P3))[0, 0]
    assert np.abs(found - expected).max() <= 2


def test_in_jpeg_webp_and_tiff_too_and_with_alpha():
    red = pixels(encoded(one("RGB", (200, 30, 40)), icc_profile=P3))[0, 0].astype(int)
    assert red.tolist() != [200, 30, 40]
    for file_format, options in (("JPEG", {"quality": 98}), ("WEBP", {"lossless": True}), ("TIFF", {})):
        found = pixels(encoded(Image.new("RGB", (16, 16), (200, 30, 40)), file_format, icc_profile=P3, **options))
        assert np.abs(found - red).max() <= 4
    assert (pixels(encoded(one("RGBA", (200, 30, 40, 255)), icc_profile=P3)) == red).all()


def test_neutral_grays_stay_what_they_are_in_display_p3():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.abs(pixels(encoded(Image.fromarray(ramp), icc_profile=P3)).astype(int) - ramp).max() <= 1


@pytest.mark.parametrize(
    "profile",
    [
        rgb_profile(SRGB, srgb_curve()),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        LINEAR_GRAY,  # of another kind of image
        b"no profile",
        P3[:200],
    ],
)
def test_srgb_by_another_name_and_broken_profiles_change_nothing(profile):
    data = encoded(one("RGB", (200, 30, 40)), icc_profile=profile)
    assert (pixels(data) == [200, 30, 40]).all()
    assert not read_traits(data).profile


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 255), st.sampled_from([1.0, 1.8, 2.2]))
@example(1, 1.0)  # 0.4 % of the light are 5 % of the levels
def test_a_gray_profile_is_applied_and_gray_stays_gray(level, exponent):
    found = pixels(encoded(one("L", level), icc_profile=gray_profile(gamma(exponent))))
    assert found.shape == (2, 2, 1)
    assert np.abs(found.astype(int) - 255 * from_linear(np.float64((level / 255) ** exponent))).max() <= 2


def test_gray_with_alpha_and_a_profile_is_corrected_before_it_is_composited():
    linear = int(pixels(encoded(one("L", 64), icc_profile=LINEAR_GRAY))[0, 0, 0])
    found = int(pixels(encoded(one("LA", (64, 128)), icc_profile=LINEAR_GRAY))[0, 0, 0])
    assert abs(found - (linear * 128 + 255 * 127) / 255) <= 1


def test_cmyk_is_converted_by_its_profile():
    black = pixels(encoded(one("CMYK", (0, 0, 0, 255)), "TIFF", icc_profile=cmyk_profile()))[0, 0].tolist()
    assert len(set(black)) == 1  # all ink of this printer's black is a middle gray
    assert 95 < black[0] < 125
    assert pixels(encoded(one("CMYK", (0, 0, 0, 255)), "TIFF"))[0, 0].tolist() == [0, 0, 0]
    flat = encoded(Image.new("CMYK", (16, 16), (0, 0, 0, 255)), "JPEG", icc_profile=cmyk_profile(), quality=98)
    assert np.abs(pixels(flat).astype(int) - black[0]).max() <= 2


def test_an_indexed_image_and_its_colour_table_agree():
    image = Image.new("P", (2, 1))
    image.putpalette([200, 30, 40, 10, 220, 30])
    image.putdata([0, 1])
    data = encoded(image, icc_profile=P3)
    table = read_colour_table(data)
    assert table is not None
    assert (pixels(data)[0] == table.colours_K3).all()
    assert table.colours_K3[0].tolist() != [200, 30, 40]


@settings(max_examples=40, deadline=None)
@given(COLOUR, st.integers(0, 255), COLOUR)
def test_transparent_pixels_are_composited_over_any_background(colour, alpha, background):
    expected = (np.array(colour) * alpha + np.array(background) * (255 - alpha)) / 255
    found = pixels(encoded(one("RGBA", (*colour, alpha))), background=background)[0, 0]
    assert np.abs(found - expected).max() <= 0.51


@pytest.mark.parametrize(
    ("mode", "value", "options"),
    [
        ("LA", (7, 0), {}),
        ("L", 7, {"transparency": 7}),
        ("1", 1, {"transparency": 1}),
        ("P", 0, {"transparency": 0}),
        ("RGB", (1, 2, 3), {"transparency": (1, 2, 3)}),
        ("RGBA", (1, 2, 3, 0), {}),
    ],
)
def test_every_kind_of_transparency_shows_the_background(mode, value, options):
    data = encoded(one(mode, value), **options)
    assert pixels(data, background=(9, 9, 9)).reshape(-1, pixels(data).shape[2])[0].tolist()[0] == 9
    assert pixels(data, background=(250, 120, 3))[0, 0].tolist() == [250, 120, 3]
    assert decode(data, 8, 8, rules=DecodeRules(background=(250, 120, 3))).mode == "RGB"


@pytest.mark.parametrize(("mode", "colour"), [("LA", (10, 128)), ("RGBA", (10, 20, 30, 128))])
def test_alpha_is_kept_beside_its_colours_if_asked(mode, colour):
    full = decode_full(encoded(one(mode, colour)), DecodeRules(keep_alpha=True))
    assert full.pixels_HWC[0, 0].tolist() == list(colour[:-1])
    assert full.alpha_HW is not None
    assert (full.alpha_HW == 128).all()
    assert decode_full(encoded(one(mode, colour))).alpha_HW is None
    opaque = decode_full(encoded(one("RGB", (1, 2, 3))), DecodeRules(keep_alpha=True))
    assert opaque.alpha_HW is None

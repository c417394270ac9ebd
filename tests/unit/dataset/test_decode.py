"""The stated conversion rules, each against values worked out by hand."""

import io
import struct
from contextlib import suppress

import numpy as np
import pytest
from dataset_files import colour, gray
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from vaeaug.dataset.decode import DecodedImage, UnreadableImageError, decode, decode_full, decode_upright
from vaeaug.dataset.rules import DecodeRules
from vaeaug.dataset.traits import read_header


def encoded(image: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def decoded(image: Image.Image, file_format: str = "PNG", **options: object) -> DecodedImage:
    """Decode at the image's own size."""
    return decode(encoded(image, file_format, **options), image.height, image.width)


def values(image: Image.Image, file_format: str = "PNG", **options: object) -> list:
    return decoded(image, file_format, **options).pixels_HWC.reshape(-1).tolist()


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_formats_keep_rgb_to_the_bit(file_format):
    image = colour(1)
    options = {"lossless": True} if file_format == "WEBP" else {}
    result = decoded(image, file_format, **options)
    assert result.mode == "RGB"
    assert (result.pixels_HWC == np.asarray(image)).all()


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_keep_gray_to_the_bit(file_format):
    image = gray(1)
    result = decoded(image, file_format)
    assert result.mode == "L"
    assert result.pixels_HWC.shape == (12, 10, 1)
    assert (result.pixels_HWC[..., 0] == np.asarray(image)).all()


def test_jpeg_gray_and_colour():
    flat = Image.new("RGB", (16, 16), (200, 100, 50))
    assert np.abs(decoded(flat, "JPEG", quality=95).pixels_HWC.astype(int) - [200, 100, 50]).max() <= 2
    assert decoded(Image.new("L", (16, 16), 77), "JPEG").pixels_HWC.tolist() == [[[77]] * 16] * 16


def test_bilevel_is_black_and_white():
    image = Image.fromarray(np.array([[True, False, True]]))
    assert image.mode == "1"
    assert values(image) == [255, 0, 255]
    assert decoded(image).mode == "L"


def test_alpha_is_composed_over_white():
    image = Image.new("RGBA", (3, 1))
    image.putdata([(10, 20, 30, 255), (10, 20, 30, 0), (0, 0, 0, 128)])
    assert values(image) == [10, 20, 30, 255, 255, 255, 127, 127, 127]
    assert decoded(image).mode == "RGB"


def test_gray_alpha_is_composed_over_white_and_stays_gray():
    image = Image.new("LA", (3, 1))
    image.putdata([(10, 255), (10, 0), (0, 128)])
    assert decoded(image).mode == "L"
    assert values(image) == [10, 255, 127]


def test_a_transparent_colour_is_white():
    rgb = Image.new("RGB", (2, 1))
    rgb.putdata([(1, 2, 3), (9, 9, 9)])
    assert values(rgb, transparency=(1, 2, 3)) == [255, 255, 255, 9, 9, 9]
    level = Image.new("L", (2, 1))
    level.putdata([5, 6])
    assert values(level, transparency=5) == [255, 6]
    assert decoded(level, transparency=5).mode == "L"


def palette(colours: list[int]) -> Image.Image:
    image = Image.new("P", (2, 1))
    image.putpalette(colours)
    image.putdata([0, 1])
    return image


def test_a_palette_becomes_its_colours():
    result = decoded(palette([255, 0, 0, 0, 0, 255]))
    assert (result.mode, result.pixels_HWC.reshape(-1).tolist()) == ("RGB", [255, 0, 0, 0, 0, 255])


def test_a_palette_whose_used_colours_are_gray_is_gray():
    result = decoded(palette([7, 7, 7, 90, 90, 90, 255, 0, 0]))
    assert (result.mode, result.pixels_HWC.reshape(-1).tolist()) == ("L", [7, 90])


def test_a_transparent_palette_entry_is_white():
    assert values(palette([255, 0, 0, 0, 0, 255]), transparency=0) == [255, 255, 255, 0, 0, 255]
    assert values(palette([255, 0, 0, 0, 0, 255]), transparency=bytes([255, 0])) == [255, 0, 0, 255, 255, 255]


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_16_bits_are_scaled_from_the_full_range(file_format):
    image = Image.fromarray(np.array([[0, 128, 129, 257, 32896, 65535]], dtype=np.uint16))
    result = decoded(image, file_format)
    assert result.mode == "L"
    assert result.pixels_HWC.reshape(-1).tolist() == [0, 0, 1, 1, 128, 255]


def test_big_endian_16_bits():
    image = Image.fromarray(np.array([[0, 257, 65535]], dtype=">u2"))
    assert image.mode == "I;16B"
    assert values(image, "TIFF") == [0, 1, 255]


def test_32_bit_integers_of_8_or_16_bits_range():
    assert values(Image.fromarray(np.array([[0, 100, 255]], dtype=np.int32)), "TIFF") == [0, 100, 255]
    assert values(Image.fromarray(np.array([[0, 257, 65535]], dtype=np.int32)), "TIFF") == [0, 1, 255]


@pytest.mark.parametrize("numbers", [[-1, 5], [0, 65536]])
def test_32_bit_integers_of_no_known_range_are_refused(numbers):
    with pytest.raises(UnreadableImageError, match=r"the range of its values .* is unknown; save it with 8 or 16 bits"):
        values(Image.fromarray(np.array([numbers], dtype=np.int32)), "TIFF")


def test_float_from_0_to_1_or_0_to_255():
    assert values(Image.fromarray(np.array([[0, 0.5, 1]], dtype=np.float32)), "TIFF") == [0, 128, 255]
    assert values(Image.fromarray(np.array([[0, 1.5, 200.4]], dtype=np.float32)), "TIFF") == [0, 2, 200]


@pytest.mark.parametrize("numbers", [[-0.1, 1], [0, 65536]])
def test_floats_of_no_known_range_are_refused(numbers):
    with pytest.raises(UnreadableImageError, match=r"the range of its values .* is unknown"):
        values(Image.fromarray(np.array([numbers], dtype=np.float32)), "TIFF")


@pytest.mark.parametrize("numbers", [[0, np.nan], [0, np.inf], [-np.inf, 1]])
def test_values_that_are_no_numbers_are_refused(numbers):
    with pytest.raises(UnreadableImageError, match="not numbers"):
        values(Image.fromarray(np.array([numbers], dtype=np.float32)), "TIFF")


def test_cmyk():
    image = Image.new("CMYK", (4, 1))
    image.putdata([(0, 0, 0, 0), (0, 255, 255, 0), (255, 255, 0, 0), (0, 0, 0, 255)])
    assert values(image, "TIFF") == [255, 255, 255, 255, 0, 0, 0, 0, 255, 0, 0, 0]
    flat = decoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG")
    assert np.abs(flat.pixels_HWC.astype(int) - [255, 0, 0]).max() <= 4


def test_ycbcr_and_lab():
    assert np.abs(np.array(values(Image.new("YCbCr", (1, 1), (76, 85, 255)), "TIFF")) - [254, 0, 0]).max() <= 2
    red = Image.new("RGB", (2, 2), (200, 30, 40))
    lab = ImageCms.profileToProfile(
        red, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    assert np.abs(decoded(lab, "TIFF").pixels_HWC.astype(int) - [200, 30, 40]).max() <= 4


def turned_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


UPRIGHT = {  # orientation -> how an upright array is stored so that a viewer shows it upright (EXIF 2.3, 4.6.4)
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, 1),
    7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
    8: lambda x: np.rot90(x, -1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied(orientation, file_format):
    upright = np.asarray(colour(3, height=12, width=10))
    stored = Image.fromarray(np.ascontiguousarray(UPRIGHT[orientation](upright)))
    options = {"lossless": True} if file_format == "WEBP" else {}
    data = encoded(stored, file_format, exif=turned_exif(orientation), **options)
    result = decode(data, 12, 10)
    assert (result.height, result.width) == (12, 10)
    assert (result.pixels_HWC == upright).all()


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_the_header_tells_the_rotated_size(file_format):
    data = encoded(colour(3, height=12, width=10), file_format, exif=turned_exif(6))
    header = read_header(data)
    assert (header.height, header.width) == (10, 12)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_does_not_matter():
    data = encoded(colour(3), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert decode(data, 12, 10).pixels_HWC.shape == (12, 10, 3)


def test_the_first_frame_is_taken():
    first, second = Image.new("RGB", (4, 4), "red"), Image.new("RGB", (4, 4), "blue")
    for file_format in ("TIFF", "WEBP", "PNG"):
        options = {"lossless": True} if file_format == "WEBP" else {}
        data = encoded(first, file_format, save_all=True, append_images=[second], **options)
        assert decode(data, 4, 4).pixels_HWC[0, 0].tolist() == [255, 0, 0]


def test_the_jpeg_of_many_phones():
    first, second = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    data = encoded(first, "MPO", save_all=True, append_images=[second], exif=turned_exif(6))
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "MPO"
    assert decode(data, 16, 16).pixels_HWC[8, 8, 0] > 250


def test_an_rgb_file_that_looks_gray_stays_rgb():
    assert decoded(gray(1).convert("RGB")).mode == "RGB"


def test_the_content_tells_the_format():
    assert decode(encoded(gray(1), "BMP"), 12, 10).mode == "L"


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70), to=st.tuples(st.integers(8, 80), st.integers(8, 80)))
def test_any_size_becomes_the_size_asked_for(height, width, to):
    result = decode(encoded(Image.new("RGB", (width, height), (9, 99, 199))), *to)
    assert result.pixels_HWC.shape == (*to, 3)
    assert (result.pixels_HWC == [9, 99, 199]).all()
    assert (result.height, result.width) == (height, width)


def test_shrinking_does_not_alias():
    stripes = np.zeros((64, 64), dtype=np.uint8)
    stripes[:, ::2] = 255
    shrunk = decode(encoded(Image.fromarray(stripes)), 16, 16).pixels_HWC
    assert np.abs(shrunk[2:-2, 2:-2].astype(int) - 127).max() <= 2


def test_a_large_jpeg_keeps_its_own_size_and_its_picture():
    ramp = np.tile(np.linspace(0, 255, 640).astype(np.uint8), (480, 1))
    result = decode(encoded(Image.fromarray(ramp), "JPEG", quality=95), 24, 32)
    assert (result.height, result.width) == (480, 640)
    expected = ramp.reshape(480, 32, 20).mean(axis=(0, 2))
    assert np.abs(result.pixels_HWC[..., 0].mean(axis=0) - expected).max() < 2


def bomb(width: int, height: int) -> bytes:
    """A BMP header that promises pixels which are not there."""
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info


@pytest.mark.parametrize("read", [read_header, lambda data: decode(data, 8, 8), decode_full, decode_upright])
def test_more_pixels_than_allowed_are_refused_before_they_are_decoded(read):
    with pytest.raises(UnreadableImageError) as refused:
        read(bomb(60_000, 60_001))
    assert str(refused.value) == (
        "its 60000x60001 pixels exceed --max-megapixels 250; raise the limit with --max-megapixels 3601"
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("pillows_limit", [60, 119, 120, None])  # 240 pixels: twice more, more, as many, any number
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF"])
def test_the_limit_is_ours_and_pillows_is_left_alone(file_format, pillows_limit, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillows_limit)
    data = encoded(gray(0, 12, 20), file_format)
    assert (read_header(data).height, decode(data, 12, 20).width) == (12, 20)
    assert pillows_limit == Image.MAX_IMAGE_PIXELS
    with pytest.raises(UnreadableImageError, match=r"20x12 pixels exceed --max-megapixels 0.000239"):
        decode(data, 8, 8, rules=DecodeRules(max_megapixels=0.000239))


def test_a_file_that_promises_pixels_does_not_get_them():
    for read in (lambda data: decode(data, 8, 8), decode_full):
        with pytest.raises(UnreadableImageError, match="truncated"):
            read(bomb(4_000, 4_000))


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "BMP", "WEBP", "TIFF"])
def test_a_truncated_file_is_refused(file_format):
    data = encoded(colour(1, height=40, width=40), file_format)
    with pytest.raises(UnreadableImageError, match=r"\w+"):
        decode(data[: len(data) // 2], 8, 8)


@pytest.mark.parametrize("data", [b"hello, I am text\n", b"\x00\x00\x01\x00\x01\x00", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_other_content_is_refused(data):
    with pytest.raises(UnreadableImageError, match=r"not a PNG, JPEG, .* image"):
        decode(data, 8, 8)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_raises_anything_else(data):
    content = bytearray(encoded(colour(1), data.draw(st.sampled_from(["PNG", "JPEG", "BMP", "WEBP", "TIFF"]))))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    for read in (read_header, lambda damaged: decode(damaged, 8, 8)):
        with suppress(UnreadableImageError):
            read(bytes(content))

"""What is known of a file before it is decoded."""

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
from dataset_files import colour, gray
from PIL import Image
from tiff_files import tiff

from vaeaug.dataset.decode import decode_full
from vaeaug.dataset.traits import FileTraits, read_header, read_traits


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def rgba() -> Image.Image:
    image = colour(1).convert("RGBA")
    image.putalpha(gray(2))
    return image


def test_a_plain_photo():
    traits = read_traits(encoded(colour(1), "JPEG"))
    assert replace(traits, jpeg=None) == FileTraits("JPEG", "RGB", 1, 1, False, False, False, True)


@pytest.mark.parametrize(
    ("image", "file_format", "options", "transparent"),
    [
        (rgba(), "PNG", {}, True),
        (rgba().convert("LA"), "PNG", {}, True),
        (colour(1).convert("RGBA"), "PNG", {}, True),  # opaque throughout; readers see four channels
        (gray(1), "PNG", {"transparency": 3}, True),
        (colour(1).quantize(8), "PNG", {"transparency": bytes([0, 9])}, True),
        (colour(1).quantize(8), "GIF", {"transparency": 0}, True),
        (rgba(), "WEBP", {"lossless": True}, True),
        (colour(1), "PNG", {}, False),
        (colour(1).quantize(8), "PNG", {}, False),
    ],
)
def test_transparency(image, file_format, options, transparent):
    assert read_traits(encoded(image, file_format, **options)).transparent is transparent


@pytest.mark.parametrize(
    ("image", "file_format", "options", "lossy"),
    [
        (colour(1), "WEBP", {}, True),
        (rgba(), "WEBP", {}, True),
        (colour(1), "WEBP", {"lossless": True}, False),
        (rgba(), "WEBP", {"lossless": True}, False),
        (colour(1), "WEBP", {"save_all": True, "append_images": [colour(2)]}, True),
        (colour(1), "WEBP", {"save_all": True, "append_images": [colour(2)], "lossless": True}, False),
        (colour(1), "TIFF", {"compression": "jpeg"}, True),
        (colour(1), "TIFF", {"compression": "tiff_lzw"}, False),
        (colour(1), "PNG", {}, False),
    ],
)
def test_loss(image, file_format, options, lossy):
    assert read_traits(encoded(image, file_format, **options)).lossy is lossy


@pytest.mark.parametrize(("irreversible", "lossy"), [(True, True), (False, False)])
def test_loss_of_jpeg_2000(irreversible, lossy):
    pytest.importorskip("PIL.Jpeg2KImagePlugin")
    assert read_traits(encoded(colour(1, 64, 64), "JPEG2000", irreversible=irreversible)).lossy is lossy


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "TIFF", "MPO"])
def test_frames_and_pages_are_counted_and_the_first_one_is_decoded(file_format):
    first, others = Image.new("L", (16, 16), 10), [Image.new("L", (16, 16), level) for level in (120, 240)]
    if file_format == "WEBP":
        first, others = first.convert("RGB"), [other.convert("RGB") for other in others]
    data = encoded(first, file_format, save_all=True, append_images=others)
    assert read_traits(data).frames == 3
    full = decode_full(data)
    assert full.traits.frames == 3
    assert np.abs(full.pixels_HWC.astype(int) - 10).max() <= 4


def test_pages_of_other_sizes_count_and_smaller_versions_of_one_do_not():
    stream = io.BytesIO()
    colour(1).save(stream, "TIFF", save_all=True, append_images=[colour(2, 5, 5), gray(3, 40, 3)])
    assert read_traits(stream.getvalue()).frames == 3
    assert read_header(stream.getvalue()).width == 10
    values = np.arange(12, dtype="<u2").reshape(3, 4)
    assert read_traits(tiff(values, pages=4)).frames == 4
    assert read_traits(tiff(values, pages=4, extra=((254, 1),))).frames == 1
    assert read_traits(tiff(values.astype("<f8"), pages=2)).frames == 2


def test_a_preview_in_a_jpeg_is_no_frame():
    data = encoded(colour(1, 64, 64), "MPO", save_all=True, append_images=[colour(2, 16, 16)])
    assert read_traits(data).frames == 1
    assert decode_full(data).pixels_HWC.shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("data", "deep", "mode"),
    [
        (encoded(Image.fromarray(np.zeros((2, 2), np.uint16)), "PNG"), True, "I;16"),
        (encoded(Image.fromarray(np.zeros((2, 2), np.float32)), "TIFF"), True, "F"),
        (tiff(np.zeros((2, 2), "i1")), True, "F"),
        (encoded(gray(1), "PNG"), False, "L"),
        (encoded(colour(1), "TIFF"), False, "RGB"),
        (encoded(Image.new("1", (3, 3)), "PNG"), False, "1"),
    ],
)
def test_more_than_8_bits(data, deep, mode):
    traits = read_traits(data)
    assert traits.deep is deep
    assert traits.mode.replace("I", "I;16").replace("I;16;16", "I;16") == mode  # I before Pillow 11
    assert read_header(data).deep_gray is deep


def test_48_bit_colour_is_deep_and_no_deep_gray():
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" + b"\x12\x34" * 3)) + chunk(b"IEND", b"")
    header = read_header(data)
    assert (header.traits.deep, header.deep_gray) == (True, False)
    assert decode_full(data).pixels_HWC.tolist() == [[[0x12] * 3]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_orientation_as_the_file_says(orientation, file_format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    header = read_header(encoded(colour(1), file_format, exif=exif))
    assert header.traits.orientation == orientation
    assert (header.height, header.width) == ((10, 12) if orientation >= 5 else (12, 10))

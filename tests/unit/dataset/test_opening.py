"""Images are opened within bounds: text of any length, memory, and limits that are not Pillow's."""

import io
import struct
import threading
import time
import zlib

import numpy as np
import pytest
from dataset_files import colour, gray, large_png
from hypothesis import given, settings
from hypothesis import strategies as st
from machine_faults import little_memory
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from vaeaug.dataset.decode import UnreadableImageError, decode, decode_full
from vaeaug.dataset.opening import PixelBudget, opened
from vaeaug.dataset.png_chunks import strip_text
from vaeaug.dataset.traits import read_header, read_traits


def png(image: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def tiny_png(bits: int, colour_type: int, row: bytes, transparent: bytes) -> bytes:
    """A PNG of two pixels with a transparent colour."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, bits, colour_type, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"tRNS", transparent) + body


def text(kind: str, keyword: str, content: str, *, compressed: bool) -> PngInfo:
    info = PngInfo()
    if kind == "iTXt":
        info.add_itxt(keyword, content, zip=compressed)
    else:
        info.add_text(keyword, content, zip=compressed)
    return info


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kind", ["tEXt", "iTXt"])
@pytest.mark.parametrize("keyword", ["XML:com.adobe.xmp", "parameters", "Raw profile type exif"])
def test_text_of_any_length_does_not_matter(kind, keyword, compressed):
    data = png(colour(1), pnginfo=text(kind, keyword, "x" * 3_000_000, compressed=compressed))
    assert (decode_full(data).pixels_HWC == np.asarray(colour(1))).all()
    assert read_header(data).height == 12


def test_very_much_text_in_many_chunks_does_not_matter():
    info = PngInfo()
    for number in range(80):
        info.add_text(f"key {number}", "x" * 1_000_000, zip=True)
    assert (decode_full(png(colour(1), pnginfo=info)).pixels_HWC == np.asarray(colour(1))).all()


def exif(orientation: int) -> Image.Exif:
    result = Image.Exif()
    result[0x0112] = orientation
    return result


RAW = "\nexif\n      32\n" + exif(6).tobytes().hex()


@pytest.mark.parametrize(
    "options",
    [
        {"exif": exif(6)},
        {"pnginfo": text("iTXt", "XML:com.adobe.xmp", '<a tiff:Orientation="6"/>', compressed=False)},
        {"pnginfo": text("iTXt", "XML:com.adobe.xmp", "<tiff:Orientation>6<" + " " * 2_000_000, compressed=True)},
        {"pnginfo": text("tEXt", "Raw profile type exif", RAW, compressed=True)},
    ],
)
def test_orientation_is_found_wherever_a_png_has_it(options):
    data = png(colour(1), **options)
    header = read_header(data)
    assert (header.height, header.width, header.traits.orientation) == (10, 12, 6)
    assert (decode_full(data).pixels_HWC == np.rot90(np.asarray(colour(1)), -1)).all()


def test_exif_behind_the_pixels_is_known_before_they_are_decoded():
    data = png(colour(1))
    end = chunk(b"IEND", b"")
    data = data.removesuffix(end) + chunk(b"eXIf", exif(8).tobytes().removeprefix(b"Exif\0\0")) + end
    assert read_header(data).traits.orientation == 8
    assert (decode_full(data).pixels_HWC == np.rot90(np.asarray(colour(1)))).all()


def test_a_header_decodes_no_pixels():
    for options in ({}, {"exif": exif(6)}, {"pnginfo": text("tEXt", "a", "b", compressed=False)}):
        data = bytearray(png(colour(1), **options))
        data[data.index(b"IDAT") + 4] ^= 0xFF  # no pixels can be read
        assert read_header(bytes(data)).traits.format == "PNG"
        with pytest.raises(UnreadableImageError):
            decode_full(bytes(data))


def test_a_png_without_text_is_left_as_it_is():
    data = png(colour(1), dpi=(300, 300))
    assert strip_text(data) == (data, None)


def test_a_colour_profile_longer_than_pillow_accepts_is_used():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    padding = np.random.default_rng(0).integers(0, 256, 1_500_000, dtype=np.uint8).tobytes()
    data = png(colour(1), icc_profile=profile + padding)
    with opened(data, 250) as image:
        assert image.info["icc_profile"] == profile + padding
    assert (decode_full(data).pixels_HWC == np.asarray(colour(1))).all()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_chunks_raise_nothing_of_their_own(data):
    info = text("iTXt", "XML:com.adobe.xmp", "a" * 50, compressed=True)
    content = bytearray(png(gray(1), pnginfo=info, exif=exif(3)))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(content[: data.draw(st.integers(8, len(content)))])
    assert isinstance(strip_text(cut)[0], bytes)


@pytest.mark.parametrize(
    ("bits", "colour_type", "row", "transparent", "expected"),
    [
        (1, 0, b"\x80", b"\0\1", [9, 0]),
        (2, 0, b"\x60", b"\0\1", [9, 170]),
        (4, 0, b"\x5f", b"\0\5", [9, 255]),
        (8, 0, b"\x05\x50", b"\0\5", [9, 80]),
        (16, 2, b"\x12\x34" * 3 + b"\x56\x78" * 3, b"\x12\x34" * 3, [9, 9, 9, 86, 86, 86]),
    ],
)
def test_a_transparent_colour_is_meant_in_the_bits_of_its_file(bits, colour_type, row, transparent, expected):
    from vaeaug.dataset.rules import DecodeRules

    full = decode_full(tiny_png(bits, colour_type, row, transparent), DecodeRules(background=(9, 9, 9)))
    assert full.pixels_HWC.reshape(-1).tolist() == expected
    assert full.traits.transparent


def test_threads_decode_no_more_pixels_at_a_time_than_the_budget_has():
    budget = PixelBudget(100)
    now, most, lock = 0, 0, threading.Lock()

    def work(pixels: int) -> None:
        nonlocal now, most
        with budget.reserved(pixels):
            with lock:
                now += min(pixels, 100)
                most = max(most, now)
            time.sleep(0.002)
            with lock:
                now -= min(pixels, 100)

    threads = [threading.Thread(target=work, args=(pixels,)) for pixels in (60, 40, 70, 1000, 10, 100, 30) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)
    assert 60 < most <= 100
    assert now == 0


def test_a_decoder_that_fails_gives_its_pixels_back():
    budget = PixelBudget(10)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), budget.reserved(10):
            raise ValueError("broken")


def test_pillows_limit_is_there_again_after_threads_needed_it_lifted(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    stream = io.BytesIO()
    gray(1, 30, 30).save(stream, "TIFF", compression="tiff_lzw")
    threads = [threading.Thread(target=decode, args=(stream.getvalue(), 8, 8)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Image.MAX_IMAGE_PIXELS == 10


def test_a_large_jpeg_is_decoded_at_a_reduced_size(monkeypatch):
    sizes = []
    monkeypatch.setattr(PixelBudget, "reserved", _spied(sizes, PixelBudget.reserved))
    stream = io.BytesIO()
    Image.new("L", (1600, 800), 90).save(stream, "JPEG")
    result = decode(stream.getvalue(), 16, 32)
    assert (result.height, result.width) == (800, 1600)
    assert sizes == [200 * 100]


def _spied(sizes, real):
    def reserved(self, pixels):
        sizes.append(pixels)
        return real(self, pixels)

    return reserved


def test_what_is_too_large_for_the_memory_is_refused():
    data = large_png()
    with little_memory(), pytest.raises(UnreadableImageError, match="it needs more memory than is available"):
        decode(data, 8, 8)


def test_a_tiff_of_other_kinds_of_pixels_says_what_it_holds():
    from tiff_files import tiff

    with pytest.raises(UnreadableImageError, match="a TIFF image of 1 x 16-bit float values per pixel, which is not"):
        read_traits(tiff(np.zeros((2, 2), np.float16)))

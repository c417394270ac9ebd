"""A synthetic PNG holds exactly its pixels, and says what it is."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from vaeaug.export.png import encode_png, is_complete_png

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXT = {"Software": "vaeaug 0", "vaeaug:class": "Ankle boot", "vaeaug:index": "7"}
IMAGES = st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3])).flatmap(
    lambda shape: arrays.arrays(np.uint8, shape)
)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@settings(deadline=None)
@given(IMAGES)
def test_pillow_and_opencv_read_the_exact_pixels(pixels_HWC: NDArray[np.uint8]) -> None:
    import cv2

    height, width, channels = pixels_HWC.shape
    data = encode_png(pixels_HWC, height, width, "L" if channels == 1 else "RGB", TEXT)
    image = opened(data)
    assert image.mode == ("L" if channels == 1 else "RGB")
    assert np.array_equal(np.asarray(image).reshape(pixels_HWC.shape), pixels_HWC)
    read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).reshape(pixels_HWC.shape)
    assert np.array_equal(read[:, :, ::-1], pixels_HWC)


def test_the_file_says_that_it_is_synthetic_in_plain_text_and_in_the_terms_of_iptc() -> None:
    info = opened(encode_png(np.zeros((8, 8, 1), np.uint8), 8, 8, "L", TEXT)).info
    assert info["vaeaug:synthetic"] == "true"
    assert {key: info[key] for key in TEXT} == TEXT
    packet = ElementTree.fromstring(info["XML:com.adobe.xmp"].strip("\ufeff"))  # noqa: S314 (our own)
    (description,) = packet.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    said = description.attrib["{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"]
    assert said == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@pytest.mark.parametrize("value", ["T-shirt", "Füße", "日本語", "<script>", "a\nb", "", "%2F", "x" * 500])
def test_any_class_name_comes_back_from_the_text_chunk(value: str) -> None:
    data = encode_png(np.zeros((8, 8, 1), np.uint8), 8, 8, "L", {"vaeaug:class": value})
    assert opened(data).info["vaeaug:class"] == value


def test_characters_that_png_text_cannot_hold_are_escaped() -> None:
    data = encode_png(np.zeros((8, 8, 1), np.uint8), 8, 8, "L", {"vaeaug:class": "a\0b\ud800"})
    assert opened(data).info["vaeaug:class"] == "a\\0b\\ud800"


def test_every_chunk_has_its_length_and_checksum_and_the_text_comes_before_the_pixels() -> None:
    data = encode_png(np.arange(192, dtype=np.uint8).reshape(8, 8, 3), 8, 8, "RGB", TEXT)
    place, kinds = 8, []
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + length]
        assert struct.unpack(">I", data[place + 8 + length : place + 12 + length])[0] == zlib.crc32(kind + body)
        kinds.append(kind)
        place += 12 + length
    assert kinds == [b"IHDR", b"iTXt", b"tEXt", b"tEXt", b"tEXt", b"tEXt", b"IDAT", b"IEND"]


def test_the_same_image_gives_the_same_bytes_whatever_its_memory_layout() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8)
    first = encode_png(pixels, 9, 14, "RGB", TEXT)
    assert first == encode_png(np.asfortranarray(pixels), 9, 14, "RGB", TEXT)
    wide = np.repeat(pixels, 2, axis=1)
    assert first == encode_png(wide[:, ::2], 9, 14, "RGB", TEXT)


def test_native_size_and_colour_mode_are_those_asked_for() -> None:
    ramp = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (32, 1))[:, :, None]
    gray = opened(encode_png(ramp, 20, 48, "L", {}))
    assert (gray.size, gray.mode) == ((48, 20), "L")
    assert np.all(
        np.diff(np.asarray(gray).astype(int), axis=1) >= 0
    )  # a resized ramp is a ramp: not transposed, not cut
    colour = np.asarray(opened(encode_png(ramp, 32, 32, "RGB", {})))
    assert np.array_equal(colour, np.repeat(ramp, 3, axis=2))
    back = np.asarray(opened(encode_png(colour, 32, 32, "L", {})))
    assert np.array_equal(back, ramp[:, :, 0])


@pytest.mark.parametrize("pixels", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 1))])
def test_what_is_no_image_is_refused(pixels: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="an image is uint8"):
        encode_png(pixels, 8, 8, "L", {})


def test_a_cut_file_is_recognised() -> None:
    data = encode_png(np.zeros((8, 8, 1), np.uint8), 8, 8, "L", TEXT)
    assert is_complete_png(data)
    assert is_complete_png(data[-12:])
    assert not any(is_complete_png(data[:length]) for length in range(len(data)))

"""Files of every format hold their pixels, are compressed as asked for, and say what they are."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image

from vaeaug.dataset.jpeg_tables import JpegTables, tables_from_json, tables_of
from vaeaug.dataset.mark import read_mark
from vaeaug.export.class_format import typical_tables
from vaeaug.export.encoding import PNG, Encoding, encode_image, is_complete

RNG = np.random.default_rng(0)
SMOOTH = np.add.outer(np.arange(40), np.arange(60))[:, :, None].astype(np.uint8) * np.array([1, 2, 0], np.uint8)
TEXT = {"Software": "vaeaug 0", "vaeaug:class": "Füße & <b>", "vaeaug:index": "7", "vaeaug:source": "a/1.jpg"}


def jpeg(pixels: NDArray[np.uint8] = SMOOTH, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", **options)
    return stream.getvalue()


def read_tables(data: bytes) -> JpegTables | None:
    return tables_of(Image.open(io.BytesIO(data)))


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("encoding", [PNG, Encoding("JPEG"), Encoding("WEBP")])
def test_a_synthetic_file_of_every_format_has_the_whole_mark(encoding: Encoding) -> None:
    data = encode_image(SMOOTH, 40, 60, "RGB", encoding, TEXT)
    assert opened(data).format == encoding.format
    mark = read_mark(data)
    assert mark is not None
    assert mark.source_type == "trainedAlgorithmicMedia"
    fields = {"synthetic": "true", "class": "Füße & <b>", "index": "7", "source": "a/1.jpg"}
    assert fields.items() <= dict(mark.fields).items()
    assert data == encode_image(SMOOTH, 40, 60, "RGB", encoding, TEXT)


@pytest.mark.parametrize("encoding", [PNG, Encoding("JPEG"), Encoding("WEBP")])
def test_a_copy_of_a_real_image_has_no_mark(encoding: Encoding) -> None:
    data = encode_image(SMOOTH, 40, 60, "RGB", encoding, None)
    assert read_mark(data) is None
    assert b"xmp" not in data.lower()


def test_a_name_that_no_jpeg_segment_holds_is_cut_and_the_file_stays_readable() -> None:
    data = encode_image(SMOOTH, 40, 60, "RGB", Encoding("JPEG"), {"vaeaug:class": "x" * 70000, "vaeaug:index": "1"})
    mark = read_mark(data)
    assert mark is not None
    assert (mark.fields["index"], mark.fields["class"]) == ("1", "x" * 4096)
    assert opened(data).size == (60, 40)


@pytest.mark.parametrize("quality", [30, 75, 92])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_the_tables_of_a_source_give_a_file_like_it(quality: int, subsampling: str) -> None:
    source = jpeg(quality=quality, subsampling=subsampling)
    tables = read_tables(source)
    assert tables is not None
    assert tables.subsampling == subsampling
    data = encode_image(SMOOTH, 40, 60, "RGB", Encoding("JPEG", tables=tables), None)
    assert opened(data).quantization == opened(source).quantization
    assert opened(data).layer == opened(source).layer
    assert read_tables(data) == tables


def test_a_quality_goes_before_the_tables_of_the_source() -> None:
    tables = read_tables(jpeg(quality=30))
    data = encode_image(SMOOTH, 40, 60, "RGB", Encoding("JPEG", quality=90, tables=tables), None)
    assert opened(data).quantization == opened(jpeg(quality=90)).quantization


def test_gray_files_take_the_luma_table_of_a_source_in_colour_and_the_reverse() -> None:
    colour, gray = jpeg(quality=60), jpeg(SMOOTH[:, :, 0], quality=60)
    made = encode_image(SMOOTH[:, :, :1], 40, 60, "L", Encoding("JPEG", tables=read_tables(colour)), None)
    assert opened(made).mode == "L"
    assert opened(made).quantization == opened(gray).quantization
    repeated = np.repeat(SMOOTH[:, :, :1], 3, axis=2)
    wide = opened(encode_image(repeated, 40, 60, "RGB", Encoding("JPEG", tables=read_tables(gray)), None))
    assert wide.mode == "RGB"
    assert wide.quantization[0] == opened(gray).quantization[0]


def test_what_is_no_jpeg_has_no_tables() -> None:
    assert read_tables(encode_image(SMOOTH, 40, 60, "RGB", PNG, None)) is None


def test_the_typical_tables_are_those_of_the_median_quality() -> None:
    listed = [read_tables(jpeg(quality=quality)) for quality in (95, 10, 80, 85, 90)]
    assert typical_tables(tables for tables in listed if tables is not None) == read_tables(jpeg(quality=85))
    assert typical_tables([]) is None


@given(st.integers(1, 95), st.sampled_from(["4:4:4", "4:2:2", "4:2:0"]))
def test_tables_come_back_from_json(quality: int, subsampling: str) -> None:
    tables = read_tables(jpeg(quality=quality, subsampling=subsampling))
    if tables is not None:  # low qualities have tables of 16 bits
        assert tables_from_json(json.loads(json.dumps(tables.to_json()))) == tables


def test_tables_of_16_bits_are_not_copied() -> None:
    wide = jpeg(qtables=[[300] * 64, [300] * 64])
    assert read_tables(wide) is None


@settings(deadline=None)
@given(st.sampled_from(["I;16", "LA", "RGBA"]), st.integers(1, 9), st.integers(1, 9), st.data())
def test_deep_and_transparent_pixels_come_back_exactly(mode: Any, height: int, width: int, data: st.DataObject) -> None:
    kind: Any = np.uint16 if mode == "I;16" else np.uint8
    channels = {"I;16": 1, "LA": 2, "RGBA": 4}[mode]
    pixels_HWC = data.draw(arrays.arrays(kind, (height, width, channels)))
    image = opened(encode_image(pixels_HWC, height, width, mode, PNG, TEXT))
    assert image.mode == mode
    assert np.array_equal(np.asarray(image).reshape(pixels_HWC.shape), pixels_HWC)


@pytest.mark.parametrize(
    ("mode", "encoding", "pixels"),
    [
        ("RGBA", Encoding("JPEG"), np.zeros((8, 8, 4), np.uint8)),
        ("I;16", Encoding("JPEG"), np.zeros((8, 8, 1), np.uint16)),
        ("L", Encoding("WEBP"), np.zeros((8, 8, 1), np.uint8)),
        ("I;16", PNG, np.zeros((8, 8, 1), np.uint8)),
        ("L", PNG, np.zeros((8, 8, 1), np.uint16)),
    ],
)
def test_what_a_format_does_not_hold_is_refused(mode: Any, encoding: Encoding, pixels: Any) -> None:
    with pytest.raises(ValueError, match=r"mode|uint8"):
        encode_image(pixels, 8, 8, mode, encoding, None)


@pytest.mark.parametrize("encoding", [PNG, Encoding("JPEG"), Encoding("WEBP")])
def test_a_cut_file_is_recognized(tmp_path: Path, encoding: Encoding) -> None:
    data = encode_image(SMOOTH, 40, 60, "RGB", encoding, TEXT)
    path = tmp_path / "x"
    path.write_bytes(data)
    assert is_complete(path)
    for length in (0, 1, 8, 11, 12, 30, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        assert not is_complete(path)
    assert not is_complete(tmp_path / "missing")


def test_the_mark_of_a_jpeg_is_its_first_segment_and_no_exif_is_written() -> None:
    data = encode_image(SMOOTH, 40, 60, "RGB", Encoding("JPEG"), TEXT)
    assert b"Exif\0" not in data
    assert struct.unpack_from(">H", data, 2)[0] in (0xFFE0, 0xFFE1)

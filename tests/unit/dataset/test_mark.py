"""The provenance mark is read back from every format, and nothing else is taken for one."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from vaeaug.dataset.mark import read_mark
from vaeaug.export.png import encode_png
from vaeaug.export.source_type import SourceType, xmp

FIELDS = {"synthetic": "true", "class": "a <b> & 'c' \"d\" é", "index": "7", "source": "cat/1.png"}
PACKET = xmp(SourceType.TRAINED, FIELDS).encode()


def saved(kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(stream, kind, **options)
    return stream.getvalue()


def with_packet(kind: str) -> bytes:
    if kind == "TIFF":
        return saved(kind, tiffinfo={700: PACKET})
    return saved(kind, xmp=PACKET)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF"])
def test_properties_of_a_packet_are_read_in_every_format(kind: str) -> None:
    mark = read_mark(with_packet(kind))
    assert mark is not None
    assert mark.fields == FIELDS
    assert (mark.synthetic, mark.source_type) == ("true", "trainedAlgorithmicMedia")


def test_text_chunks_of_a_png_are_read() -> None:
    data = encode_png(np.zeros((8, 8, 1), np.uint8), 8, 8, "L", {"vaeaug:class": "日本語", "vaeaug:index": "3"})
    mark = read_mark(data)
    assert mark is not None
    assert mark.fields == {"synthetic": "true", "class": "日本語", "index": "3"}
    assert mark.source_type == "trainedAlgorithmicMedia"


@pytest.mark.parametrize("compressed", [False, True])
def test_a_packet_in_a_png_is_read_too(compressed: bool) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", PACKET.decode(), zip=compressed)
    mark = read_mark(saved("PNG", pnginfo=chunks))
    assert mark is not None
    assert mark.fields == FIELDS


def test_properties_rewritten_as_elements_by_another_program_are_read() -> None:
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description xmlns:vaeaug="urn:vaeaug:provenance/1.0/">'
        b"<vaeaug:synthetic>partly</vaeaug:synthetic><vaeaug:class>a &amp; b</vaeaug:class></rdf:Description>"
    )
    mark = read_mark(saved("JPEG", xmp=packet))
    assert mark is not None
    assert mark.fields == {"synthetic": "partly", "class": "a & b"}
    assert mark.source_type == ""


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"])
def test_a_plain_image_has_no_mark(kind: str) -> None:
    assert read_mark(saved(kind)) is None


def test_the_source_type_alone_is_the_mark_of_another_program() -> None:
    assert read_mark(saved("JPEG", xmp=xmp(SourceType.TRAINED).encode())) is None


@given(st.dictionaries(st.sampled_from(["class", "source", "model"]), st.text(max_size=20)))
def test_any_text_comes_back_from_a_packet(fields: dict[str, str]) -> None:
    packet = xmp(SourceType.TRAINED, {"synthetic": "true", **fields}).encode()
    mark = read_mark(saved("JPEG", xmp=packet))
    assert mark is not None
    for name, value in fields.items():
        if value.isprintable():
            assert mark.fields[name] == value


@given(st.sampled_from(["PNG", "JPEG", "WEBP", "TIFF"]), st.integers(0, 2000))
def test_a_cut_file_is_read_as_far_as_it_goes(kind: str, length: int) -> None:
    whole = encode_png(np.zeros((8, 8, 1), np.uint8), 8, 8, "L", {}) if kind == "PNG" else with_packet(kind)
    mark = read_mark(whole[:length])
    assert mark is None or mark.synthetic == "true"


def test_a_text_that_inflates_without_end_is_left_alone() -> None:
    body = b"vaeaug:synthetic\0\0" + zlib.compress(b"true" * 10**6)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    whole = saved("PNG")
    assert read_mark(whole[:33] + chunk + whole[33:]) is None

"""Each class has one mode, and synthetic images have the format of their source or class, or the one asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vaeaug.dataset.jpeg_tables import JpegTables
from vaeaug.dataset.levels import Levels
from vaeaug.dataset.palette import IndexedColours
from vaeaug.dataset.traits import FileTraits
from vaeaug.export.class_format import ClassFormat, NativeShape, class_format
from vaeaug.export.encoding import PNG, Encoding
from vaeaug.workflows.format_warnings import format_warnings

PNG_FILE = FileTraits("PNG", "RGB", 1, 1, transparent=False, profile=False, deep=False, lossy=False)
LOW, HIGH = (JpegTables(((level,) * 64,), "4:2:0") for level in (3, 30))
JPEG_FILE = replace(PNG_FILE, format="JPEG", lossy=True, jpeg=LOW)
WEBP_FILE = replace(PNG_FILE, format="WEBP", lossy=True)
SHAPE = NativeShape(20, 30, "RGB")
COLOURS = IndexedColours(((0,), (255,)), ((0, 0, 0), (255, 255, 255)))


def kind(*traits: FileTraits, shape: NativeShape = SHAPE, **options: Any) -> ClassFormat:
    return class_format(shape, traits, **{"in_colour": shape.mode == "RGB", **options})


@pytest.mark.parametrize(
    ("traits", "encoding"),
    [
        ((PNG_FILE, PNG_FILE, JPEG_FILE), PNG),
        ((PNG_FILE, JPEG_FILE), PNG),
        ((PNG_FILE, JPEG_FILE, JPEG_FILE), Encoding("JPEG", tables=LOW)),
        ((JPEG_FILE, replace(JPEG_FILE, jpeg=HIGH), replace(JPEG_FILE, jpeg=HIGH)), Encoding("JPEG", tables=HIGH)),
        ((WEBP_FILE,), Encoding("JPEG")),
    ],
)
def test_a_drawn_image_has_the_format_of_most_files(traits: tuple[FileTraits, ...], encoding: Encoding) -> None:
    assert kind(*traits).encoding == encoding
    assert kind(*traits, quality=50).encoding == replace(encoding, quality=50)


@pytest.mark.parametrize(
    ("source", "requested_format", "encoding"),
    [
        (PNG_FILE, "auto", PNG),
        (JPEG_FILE, "auto", Encoding("JPEG", tables=LOW)),
        (WEBP_FILE, "auto", Encoding("JPEG")),
        (PNG_FILE, "jpeg", Encoding("JPEG")),
        (JPEG_FILE, "jpeg", Encoding("JPEG", tables=LOW)),
        (JPEG_FILE, "png", PNG),
        (JPEG_FILE, "webp", Encoding("WEBP")),
    ],
)
def test_an_edited_image_has_the_format_of_its_source_unless_another_is_asked_for(
    source: FileTraits, requested_format: str, encoding: Encoding
) -> None:
    assert kind(PNG_FILE, requested_format=requested_format).encoding_like(source) == encoding


@pytest.mark.parametrize("requested_format", ["auto", "jpeg", "webp"])
def test_what_other_formats_do_not_hold_is_png(requested_format: str) -> None:
    deep = NativeShape(8, 8, "L", levels=Levels(0, 4095, raw=True), value_range=(3, 4000))
    kinds = {
        "palette": kind(JPEG_FILE, shape=NativeShape(8, 8, "P", COLOURS), requested_format=requested_format),
        "deep": kind(JPEG_FILE, shape=deep, requested_format=requested_format),
        "transparent": kind(JPEG_FILE, transparent=True, requested_format=requested_format),
    }
    assert [each.mode for each in kinds.values()] == ["P", "I;16", "RGBA"]
    assert {each.encoding.format for each in kinds.values()} == {"PNG"}
    assert {each.encoding_like(JPEG_FILE).format for each in kinds.values()} == {"PNG"}
    warnings = format_warnings(kinds)
    assert any("PNG files are written for palette, deep, transparent" in line for line in warnings) == (
        requested_format != "auto"
    )
    assert any("deep are 16-bit gray" in line for line in warnings)


def test_gray_images_are_not_webp_files_which_are_decoded_in_colour() -> None:
    gray = kind(JPEG_FILE, shape=NativeShape(8, 8, "L"), requested_format="webp")
    assert (gray.mode, gray.encoding) == ("L", PNG)
    assert kind(PNG_FILE, requested_format="webp").encoding.format == "WEBP"
    (warning,) = format_warnings({"cat": kind(PNG_FILE, requested_format="webp")})
    assert "timm and Keras do not list .webp" in warning


def test_one_image_in_colour_makes_a_deep_or_gray_class_one_of_colour() -> None:
    deep = NativeShape(8, 8, "L", levels=Levels(0, 4095, raw=True), value_range=(3, 4000))
    made = kind(PNG_FILE, shape=deep, in_colour=True)
    assert (made.mode, made.levels, made.value_range) == ("RGB", None, None)

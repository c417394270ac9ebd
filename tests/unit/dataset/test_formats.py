"""Which files are images, and what to install for others."""

import io

import pytest
from dataset_files import build, colour, save

from vaeaug.dataset.decode import UnreadableImageError, decode_full
from vaeaug.dataset.formats import FORMATS, IMAGE_SUFFIXES, READABLE, install_for, is_image_name
from vaeaug.dataset.traits import read_traits


@pytest.mark.parametrize("image_format", READABLE, ids=lambda f: f.name)
def test_every_format_that_is_said_to_be_readable_is_read(image_format):
    if image_format.pillow == "HEIF":
        pillow_heif = pytest.importorskip("pillow_heif")
        stream = io.BytesIO()
        pillow_heif.from_pillow(colour(1, 64, 64)).save(stream)
    else:
        stream = io.BytesIO()
        colour(1, 64, 64).save(stream, image_format.pillow)
    assert read_traits(stream.getvalue()).format == image_format.pillow
    assert decode_full(stream.getvalue()).pixels_HWC.shape == (64, 64, 3)


@pytest.mark.parametrize("name", ["a.png", "a.JPG", "a.jfif", "a.jpe", "a.GIF", "x.y.tiff", "a.pgm", "a.bmp"])
def test_names_of_images(name):
    assert is_image_name(name)


@pytest.mark.parametrize("name", ["a.txt", "png", "a.png.txt", "a", ".png", "a.svg"])
def test_names_of_other_files(name):
    assert not is_image_name(name)


def test_what_to_install():
    assert {f.name: f.install for f in FORMATS if f.name in ("HEIC", "AVIF")} == {
        "HEIC": "pip install pillow-heif",
        "AVIF": "pip install -U pillow",
    }
    for image_format in FORMATS:
        for suffix in image_format.suffixes:
            assert install_for(suffix.upper()) == (None if image_format in READABLE else image_format.install)
    assert (install_for(".png"), install_for(".txt")) == (None, None)


def test_suffixes_of_what_cannot_be_read_are_no_images():
    missing = {suffix for f in FORMATS if f not in READABLE for suffix in f.suffixes}
    assert missing.isdisjoint(IMAGE_SUFFIXES)


@pytest.mark.skipif(install_for(".heic") is None, reason="pillow-heif is installed")
def test_content_of_a_format_that_is_not_read_names_what_to_install():
    photo = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)
    with pytest.raises(UnreadableImageError, match="not supported by this installation; pip install pillow-heif"):
        decode_full(photo)


def test_a_dataset_of_other_names_and_formats(tmp_path):
    for number, suffix in enumerate((".jfif", ".jpe", ".gif", ".ppm")):
        file_format = {".jfif": "JPEG", ".jpe": "JPEG"}.get(suffix)
        save(tmp_path / "data" / "ant" / f"{number}{suffix}", colour(number), format=file_format)
    cache = build(tmp_path / "data", tmp_path)
    assert [file.traits.format for file in cache.files] == ["JPEG", "JPEG", "GIF", "PPM"]

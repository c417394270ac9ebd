"""Copies keep their bytes where every reader decodes them as we do; rewritten ones have the pixels that we decode."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import awkward_images as awkward
import numpy as np
import pytest
from dataset_files import build
from machine_faults import on_disk
from PIL import Image

from vaeaug.dataset.cache import ImageCache
from vaeaug.dataset.decode import decode_full
from vaeaug.dataset.jpeg_tables import tables_of
from vaeaug.dataset.mark import read_mark
from vaeaug.dataset.scan import scan
from vaeaug.dataset.traits import read_traits
from vaeaug.export.class_format import ClassFormat, class_formats
from vaeaug.export.normalize import REASONS, CopyRule, copy_rule, rewritten
from vaeaug.export.real import RealImage, copy_real, place_real
from vaeaug.export.source_type import SourceType, xmp
from vaeaug.workflows.copies import copies_record, copy_rules, copy_warnings


def placed(data: Path, cache: ImageCache, *, keep_alpha: bool = False, exact: bool = False) -> tuple[RealImage, ...]:
    kinds = class_formats(cache, keep_alpha=keep_alpha)
    index = scan(data)
    return place_real(index.files, index.layout, copy_rules(cache, kinds, keep_alpha=keep_alpha, exact=exact))


def opened(path: Path) -> Image.Image:
    image = Image.open(path)
    image.load()
    return image


@pytest.mark.parametrize("kind", awkward.COPIES)
def test_copies_of_a_class_are_of_one_kind_and_show_what_the_model_sees(tmp_path: Path, kind: str) -> None:
    data = awkward.write_kind(tmp_path / "data", kind)
    before = {path: path.read_bytes() for path in data.rglob("*.*")}
    cache = build(data, tmp_path)
    real = placed(data, cache)
    copy_real(real, tmp_path / "out")
    reasons, mode, file_format = awkward.COPIES[kind]
    assert {path: path.read_bytes() for path in data.rglob("*.*")} == before
    assert real[1].reasons == reasons
    for image in real:
        path = tmp_path / "out" / image.file_name
        copy = opened(path)
        assert (copy.mode, copy.format) == (mode, file_format)
        assert path.suffix in (".png", ".jpg")
        traits = read_traits(path.read_bytes())
        assert (traits.orientation, traits.frames, traits.transparent, traits.profile) == (1, 1, False, False)
        if not image.reasons:
            assert path.read_bytes() == image.path.read_bytes()
        else:
            assert not copy.info.keys() & {"exif", "icc_profile", "xmp", "comment"}
        own = decode_full(image.path.read_bytes(), cache.rules)
        again = decode_full(path.read_bytes(), cache.rules)
        limit = 6 if file_format == "JPEG" else 0  # noise that is compressed once more
        if own.levels is not None and again.levels is not None:
            assert np.array_equal(again.pixels_HWC, own.pixels_HWC)
        assert np.abs(again.eight_bit().astype(float) - own.eight_bit()).mean() <= limit


def rule_of(path: Path, kind: ClassFormat, **options: Any) -> CopyRule:
    from vaeaug.dataset.rules import DEFAULT_RULES

    return copy_rule(read_traits(path.read_bytes()), path.suffix, kind, DEFAULT_RULES, exact=False, **options)


def test_a_turned_jpeg_is_compressed_as_its_source(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    awkward.colour("ant", 0).save(path, quality=61, subsampling="4:2:2", **awkward.turned("ant", 0))
    data = rewritten(path.read_bytes(), rule_of(path, ClassFormat(8, 8, "RGB")))
    assert tables_of(Image.open(io.BytesIO(data))) == tables_of(Image.open(path))
    assert b"Camera" in path.read_bytes()
    assert b"Camera" not in data


@pytest.mark.parametrize(
    ("name", "content", "suffix"),
    [("x.JPG", "JPEG", None), ("x.Png", "PNG", None), ("x.jpeg", "JPEG", None), ("x.jfif", "JPEG", ".jpg"),
     ("x.jpe", "JPEG", ".jpg"), ("x.png", "JPEG", ".jpg"), ("x.jpg", "PNG", ".png"), ("x.tif", "PNG", ".png")],
)  # fmt: skip
def test_a_name_that_misleads_readers_gets_the_suffix_of_its_content(
    tmp_path: Path, name: str, content: str, suffix: str | None
) -> None:
    awkward.colour("ant", 0).save(tmp_path / name, content)
    rule = rule_of(tmp_path / name, ClassFormat(8, 8, "RGB"))
    assert (rule.reasons, rule.suffix) == ((), suffix)


def test_transparency_is_kept_where_that_is_asked_for_and_opaque_images_get_it(tmp_path: Path) -> None:
    data = awkward.write_kind(tmp_path / "data", "rgba beside rgb")
    cache = build(data, tmp_path)
    real = placed(data, cache, keep_alpha=True)
    copy_real(real, tmp_path / "out")
    assert [image.reasons for image in real[:2]] == [(), ("mode",)]
    assert {opened(tmp_path / "out" / image.file_name).mode for image in real} == {"RGBA"}
    opaque = np.asarray(opened(tmp_path / "out" / real[1].file_name))
    assert (opaque[..., 3] == 255).all()
    assert np.array_equal(opaque[..., :3], awkward.shapes("ant", 1))


def test_exact_copies_keep_bytes_and_names_and_say_what_readers_see(tmp_path: Path) -> None:
    data = awkward.write_kind(tmp_path / "data", "pages")
    real = placed(data, build(data, tmp_path), exact=True)
    copy_real(real, tmp_path / "out")
    for image in real:
        assert image.reasons == ()
        assert (tmp_path / "out" / image.file_name).read_bytes() == image.path.read_bytes()
        assert image.file_name.endswith(".tif")
    (warning,) = copy_warnings(real)
    assert warning == (
        "--copy exact: 12 of 12 real images are not decoded by every reader like the synthetic ones: 12 have further "
        "frames or pages, of which readers decode the first, 12 are neither PNG nor JPEG (TIFF), which timm does not "
        "list and Keras only in part; leave out --copy exact to rewrite the copies"
    )
    assert copies_record(real) == {"images": 0, "reasons": {}}


def test_one_line_says_what_was_rewritten_and_why(tmp_path: Path) -> None:
    data = awkward.write_kind(tmp_path / "data", "exif")
    awkward.transparent("ant", 0).save(data / "ant" / "x.png")
    real = placed(data, build(data, tmp_path))
    assert copy_warnings(real) == [
        "7 of 13 real images were rewritten so that every reader decodes them like the synthetic ones: 1 had "
        "transparency (composited on white), 6 were rotated by EXIF; the originals are unchanged; --copy exact keeps "
        "the bytes"
    ]
    assert copies_record(real) == {"images": 7, "reasons": {"transparency": 1, "orientation": 6}}
    assert list(copies_record(real)["reasons"]) == [
        reason for reason in REASONS if reason in ("transparency", "orientation")
    ]


def test_rewritten_files_that_meet_get_names_of_their_own(tmp_path: Path) -> None:
    for name in ("a.tif", "a.png", "A.bmp"):
        (tmp_path / "data" / "cat").mkdir(parents=True, exist_ok=True)
        awkward.colour("ant", len(name)).save(tmp_path / "data" / "cat" / name)
    data = tmp_path / "data"
    assert {image.source: image.file_name for image in placed(data, build(data, tmp_path))} == {
        "cat/A.bmp": "train/cat/A-2.png",
        "cat/a.png": "train/cat/a.png",
        "cat/a.tif": "train/cat/a-3.png",
    }


def test_a_test_image_in_colour_makes_its_class_one_of_colour(tmp_path: Path) -> None:
    awkward.write_kind(tmp_path / "data", "gray png", "train")
    awkward.write_kind(tmp_path / "data", "rgb png", "test")
    data = tmp_path / "data"
    real = placed(data, build(data, tmp_path))
    copy_real(real, tmp_path / "out")
    assert {opened(tmp_path / "out" / image.file_name).mode for image in real} == {"RGB"}
    assert all(image.reasons == (("mode",) if image.split == "train" else ()) for image in real)


def test_colours_of_an_indexed_dataset_are_kept_also_those_of_its_test_images(tmp_path: Path) -> None:
    awkward.write_kind(tmp_path / "data", "palette", "train")
    folder = tmp_path / "data" / "test" / "ant"
    folder.mkdir(parents=True)
    flat = np.zeros((8, 8, 3), np.uint8)
    flat[:4] = (1, 2, 3)
    Image.fromarray(flat).save(folder / "0.png")
    data = tmp_path / "data"
    real = placed(data, build(data, tmp_path))
    copy_real(real, tmp_path / "out")
    copy = opened(tmp_path / "out" / "test" / "ant" / "0.png")
    assert copy.mode == "P"
    assert np.array_equal(np.asarray(copy.convert("RGB")), flat)


@pytest.mark.parametrize("synthetic", ["true", "partly"])
def test_a_rewritten_copy_of_a_synthetic_image_of_an_earlier_run_keeps_its_mark(tmp_path: Path, synthetic: str) -> None:
    fields = {"synthetic": synthetic, "class": "ant", "source": "train/ant/1.png"}
    kind = SourceType.TRAINED if synthetic == "true" else SourceType.COMPOSITE
    for mode, suffix in (("RGB", ".webp"), ("L", ".tif")):
        path = tmp_path / f"x{suffix}"
        packet = xmp(kind, fields).encode()
        options: dict[str, Any] = {"xmp": packet} if suffix == ".webp" else {"tiffinfo": {700: packet}}
        awkward.colour("ant", 0).convert(mode).save(path, **options)
        before = read_mark(path.read_bytes())
        after = read_mark(rewritten(path.read_bytes(), rule_of(path, ClassFormat(8, 8, mode))))
        assert before == after
        assert after is not None
        assert dict(after.fields) == fields


@pytest.mark.parametrize("link", ["copy", "hard"])
def test_what_is_written_is_not_written_again_and_is_never_a_link(tmp_path: Path, link: Any) -> None:
    data = awkward.write_kind(tmp_path / "data", "rgba beside rgb")
    real = placed(data, build(data, tmp_path))
    copy_real(real, tmp_path / "out", link=link)
    state = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.png")}
    for image in real:
        path = tmp_path / "out" / image.file_name
        assert path.samefile(image.path) == (link == "hard" and not image.reasons)
        assert path.stat().st_mtime_ns == image.path.stat().st_mtime_ns
    half = tmp_path / "out" / real[0].file_name
    half.write_bytes(half.read_bytes()[:20])
    with on_disk("rename", "*.png") as written:
        copy_real(real, tmp_path / "out", link=link)
    assert written == [half]
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.png")} == state

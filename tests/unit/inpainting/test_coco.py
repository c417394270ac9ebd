"""COCO annotations: polygons and run lengths in both forms, matched by file name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaeaug.dataset.decode import UnreadableImageError
from vaeaug.errors import InputError
from vaeaug.inpainting.coco import CocoFile, annotation_mask, decode_counts, run_lengths
from vaeaug.inpainting.picture import from_pixels

PICTURE = from_pixels(np.zeros((6, 4), dtype=np.uint8))


def encode_counts(lengths: list[int]) -> str:
    """`rleToString` of COCO's `maskApi.c`, as its comments describe it."""
    text = ""
    for place, length in enumerate(lengths):
        number = length - lengths[place - 2] if place > 2 else length
        more = True
        while more:
            bits = number & 31
            number >>= 5
            more = number != -1 if bits & 16 else number != 0
            text += chr((bits | 32 if more else bits) + 48)
    return text


def _write(path: Path, segmentation: Any, **image: Any) -> Path:
    values = {
        "images": [{"id": 3, "file_name": "1.png", "height": 6, "width": 4, **image}],
        "annotations": [{"image_id": 3, "segmentation": segmentation, "bbox": [1, 2, 2, 3]}],
    }
    path.write_text(json.dumps(values))
    return path


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=20))
def test_compressed_run_lengths_are_those_that_were_compressed(lengths: list[int]) -> None:
    assert decode_counts(encode_counts(lengths)) == lengths


def test_a_string_from_pycocotools() -> None:
    # mask.encode(np.asfortranarray(np.eye(5, dtype=np.uint8)))["counts"], pycocotools 2.0
    lengths = decode_counts("0150000000")
    assert run_lengths(lengths, 5, 5, (5, 5)).tolist() == np.eye(5, dtype=bool).tolist()


def test_run_lengths_go_down_the_columns(tmp_path: Path) -> None:
    coco = CocoFile(_write(tmp_path / "c.json", {"size": [6, 4], "counts": [1, 2, 21]}))
    missing = coco.holes("1.png", PICTURE).missing_HW
    assert np.argwhere(missing).tolist() == [[1, 0], [2, 0]]


@pytest.mark.parametrize(
    "counts",
    [[1, 2], [30], [-1, 25], "0", "~~~", "1P", {"a": 1}],
    ids=["short", "long", "negative", "0", "~", "cut", "x"],
)
def test_damaged_run_lengths_are_refused(tmp_path: Path, counts: Any) -> None:
    coco = CocoFile(_write(tmp_path / "c.json", {"size": [6, 4], "counts": counts}))
    with pytest.raises(UnreadableImageError, match=r"its annotation in c\.json is damaged"):
        coco.holes("1.png", PICTURE)


@pytest.mark.parametrize(
    "segmentation",
    [[[1, 1, 2, 2, 3]], [[0, 0, 1e30, 0, 1, 1]], [[0, 0, float("nan"), 0, 1, 1]], [0, 0, 3, 0, 3, 3], "0", [7, [0, 0]]],
    ids=["odd", "far", "nan", "flat", "text", "mixed"],
)
def test_damaged_polygons_are_refused(tmp_path: Path, segmentation: Any) -> None:
    coco = CocoFile(_write(tmp_path / "c.json", segmentation))
    with pytest.raises(UnreadableImageError, match=r"its annotation in c\.json is damaged"):
        coco.holes("1.png", PICTURE)


@pytest.mark.parametrize("size", [0, -6, 10**9, "wide", [6]])
def test_damaged_sizes_are_refused(tmp_path: Path, size: Any) -> None:
    coco = CocoFile(_write(tmp_path / "c.json", [], height=size, width=size))
    with pytest.raises(UnreadableImageError, match=r"its annotation in c\.json is damaged"):
        coco.holes("1.png", PICTURE)


def test_a_size_of_null_is_that_of_the_image(tmp_path: Path) -> None:
    coco = CocoFile(_write(tmp_path / "c.json", [], height=None, width=None))
    assert coco.holes("1.png", PICTURE).missing_HW.sum() == 6


def test_an_empty_polygon_is_no_outline() -> None:
    assert annotation_mask({"segmentation": [[]], "bbox": [0, 0, 2, 3]}, 6, 4).sum() == 6
    three = annotation_mask({"segmentation": [[], [0, 0, 4, 0, 4, 6, 0, 6]], "bbox": [0, 0, 1, 1]}, 6, 4)
    assert three.all()


def test_a_box_without_end_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "c.json", [])
    path.write_text(path.read_text().replace("[1, 2, 2, 3]", "[1, 2, Infinity, 3]"))
    with pytest.raises(UnreadableImageError, match="is damaged"):
        CocoFile(path).holes("1.png", PICTURE)


def test_a_polygon_and_a_box() -> None:
    square = annotation_mask({"segmentation": [[10, 20, 30, 20, 30, 50, 10, 50]]}, 80, 60)
    assert square[20:50, 10:30].all()
    assert not square[:19].any()
    assert not square[:, 32:].any()
    box = annotation_mask({"segmentation": [], "bbox": [10, 20, 20, 30]}, 80, 60)
    assert box.sum() == 600
    assert box[20:50, 10:30].all()


def test_sizes_of_the_same_proportions_fit(tmp_path: Path) -> None:
    coco = CocoFile(_write(tmp_path / "c.json", [[0, 0, 20, 0, 20, 60, 0, 60]], height=60, width=40))
    assert coco.holes("1.png", PICTURE).missing_HW[0].tolist() == [True, True, False, False]


def test_names_match_whole_or_by_their_end(tmp_path: Path) -> None:
    coco = CocoFile(_write(tmp_path / "c.json", []))
    assert coco.holes("1.png", PICTURE).missing_HW.sum() == 6
    assert coco.holes("a/1.png", PICTURE).source == "c.json"
    assert coco.holes("a/2.png", PICTURE).source == ""
    coco.check_unambiguous(["a/1.png", "a/2.png"])
    with pytest.raises(InputError, match=r"both a/1\.png and b/1\.png end with it"):
        coco.check_unambiguous(["a/1.png", "b/1.png"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"images": 3, "annotations": []}',
        '{"images": [{}], "annotations": []}',
        '{"images": [{"file_name": "1.png", "id": [1]}], "annotations": []}',
    ],
)
def test_what_is_no_annotation_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(InputError, match="is not a COCO annotation file"):
        CocoFile(tmp_path / "c.json")
    with pytest.raises(InputError, match="cannot be read"):
        CocoFile(tmp_path / "nothing.json")

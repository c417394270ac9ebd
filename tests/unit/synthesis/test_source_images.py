"""What is kept of decoded images is bounded, serves all threads, and never changes an edit."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from machine_faults import on_disk
from PIL import Image

from vaeaug.dataset.levels import Levels
from vaeaug.dataset.rules import DecodeRules
from vaeaug.synthesis.edit import AddedDetail, Edit
from vaeaug.synthesis.source_images import DeepRange, SourceImages

SIDE = 16
BYTES = SIDE * SIDE * 3


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    return sorted(tmp_path.iterdir())


def edits(paths: list[Path], images: SourceImages) -> list[Edit]:
    rng = np.random.default_rng(0)
    made = []
    for number in range(24):
        before, after, shown = (rng.random((8, 8, 3)).astype(np.float32) for _ in range(3))
        others = tuple(paths[i] for i in rng.choice(len(paths), 3, replace=False))
        detail = AddedDetail(others, (0.5, -0.25, -0.25), shown - shown.mean())
        made.append(Edit(paths[number % len(paths)], before, after, 0.0, detail, images=images))
    return made


@pytest.mark.parametrize(("source_bytes", "result_bytes"), [(0, 0), (2 * BYTES, BYTES), (100 * BYTES, 100 * BYTES)])
def test_what_is_kept_changes_no_edit_whatever_the_order(
    paths: list[Path], source_bytes: int, result_bytes: int
) -> None:
    plain = [edit.pixels() for edit in edits(paths, SourceImages(source_bytes=0, result_bytes=0))]
    images = SourceImages(source_bytes=source_bytes, result_bytes=result_bytes)
    made = edits(paths, images)
    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(lambda edit: edit.eight_bit(), reversed(made)))
        written = list(pool.map(lambda edit: edit.pixels(), made))
    assert all(np.array_equal(one, other) for one, other in zip(plain, written, strict=True))
    assert all(np.array_equal(one, other) for one, other in zip(plain, reversed(seen), strict=True))
    assert sum(image.nbytes for image in images._sources.values()) <= source_bytes


def test_each_file_is_decoded_once_where_there_is_room(paths: list[Path]) -> None:
    with on_disk("read", str(paths[0].parent / "*")) as opened:
        for edit in edits(paths, SourceImages()):
            edit.eight_bit()
            edit.pixels()
    assert sorted(opened) == sorted(paths)
    with on_disk("read", str(paths[0].parent / "*")) as opened:
        for edit in edits(paths, SourceImages(source_bytes=3 * BYTES)):
            edit.pixels()
    assert len(opened) > len(paths)


def test_a_result_is_computed_once_and_dropped_when_it_is_taken_or_its_edit_is_gone() -> None:
    images, calls = SourceImages(), []

    class Key:
        pass

    def compute() -> np.ndarray:
        calls.append(threading.get_ident())
        return np.zeros(4)

    key = Key()
    images.result(key, compute, keep=True)
    images.result(key, compute, keep=True)
    images.result(key, compute, keep=False)
    assert len(calls) == 1
    images.result(key, compute, keep=True)
    assert len(calls) == 2
    assert len(images._results) == 1
    del key
    gc.collect()
    assert len(images._results) == 0


def test_an_edit_of_a_deep_image_stays_in_the_range_of_its_class(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(1000, 3000, (SIDE, SIDE), dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "x.png")
    levels = Levels(1000, 3000, raw=True)
    images = SourceImages(DecodeRules(levels=levels), DeepRange(levels, (int(values.min()), int(values.max()))))
    still = np.full((8, 8, 1), 0.5, np.float32)
    edit = Edit(tmp_path / "x.png", still, still, 0.0, images=images)
    assert np.array_equal(edit.pixels()[..., 0], values)
    up = Edit(tmp_path / "x.png", still, still + np.float32(0.1), 0.0, images=images).pixels()[..., 0]
    assert up.dtype == np.uint16
    assert np.array_equal(up, np.minimum(values + 200, values.max()))


def test_transparency_is_that_of_the_source_and_a_model_sees_it_composited(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(50, 200, (SIDE, SIDE, 4), dtype=np.uint8)
    pixels[:8, :, 3], pixels[8:, :, 3] = 0, 255
    Image.fromarray(pixels).save(tmp_path / "x.png")
    images = SourceImages(DecodeRules(background=(10, 20, 30), keep_alpha=True))
    still = np.full((8, 8, 3), 0.5, np.float32)
    edit = Edit(tmp_path / "x.png", still, still + np.float32(20 / 255), 0.0, images=images)
    made = edit.pixels()
    assert np.array_equal(made[..., 3], pixels[..., 3])
    assert np.array_equal(made[..., :3], pixels[..., :3] + 20)
    seen = edit.eight_bit()
    assert (seen[:8] == (10, 20, 30)).all()
    assert np.array_equal(seen[8:], pixels[8:, :, :3] + 20)

"""The first dropped samples of each class and cause are kept for the report, whatever was interrupted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaeaug.export.class_format import ClassFormat
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.synthesis.edit import Edit
from vaeaug.workflows.synthetic.rejected_samples import SHOWN, first_rejected, keep_rejected

GRAY = ClassFormat(6, 5, "L")
VERDICTS = ("near copy", None, "another class")  # of samples 0, 1, 2, 3, ... in turn
LABEL = "CON/.."  # no folder can be called that


def _chunk(start: int, count: int = 8, edits: tuple[Edit, ...] | None = None) -> SampleChunk:
    """Sample i is an image of pixels i."""
    pixels_BHWC = (
        np.zeros((count, 6, 5, 1), np.uint8) + np.arange(start, start + count, dtype=np.uint8)[:, None, None, None]
    )
    verdicts = tuple(VERDICTS[index % 3] for index in range(start, start + count))
    return SampleChunk(LABEL, start, pixels_BHWC, (None,) * count, "prior", edits, verdicts)


def _shown(directory: Path, cause: str) -> list[int]:
    found = []
    for path in first_rejected(directory, LABEL, cause):
        with Image.open(path) as image:
            values = np.unique(np.asarray(image))
        assert image.size == (5, 6)
        assert len(values) == 1
        found.append(int(values[0]))
    return found


@pytest.mark.parametrize(
    "starts",
    [
        [0, 8, 16, 24],
        [0, 0, 8, 8, 16, 24],  # stopped before the journal had the chunk
        [8, 16, 0, 24],  # the files of the first chunk were lost
        [24, 16, 8, 0],
    ],
)
def test_the_first_are_shown_in_whatever_order_chunks_are_made(starts: list[int], tmp_path: Path) -> None:
    for start in starts:
        keep_rejected(tmp_path / "rejected", _chunk(start), GRAY)
    assert _shown(tmp_path / "rejected", "near copy") == [0, 3, 6, 9]
    assert _shown(tmp_path / "rejected", "another class") == [2, 5, 8, 11]
    assert _shown(tmp_path / "rejected", "far from data") == []


def test_no_more_are_written_than_can_be_shown(tmp_path: Path) -> None:
    for start in range(0, 96, 8):
        keep_rejected(tmp_path, _chunk(start), GRAY)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2 * SHOWN


def test_a_changed_real_image_is_shown_as_it_would_have_been_written(tmp_path: Path) -> None:
    source = np.random.default_rng(0).integers(0, 200, (12, 10, 3), dtype=np.uint8)
    Image.fromarray(source).save(tmp_path / "real.png")
    before_HWC = np.zeros((6, 5, 1), np.float32)
    edit = Edit(tmp_path / "real.png", before_HWC, before_HWC + np.float32(20 / 255), 0.0)
    keep_rejected(tmp_path / "rejected", _chunk(0, 1, (edit,)), ClassFormat(6, 5, "RGB"))
    (path,) = first_rejected(tmp_path / "rejected", LABEL, "near copy")
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), source + 20)

"""`docs/how-to/which-images-are-read.md` names every suffix that is read, and each refusal as it is worded."""

import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dataset_files import large_png
from machine_faults import little_memory
from tiff_files import tiff

from vaeaug.dataset.decode import UnreadableImageError, decode_full
from vaeaug.dataset.formats import FORMATS, install_for
from vaeaug.dataset.levels import PIXELS_PER_OUTLIER
from vaeaug.dataset.opening import PIXELS_IN_FLIGHT
from vaeaug.dataset.rules import MAX_MEGAPIXELS

PAGE = (Path(__file__).parents[2] / "docs/how-to/which-images-are-read.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]


def bmp(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info


def test_the_table_has_every_format_and_its_suffixes() -> None:
    table = {row[0]: tuple(re.findall(r"`(\.\w+)`", row[1])) for row in ROWS}
    assert {f.name: f.suffixes for f in FORMATS} == {f.name: table[f.name] for f in FORMATS}


def test_its_figures_are_those_of_the_code() -> None:
    assert f"up to {MAX_MEGAPIXELS:g} million pixels" in PAGE
    assert f"at most {PIXELS_IN_FLIGHT // 1_000_000} million pixels at a" in PAGE
    assert f"Of every {PIXELS_PER_OUTLIER:,} pixels" in PAGE


def _heic() -> bytes:
    if install_for(".heic") is None:
        pytest.skip("pillow-heif is installed")
    return b"\0\0\0\x18ftypheic" + bytes(40)


@pytest.mark.parametrize(
    "make",
    [
        lambda: bmp(20_000, 20_000),
        lambda: tiff(np.array([[0, np.nan]], np.float32)),
        lambda: tiff(np.array([[-1, 5]], np.int16)),
        lambda: tiff(np.array([[0, 5]], np.float16)),
        _heic,
    ],
)
def test_refusals_are_worded_as_the_page_says(make: Callable[[], bytes]) -> None:
    with pytest.raises(UnreadableImageError) as refused:
        decode_full(make())
    assert f"| `{refused.value}` |" in PAGE


def test_the_refusal_for_want_of_memory_is_worded_as_the_page_says() -> None:
    data = large_png()
    with little_memory(), pytest.raises(UnreadableImageError) as refused:
        decode_full(data)
    assert f"| `{refused.value}` |" in PAGE

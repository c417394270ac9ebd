"""`docs/how-to/which-images-are-read.md` names every suffix that is read, and each refusal as it is worded."""

import io
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiff_files import tiff

from vaeaug.dataset import formats
from vaeaug.dataset.decode import UnreadableImageError, decode_full
from vaeaug.dataset.formats import FORMATS
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


def _heic(monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(formats, "READABLE", tuple(f for f in FORMATS if f.name != "HEIC"))
    monkeypatch.setattr(formats, "openers", lambda _: iter(()))
    return b"\0\0\0\x18ftypheic" + bytes(40)


def _too_much(monkeypatch: pytest.MonkeyPatch) -> bytes:
    def load(self: Image.Image) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    stream = io.BytesIO()
    Image.new("L", (4, 4)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    "make",
    [
        lambda _: bmp(20_000, 20_000),
        lambda _: tiff(np.array([[0, np.nan]], np.float32)),
        lambda _: tiff(np.array([[-1, 5]], np.int16)),
        lambda _: tiff(np.array([[0, 5]], np.float16)),
        _heic,
        _too_much,
    ],
)
def test_refusals_are_worded_as_the_page_says(
    make: Callable[[pytest.MonkeyPatch], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make(monkeypatch)
    with pytest.raises(UnreadableImageError) as refused:
        decode_full(data)
    assert f"| `{refused.value}` |" in PAGE

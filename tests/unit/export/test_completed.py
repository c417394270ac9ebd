"""What a completed file says about itself, and archives without times."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from file_kinds import CHANGED, KEPT, noise, saved
from PIL import Image

from vaeaug.dataset.mark import read_mark
from vaeaug.export.completed import encode_completed
from vaeaug.export.completions import write_archive
from vaeaug.export.png import encode_png
from vaeaug.inpainting.files.opening import open_completed

TEXT = {"Software": "vaeaug 1", "vaeaug:class": "caf\u00e9 \u732b"}


@pytest.mark.parametrize("kind", ["png RGB", "tiff RGB raw", "gif", "webp lossless", "jpeg", "bmp"])
def test_a_completed_file_is_partly_synthetic(kind: str) -> None:
    file = open_completed((KEPT | CHANGED)[kind](np.random.default_rng(0), 9, 7))
    pages = {0: file.samples(0).values_HWS}
    out = encode_completed(file, pages, TEXT)
    assert out == encode_completed(file, pages, TEXT)
    mark = read_mark(out)
    assert mark is not None
    assert (mark.synthetic, mark.fields["class"]) == ("partly", "caf\u00e9 \u732b")
    assert mark.source_type == "compositeWithTrainedAlgorithmicMedia"


def test_a_synthetic_image_stays_wholly_synthetic() -> None:
    synthetic = encode_png(np.zeros((9, 7, 1), dtype=np.uint8), 9, 7, "L", {"vaeaug:class": "cat"})
    file = open_completed(synthetic)
    mark = read_mark(encode_completed(file, {0: file.samples(0).values_HWS}, TEXT))
    assert mark is not None
    assert (mark.synthetic, mark.source_type) == ("true", "trainedAlgorithmicMedia")


def test_the_text_of_a_png_file_keeps_its_program() -> None:
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_text("Software", "a camera")
    file = open_completed(saved(noise(np.random.default_rng(0), 9, 7), "PNG", pnginfo=chunks))
    with Image.open(io.BytesIO(encode_completed(file, {0: file.samples(0).values_HWS}, TEXT))) as image:
        assert image.text["Software"] == "a camera"
        assert "vaeaug 1" in image.text["XML:com.adobe.xmp"]


def test_an_archive_has_no_times_in_it(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        for name in ("b/1.png", "a.png"):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).write_bytes(name.encode())
        write_archive(tmp_path / f"{folder}.zip", tmp_path / folder)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.namelist() == ["a.png", "b/1.png"]
        assert archive.read("b/1.png") == b"b/1.png"

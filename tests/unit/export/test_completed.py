"""PNG files of completed images: every mode is read back as it was stored, with its provenance."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaeaug.export.completed import encode_completed
from vaeaug.export.completions import write_archive

RNG = np.random.default_rng(0)
STORED = {
    "L": RNG.integers(0, 256, (5, 7), dtype=np.uint8),
    "LA": RNG.integers(0, 256, (5, 7, 2), dtype=np.uint8),
    "RGB": RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8),
    "RGBA": RNG.integers(0, 256, (5, 7, 4), dtype=np.uint8),
    "I;16": RNG.integers(0, 65536, (5, 7), dtype=np.uint16),
}


@pytest.mark.parametrize("mode", STORED)
def test_pixels_and_text_are_read_back(mode: str) -> None:
    text = {"vaeaug:class": "caf\u00e9 \u732b", "Software": "vaeaug"}
    data = encode_completed(STORED[mode], mode, text)
    assert data == encode_completed(STORED[mode], mode, text)
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == mode
        assert np.array_equal(np.asarray(image), STORED[mode])
        assert image.text["vaeaug:class"] == "caf\u00e9 \u732b"
        assert image.text["vaeaug:synthetic"] == "partly"
        assert "/compositeWithTrainedAlgorithmicMedia" in image.text["XML:com.adobe.xmp"]


@pytest.mark.parametrize("transparent", [False, True])
def test_a_palette_keeps_its_indices_and_entries(transparent: bool) -> None:
    table = RNG.integers(0, 256, (9, 4), dtype=np.uint8)
    table[:, 3] = [0, 128, *[255] * 7] if transparent else 255
    indices = RNG.integers(0, 9, (5, 7), dtype=np.uint8)
    with Image.open(io.BytesIO(encode_completed(indices, "P", {}, table))) as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), indices)
        assert np.array_equal(np.asarray(image.convert("RGBA")), table[indices])


def test_pixels_of_another_mode_are_refused() -> None:
    with pytest.raises(ValueError, match="are mode RGB, not RGBA"):
        encode_completed(STORED["RGB"], "RGBA", {})


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

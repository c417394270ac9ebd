"""Class masks and pixel art: what comes out has the colours, and the indices, of what went in."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import albumentations
import numpy as np
import pytest
from html_pages import Page
from PIL import Image
from tiny_data import QUICK, UNFILTERED

import vaeaug
from vaeaug.dataset.cache import build_cache
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.scan import scan

TABLE = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (224, 224, 192), (9, 9, 9)]
FLAT = [value for colour in TABLE for value in colour]


def _mask(number: int, height: int = 20, width: int = 16) -> Image.Image:
    """A mask as segmentation data have it: class 1 on class 0, with the border 3; class 2 and 4 do not occur."""
    image = Image.new("P", (width, height))
    image.putpalette(FLAT)
    top, left = 2 + number % 5, 1 + number % 4
    image.paste(3, (left, top, left + 10, top + 9))
    image.paste(1, (left + 1, top + 1, left + 9, top + 8))
    return image


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for label, start in (("ant", 0), ("bee", 2)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(8):
            _mask(start + number).save(tmp_path / "data" / label / f"{number}.png")
    return tmp_path / "data"


def _check(out: Path, size: tuple[int, int]) -> None:
    """Hold that the synthetic images have the table of the data, cut behind its last entry in use, and its classes."""
    found = sorted(out.rglob("synthetic-*.png"))
    assert len(found) == 6
    for path in found:
        with Image.open(path) as image:
            assert (image.mode, image.size) == ("P", size)
            assert image.getpalette() == FLAT[:12]
            assert set(np.unique(np.asarray(image))) <= {0, 1, 3}


# `gaussian` knows no palette and `auto` takes a loss for indexed images where there is one: no matter for the files.
@pytest.mark.parametrize("settings", [{"loss": "gaussian"}, {}, {"loss": "gaussian", "image_size": "8x9"}])
def test_augment_and_sample_write_palette_files(data: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    vaeaug.augment(data, tmp_path / "out", model=tmp_path / "model", per_class=3, **UNFILTERED, **settings)
    _check(tmp_path / "out", (16, 20))
    vaeaug.sample(tmp_path / "model", tmp_path / "drawn", per_class=3, workers=1)
    _check(tmp_path / "drawn", (16, 20))
    model = vaeaug.load(tmp_path / "model")
    assert model.record.palette == (TABLE[0], TABLE[1], TABLE[3])
    assert {entry.mode for entry in model.record.classes} == {"P"}
    pixels = model.sample("ant", 2)
    height, width = (8, 9) if "image_size" in settings else (20, 16)
    assert (pixels.shape, pixels.dtype) == ((2, height, width, 3), np.uint8)


def test_the_output_is_indexed_data_of_the_same_colours(data: Path, tmp_path: Path) -> None:
    vaeaug.augment(data, tmp_path / "out", per_class=3, **UNFILTERED)
    before, after = (
        build_cache(read_contents(scan(root)), cache_dir=tmp_path / "cache") for root in (data, tmp_path / "out")
    )
    assert (after.palette, after.table) == (before.palette, before.table)


def test_the_report_shows_colours_not_indices(data: Path, tmp_path: Path) -> None:
    vaeaug.augment(data, tmp_path / "out", per_class=3, **UNFILTERED)
    shown = Page((tmp_path / "out/report.html").read_text(encoding="utf-8")).all("img")
    of_classes = [tag for tag in shown if re.match(r"(real|synthetic) image \d+ of (ant|bee)", str(tag["alt"]))]
    assert len(of_classes) >= 2 * 3 * 2
    for tag in of_classes:
        with Image.open(io.BytesIO(base64.b64decode(str(tag["src"]).split(",")[1]))) as image:
            assert set(image.convert("RGB").getdata()) <= {TABLE[0], TABLE[1], TABLE[3]}


@pytest.mark.parametrize(
    "settings",
    [{"train_augment": "turned.json"}, {"train_augment": "turned.json", "consistency": 1.0}, {"consistency": 1.0}],
)
def test_an_augmentation_while_training_mixes_no_colours(
    data: Path, tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[tuple[int, ...]] = set()
    real = vaeaug.training.batches.as_images

    def spy(pixels_BHWC: np.ndarray, device: Any) -> Any:
        seen.update(map(tuple, pixels_BHWC.reshape(-1, 3).tolist()))
        return real(pixels_BHWC, device)

    monkeypatch.setattr("vaeaug.training.batches.as_images", spy)
    turned = albumentations.Compose([albumentations.Rotate(limit=(20, 20), p=1.0)])  # interpolates
    albumentations.save(turned, tmp_path / "turned.json")
    monkeypatch.chdir(tmp_path)
    vaeaug.train(data, tmp_path / "model", scope="shared", **settings, **QUICK)
    assert seen == {TABLE[0], TABLE[1], TABLE[3]}

"""Holes are filled with every variant there is, its latents being what they may, and palettes stay palettes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny_data
from PIL import Image

import vaeaug
from vaeaug import plugins

HOLE = np.zeros((8, 8), dtype=np.uint8)
HOLE[2:5, 2:6] = 255


@pytest.mark.parametrize("variant", sorted(plugins.load().variants))
def test_every_variant_fills_holes(variant: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tiny_data.two_classes(tmp_path_factory)
    Image.fromarray(HOLE).save(tmp_path / "mask.png")
    shutil.copytree(tiny_data.small_model(tmp_path_factory, variant), tmp_path / "model")  # it gets an encoder
    image = data / "ant/000.png"
    settings = {"masks": tmp_path / "mask.png", "samples": 2, "partial_steps": 4}
    made = vaeaug.inpaint(tmp_path / "model", image, tmp_path / "out", **settings)
    assert made.method in ("blend", "gibbs")
    was = np.asarray(Image.open(image))
    for sample in range(2):
        now = np.asarray(Image.open(tmp_path / f"out/000-{sample}.png"))
        assert np.array_equal(now[HOLE == 0], was[HOLE == 0])
        assert (now[HOLE > 0] != was[HOLE > 0]).any()


def test_indexed_images_stay_indexed(tmp_path: Path) -> None:
    for label in ("ant", "bee"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(6):
            coarse = tiny_data.image(label, number).point(lambda level: level // 64)
            indexed = Image.frombytes("P", (8, 8), coarse.tobytes())
            indexed.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0, 0, 0, 200])
            indexed.save(tmp_path / "data" / label / f"{number}.png")
    Image.fromarray(HOLE).save(tmp_path / "mask.png")
    vaeaug.train(tmp_path / "data", tmp_path / "model", steps=6, batch_size=8, workers=1)
    settings = {"masks": tmp_path / "mask.png", "partial_steps": 4}
    vaeaug.inpaint(tmp_path / "model", tmp_path / "data", tmp_path / "out", **settings)
    was, now = (Image.open(tmp_path / place / "ant/0.png") for place in ("data", "out"))
    assert now.mode == "P"
    assert now.getpalette() == was.getpalette()
    assert np.array_equal(np.asarray(now)[HOLE == 0], np.asarray(was)[HOLE == 0])

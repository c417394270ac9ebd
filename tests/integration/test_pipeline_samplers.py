"""`vaeaug.augment` with every sampler, end to end on tiny datasets."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_data
from PIL import Image
from tiny_data import UNFILTERED

import vaeaug

pytestmark = pytest.mark.usefixtures("untouched")


@pytest.mark.parametrize("sampler", ["interpolate", "prior", "mixture", "posterior", "residual"])
def test_samplers(data: Path, model: Path, tmp_path: Path, sampler: str) -> None:
    made = vaeaug.augment(data, tmp_path / "out", model=model, sampler=sampler, per_class=15, workers=1, filter=False)
    assert made.sampler == sampler
    rows = [row for row in tiny_data.manifest(tmp_path / "out") if row["synthetic"] == "true"]
    assert {row["sampler"] for row in rows} == {sampler}
    for row in rows:
        number = int(row["index"]) % {"ant": 12, "bee": 9}[row["label"]]
        around = sampler in ("interpolate", "posterior", "residual")
        assert row["original"] == (f"{row['label']}/{number:03}.png" if around else "")
        assert row["source"] == (f"train/{row['original']}" if around else "")


def test_changed_images_keep_the_size_and_detail_of_their_own(tmp_path: Path) -> None:
    """Without strength a changed image is the real one, at its own size, whatever the model's."""
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 5, "bee": 4}, height=20, width=30, channels=3)
    tiny_data.image("ant", 99, 50, 40).save(data / "ant/large.png")
    words = ["--sampler", "residual", "--set-sampler", "strength=0", "--image-size", "8", "--ratio", "1"]
    assert tiny_data.run("augment", data, tmp_path / "out", *words, *tiny_data.options(UNFILTERED), "--quiet") == 0
    rows = [row for row in tiny_data.manifest(tmp_path / "out") if row["synthetic"] == "true"]
    assert len(rows) == 10
    for row in rows:
        with Image.open(tmp_path / "out" / row["file_name"]) as made, Image.open(data / row["original"]) as real:
            assert (made.size, made.mode) == (real.size, "RGB")  # the class has images in colour
            assert np.array_equal(np.asarray(made), np.asarray(real.convert("RGB")))


@pytest.mark.parametrize(
    ("options", "says", "changed"),
    [
        ({}, "detail of up to 4 other", True),
        ({"sampler": "residual", "sampler_options": {"others": 3}}, "detail of up to 3 other", True),
        ({"sampler": "residual", "sampler_options": {"move": "neighbour"}}, "detail of each is its own", True),
        ({"sampler": "posterior"}, "were drawn by a variational", False),
    ],
)
def test_card_and_report_say_whether_real_images_were_changed(
    data: Path, model: Path, tmp_path: Path, options: dict[str, Any], says: str, changed: bool
) -> None:
    vaeaug.augment(data, tmp_path / "out", model=model, per_class=1, workers=1, filter=False, **options)
    assert says in (tmp_path / "out/README.md").read_text()
    assert ("It still shows much of its source" in (tmp_path / "out/report.html").read_text()) == changed
    with Image.open(tmp_path / "out/train/ant/synthetic-ant-00000.png") as image:
        assert "digitalsourcetype/trainedAlgorithmicMedia" in image.info["XML:com.adobe.xmp"]
    (row, *_) = [
        row for row in tiny_data.manifest(tmp_path / "out") if row["file_name"].endswith("synthetic-ant-00000.png")
    ]
    assert row["synthetic"] == "true"


def test_options_of_a_sampler_reach_it_and_are_told(model: Path, tmp_path: Path) -> None:
    plain = vaeaug.load(model).sample("ant", 12, sampler="interpolate")
    far = vaeaug.load(model).sample("ant", 12, sampler="interpolate", sampler_options={"reach": 2})
    assert not np.array_equal(plain, far)
    words = ["--sampler", "interpolate", "--set-sampler", "reach=2", "--set-sampler", "neighbours=5"]
    assert tiny_data.run("sample", model, tmp_path / "out", "--per-class", 12, *words, "--quiet") == 0
    with Image.open(tmp_path / "out/train/ant/synthetic-ant-00007.png") as image:
        assert np.array_equal(np.asarray(image), far[7, ..., 0])
    record = json.loads((tmp_path / "out/vaeaug.json").read_text())
    assert (record["sampler"], record["sampler_options"]) == ("interpolate", {"reach": 2.0})
    assert "interpolate reach=2.0" in (tmp_path / "out/README.md").read_text()

"""What `inpaint` writes is read by torchvision, Hugging Face `datasets` and vaeaug itself as the classes it has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_data
from PIL import Image

import vaeaug
from vaeaug.dataset.scan import scan


@pytest.fixture(params=["folders", "splits", "flat"])
def out(request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two completions of every image, and uncertainty images."""
    layouts = {
        "folders": {"ant": 3, "bee": 2},
        "splits": {"train/ant": 3, "train/bee": 2, "val/ant": 2},
        "flat": {"": 5},
    }
    data = tmp_path / "in" / request.param
    for name, count in layouts[request.param].items():
        (data / name).mkdir(parents=True)
        for number in range(count):
            tiny_data.image("ant", number).save(data / name / f"{number}.png")
    mask = np.zeros((8, 8), dtype=np.uint8)
    mask[3:6] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    place = tmp_path / request.param
    model = tiny_data.model(tmp_path_factory)
    vaeaug.inpaint(model, data, place, masks=tmp_path / "mask.png", samples=2, method="gibbs")
    return place


def test_readers_see_the_classes_and_nothing_else(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    from torchvision.datasets import ImageFolder

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", out.parent / "cache")
    found = datasets.load_dataset(str(out), cache_dir=str(out.parent / "cache"))
    if out.name == "flat":
        assert found["train"].num_rows == 10
        return
    assert found["train"].features["label"].names == ["ant", "bee"]
    assert {split: found[split].num_rows for split in found} == (
        {"train": 10} if out.name == "folders" else {"train": 10, "validation": 4}
    )
    folder = ImageFolder(out if out.name == "folders" else out / "train")
    assert folder.classes == ["ant", "bee"]
    assert len(folder) == 10
    assert scan(out).counts("train") == {"ant": 6, "bee": 4}

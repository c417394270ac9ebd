"""The code on the card of an output runs as it stands, with the real libraries, and reads what the card counts."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny_data
from tiny_data import UNFILTERED, manifest

import vaeaug

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("YOLO_OFFLINE", "true")

SHAPE = {"height": 12, "width": 10, "channels": 3}
LIBRARIES = ("torchvision", "Hugging Face", "Keras", "timm", "fastai", "Ultralytics", "Only the real")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("card") / "data"
    return tiny_data.write_dataset(place, {"it's a cat": 10, "con": 9}, **SHAPE)


@pytest.fixture(scope="module")
def model(data: Path) -> Path:
    vaeaug.train(data, data.parent / "model", scope="shared", **{**tiny_data.QUICK, "steps": 2})
    return data.parent / "model"


def code_of(out: Path) -> dict[str, str]:
    """Return library -> its code on the card."""
    (block,) = re.findall(r"```python\n(.*?)```", (out / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    parts = block.split("\n\n")
    return {next(name for name in LIBRARIES if part.startswith(f"# {name}")): part for part in parts}


def run(code: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run code in a directory and return what it defined."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(place / ".yolo"))
    (place / ".yolo").mkdir(exist_ok=True)
    found: dict[str, Any] = {}
    exec(code.replace("epochs=100", "epochs=1, workers=0"), found)  # noqa: S102 (our own card)
    return found


@pytest.fixture(scope="module")
def plain(data: Path, model: Path) -> Path:
    out = data.parent / "csv"  # also the name of a kind of file
    vaeaug.augment(data, out, model=model, per_class=2, workers=1, filter=False)
    return out


@pytest.fixture(scope="module")
def held_out(data: Path) -> Path:
    out = data.parent / 'it\'s a "shop"'
    vaeaug.augment(data, out, per_class=2, holdout=0.3, scope="shared", **{**UNFILTERED, "steps": 2})
    return out


def check(out: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Run all code of a card; compare what is read with the manifest."""
    counts: dict[str, int] = {}
    rows = manifest(out)
    for row in rows:
        counts[row["split"]] = counts.get(row["split"], 0) + 1
    code = code_of(out)
    read = {name: run(part, out.parent, monkeypatch) for name, part in code.items()}
    names = {"train": "train", "val": "validation", "test": "test"}
    for split, count in counts.items():
        for name in ("torchvision", "timm"):
            if name in code:
                assert len(read[name][split]) == count
        if "Keras" in code:
            assert sum(len(labels) for _, labels in read["Keras"][split]) == count
        if "Hugging Face" in code:
            assert read["Hugging Face"]["data"][names[split]].num_rows == count
    if "fastai" in code:
        assert len(read["fastai"]["loaders"].train_ds) == counts["train"]
    real = {row["file_name"] for row in rows if (row["split"], row["synthetic"]) == ("train", "false")}
    assert set(read["Only the real"]["real"]["file_name"] if real else ()) == real
    return code


def test_without_a_split_to_validate_on(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = check(plain, monkeypatch)
    assert list(code) == ["torchvision", "Hugging Face", "Keras", "timm", "Only the real"]
    assert "hold out real images before training" in (plain / "README.md").read_text()


def test_with_images_held_out(held_out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(check(held_out, monkeypatch)) == list(LIBRARIES)
    text = (held_out / "README.md").read_text()
    assert "(about 30% of each class) before the model was trained" in text
    assert "Validate on real images only: `val` contains only real images." in text


def test_names_that_hugging_face_takes_for_patterns(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vaeaug.sample(plain.parent / "model", tmp_path / "a [b] {c}", per_class=2, workers=1)
    code = check(tmp_path / "a [b] {c}", monkeypatch)
    assert list(code) == ["torchvision", "Keras", "timm"]


def test_formats_that_some_readers_do_not_list(
    data: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"per_class": 2, "format": "webp", "workers": 1, "filter": False}
    vaeaug.augment(data, tmp_path / "out", model=model, **settings)
    assert list(check(tmp_path / "out", monkeypatch)) == ["torchvision", "Hugging Face", "Only the real"]


def test_a_split_without_images_of_a_class(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(data, tmp_path / "data/train")
    (tmp_path / "data/test/con").mkdir(parents=True)
    for number in range(100, 103):
        tiny_data.image("con", number, **SHAPE).save(tmp_path / f"data/test/con/{number}.png")
    vaeaug.augment(tmp_path / "data", tmp_path / "out", per_class=2, scope="shared", **{**UNFILTERED, "steps": 2})
    code = check(tmp_path / "out", monkeypatch)
    assert list(code) == ["torchvision", "Hugging Face", "Keras", "Ultralytics", "Only the real"]
    assert "allow_empty=True" in code["torchvision"]


@pytest.mark.parametrize("command", ["augment", "sample"])
def test_a_class_without_training_images(
    command: str, data: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Balancing makes no images of the largest class, and no real one is copied."""
    if command == "augment":
        settings = {"synthetic_only": True, "filter": False, "workers": 1}
        vaeaug.augment(data, tmp_path / "out", model=model, balance=True, **settings)
    else:
        vaeaug.sample(model, tmp_path / "out", balance=True, workers=1)
    assert [path.name for path in (tmp_path / "out/train").iterdir() if not any(path.iterdir())] == ["it's a cat"]
    code = check(tmp_path / "out", monkeypatch)
    assert "allow_empty=True" in code["torchvision"]


def test_the_code_of_scores_and_features(
    data: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vaeaug.score(model, data, tmp_path / 'the "scores"', workers=1)
    for kind in ("parquet", "npz", "npy-tree"):
        vaeaug.encode(model, data, tmp_path / f"features {{name}} {kind}", format=kind)
    for out in sorted(tmp_path.iterdir()):
        if (out / "README.md").exists():
            (code,) = re.findall(r"```python\n(.*?)```", (out / "README.md").read_text(encoding="utf-8"), re.DOTALL)
            found = run(code, tmp_path, monkeypatch)
            assert len(found["scores"] if "scores" in found else found["x"]) == 19

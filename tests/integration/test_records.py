"""Every command writes a record that the documented schema describes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_data
from PIL import Image
from tiny_data import QUICK, UNFILTERED

import vaeaug

jsonschema = pytest.importorskip("jsonschema")

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/reference/vaeaug-json.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes, with a file that cannot be read."""
    place = tiny_data.write_dataset(tmp_path_factory.mktemp("records") / "data", {"ant": 10, "bee": 9})
    (place / "ant/broken.png").write_bytes(b"no image")
    (place / "ant/notes.csv").write_text("no table")
    tiny_data.image("bee", 99).save(place / "stray.png")
    return place


@pytest.fixture(scope="module")
def model(data: Path) -> Path:
    vaeaug.train(data, data.parent / "model", skip_invalid=True, **QUICK)
    return data.parent / "model"


def commands(data: Path, model: Path, out: Path) -> dict[str, Any]:
    masks = out.parent / "masks"
    for label in ("ant", "bee"):
        (masks / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(masks / label / "000.png")
    images = (data / "ant/000.png", data / "bee/000.png")
    holes = {"masks": str(masks), "method": "gibbs", "skip_invalid": True}
    return {
        "augment": lambda: vaeaug.augment(data, out, per_class=2, skip_invalid=True, holdout=0.2, **UNFILTERED),
        "augment a model": lambda: vaeaug.augment(data, out, per_class=2, skip_invalid=True, model=model, filter=False),
        "sample": lambda: vaeaug.sample(model, out, per_class=2, workers=1),
        "inpaint": lambda: vaeaug.inpaint(model, data, out, **holes),
        "inpaint random holes": lambda: vaeaug.inpaint(
            model, data, out, random_holes=True, method="gibbs", skip_invalid=True
        ),
        "encode": lambda: vaeaug.encode(model, data, out, skip_invalid=True),
        "score": lambda: vaeaug.score(model, data, out, skip_invalid=True, workers=1),
        "interpolate": lambda: vaeaug.interpolate(model, *images, out, steps=3),
        "traverse": lambda: vaeaug.traverse(model, out, latents=1, steps=3),
    }


@pytest.mark.parametrize(
    "name",
    [
        "augment",
        "augment a model",
        "sample",
        "inpaint",
        "inpaint random holes",
        "encode",
        "score",
        "interpolate",
        "traverse",
    ],
)
def test_the_record_of_a_command(data: Path, model: Path, tmp_path: Path, name: str) -> None:
    commands(data, model, tmp_path / "out")[name]()
    text = (tmp_path / "out/vaeaug.json").read_text(encoding="utf-8")
    record = json.loads(text)
    jsonschema.validate(record, SCHEMA)
    assert record["command"] == name.partition(" ")[0]
    if record["command"] in ("augment", "inpaint", "encode", "score"):
        assert [entry["name"] for entry in record["invalid"]] == ["ant/broken.png"]
        unused = [(entry["suffix"], entry["files"]) for entry in record["passed_over"]]
        # A trained model reads images of no class, so the stray one is used by every command but augment.
        stray = [("", ["stray.png"])] if record["command"] == "augment" else []
        assert unused == [(".csv", ["ant/notes.csv"]), *stray]
    else:
        assert record["passed_over"] == []
    if name != "augment":
        assert record["model"]["fingerprint"] == json.loads((model / "model.json").read_text())["fingerprint"]
    assert str(tmp_path) not in text
    assert str(data.parent) not in text


def test_the_record_of_an_evaluation(data: Path, model: Path, tmp_path: Path) -> None:
    vaeaug.augment(data, tmp_path / "out", per_class=4, skip_invalid=True, holdout=0.3, holdout_as="test", **UNFILTERED)
    settings = {"steps": 2, "seeds": 2, "arms": "real,synthetic", "workers": 1}
    vaeaug.evaluate(tmp_path / "out", tmp_path / "out", tmp_path / "found", **settings)
    jsonschema.validate(json.loads((tmp_path / "found/evaluation.json").read_text()), SCHEMA)
    tiny_data.write_dataset(tmp_path / "test", {"ant": 3, "bee": 3})
    (tmp_path / "test/ant/more.csv").write_text("no table")
    settings |= {"test": tmp_path / "test", "skip_invalid": True}
    vaeaug.evaluate(data, tmp_path / "out", tmp_path / "again", **settings)
    record = json.loads((tmp_path / "again/evaluation.json").read_text())
    jsonschema.validate(record, SCHEMA)
    assert [entry["files"] for entry in record["passed_over"]] == [["ant/notes.csv"], ["stray.png"], ["ant/more.csv"]]


def test_a_model_says_what_was_not_used(model: Path) -> None:
    record = json.loads((model / "model.json").read_text())
    assert [entry["files"] for entry in record["passed_over"]] == [["ant/notes.csv"], ["stray.png"]]
    jsonschema.validate(record["passed_over"], SCHEMA["properties"]["passed_over"])


def test_the_schema_is_a_schema_and_refuses_other_records(data: Path, model: Path, tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    vaeaug.sample(model, tmp_path / "out", per_class=1, workers=1)
    record = json.loads((tmp_path / "out/vaeaug.json").read_text())
    for change in (
        {"schema_version": 2},
        {"command": "draw"},
        {"model": None},
        {"model": {**record["model"], "another": 1}},
        {"invalid": {"a.png": "broken"}},
        {"counts": {"ant": 3}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**record, **change}, SCHEMA)
    for key in ("settings", "remarks", "sampler"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({name: value for name, value in record.items() if name != key}, SCHEMA)

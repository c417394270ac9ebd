"""`vaeaug score` at the command line: what it writes, what it refuses, and what users read its tables with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import tiny_data
from PIL import Image
from tiny_data import run

import vaeaug

Capture = pytest.CaptureFixture[str]

COLUMNS = [
    "file_name", "split", "label", "synthetic", "score", "scaled_error", "absolute_error", "negative_elbo",
    "reconstruction_error", "kl", "iwae_bound", "label_surprise", "likeliest_class",
]  # fmt: skip


@pytest.fixture
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.two_classes(tmp_path_factory)


@pytest.fixture
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.model(tmp_path_factory)


def scores(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out / "scores.parquet")


def test_json_stands_alone_on_stdout(data: Path, model: Path, tmp_path: Path, capsys: Capture) -> None:
    before = tiny_data.state(data)
    assert run("score", model, data, tmp_path / "out", "--json") == 0
    output = capsys.readouterr()
    values = json.loads(output.out)
    assert (values["images"], values["by"], values["judge"]) == (21, "scaled_error", "features")
    assert "Scoring images" in output.err
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["README.md", "gallery.html", "scores.csv", "scores.parquet", "vaeaug.json"]
    assert tiny_data.state(data) == before


def test_quiet_is_silent(data: Path, model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("score", model, data, tmp_path / "out", "-q") == 0
    assert capfd.readouterr() == ("", "")


def test_both_tables_say_the_same_strangest_first(data: Path, model: Path, tmp_path: Path) -> None:
    assert run("score", model, data, tmp_path / "out", "-q", "--by", "negative-elbo") == 0
    table = scores(tmp_path / "out")
    assert list(table.columns) == COLUMNS
    assert (table["score"] == table["negative_elbo"]).all()
    assert table["score"].is_monotonic_decreasing
    text = pd.read_csv(tmp_path / "out/scores.csv", dtype={"score": "float32"})
    assert text["file_name"].tolist() == table["file_name"].tolist()
    np.testing.assert_array_equal(text["score"], table["score"])
    card = (tmp_path / "out/README.md").read_text()
    schema = pq.read_schema(tmp_path / "out/scores.parquet")
    for name in COLUMNS:
        assert f"| `{name}` |" in card
        if name not in ("file_name", "split", "label"):
            assert schema.field(name).metadata[b"description"]
    assert "| `score` | negative" in card


def test_maps_are_the_errors_of_pixels_at_the_size_of_the_file(model: Path, tmp_path: Path) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 1})
    tiny_data.image("bee", 0, 24, 16).save(data / "ant/large.jpg")
    assert run("score", model, data, tmp_path / "out", "-q", "--maps") == 0
    images = np.asarray(Image.open(data / "ant/000.png"))[None, ..., None]
    error_HW = vaeaug.load(model).score(images, ["ant"])["error"][0]
    with Image.open(tmp_path / "out/maps/ant/000.png.png") as image:
        np.testing.assert_array_equal(np.asarray(image), np.round(255 * error_HW))
    with Image.open(tmp_path / "out/maps/ant/large.jpg.png") as image:
        assert (image.mode, image.size) == ("L", (16, 24))
        mean = np.asarray(image).mean() / 255
    table = scores(tmp_path / "out").set_index("file_name")
    assert mean == pytest.approx(table.loc["ant/large.jpg", "absolute_error"], abs=0.02)


def test_a_folder_of_images_or_one_image_has_no_labels(model: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    for number in range(3):
        tiny_data.image("bee", number).save(tmp_path / f"plain/{number}.png")
    assert run("score", model, tmp_path / "plain", tmp_path / "out", "-q") == 0
    table = scores(tmp_path / "out")
    assert table["label"].isna().all()
    assert table["label_surprise"].isna().all()
    assert set(table["likeliest_class"]) <= {"ant", "bee"}
    assert run("score", model, tmp_path / "plain/0.png", tmp_path / "one", "-q") == 0
    assert scores(tmp_path / "one")["file_name"].tolist() == ["0.png"]


def test_a_class_the_model_does_not_know_is_said_and_measured(model: Path, tmp_path: Path, capsys: Capture) -> None:
    tiny_data.write_dataset(tmp_path / "data", {"cow": 2, "ant": 1})
    assert run("score", model, tmp_path / "data", tmp_path / "out") == 0
    assert "the model was not trained on the classes 'cow'" in capsys.readouterr().err
    table = scores(tmp_path / "out").set_index("label")
    assert np.isfinite(table.loc["cow", "scaled_error"]).all()
    assert table.loc["cow", "label_surprise"].isna().all()


def test_wrong_labels_come_first(tmp_path: Path) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 60, "bee": 60})
    for number in range(4):
        tiny_data.image("bee", 100 + number).save(data / f"ant/wrong{number}.png")
    vaeaug.train(data, tmp_path / "model", **{**tiny_data.QUICK, "steps": 200, "scope": "shared"})
    assert run("score", tmp_path / "model", data, tmp_path / "out", "-q", "--by", "label-surprise") == 0
    first = scores(tmp_path / "out").head(4)
    assert sorted(first["file_name"]) == [f"ant/wrong{number}.png" for number in range(4)]
    assert set(first["likeliest_class"]) == {"bee"}
    page = (tmp_path / "out/gallery.html").read_text()
    assert "labelled ant, looks like bee" in page


@pytest.mark.parametrize(
    ("variant", "by", "words"),
    [("ae", "kl", "the variant 'ae' has no kl"), ("ae", "iwae-bound", "scaled-error"), ("cvae", "magic", "magic")],
)
def test_what_there_is_not_cannot_rank(
    data: Path, tmp_path: Path, capsys: Capture, variant: str, by: str, words: str
) -> None:
    vaeaug.train(data, tmp_path / "model", **{**tiny_data.QUICK, "steps": 2, "variant": variant})
    assert run("score", tmp_path / "model", data, tmp_path / "out", "-q", "--by", by) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / ".out.partial").exists()


def test_surprise_cannot_rank_images_without_labels(model: Path, tmp_path: Path, capsys: Capture) -> None:
    tiny_data.image("ant", 0).save(tmp_path / "one.png")
    assert run("score", model, tmp_path / "one.png", tmp_path / "out", "-q", "--by", "label-surprise") == 2
    error = capsys.readouterr().err
    assert "no label can be scored" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("place", ["model", "data"])
def test_nothing_is_written_into_what_is_read(data: Path, model: Path, place: str, capsys: Capture) -> None:
    out = {"model": model, "data": data}[place] / "out"
    assert run("score", model, data, out, "-q") == 2
    assert "is inside" in capsys.readouterr().err
    assert not out.exists()


def test_invalid_images_are_named_or_left_out(model: Path, tmp_path: Path, capsys: Capture) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 2})
    (data / "ant/broken.png").write_bytes(b"no image")
    assert run("score", model, data, tmp_path / "out", "-q") == 2
    assert "broken.png" in capsys.readouterr().err
    assert run("score", model, data, tmp_path / "out", "-q", "--skip-invalid") == 0
    assert len(scores(tmp_path / "out")) == 2
    assert json.loads((tmp_path / "out/vaeaug.json").read_text())["invalid"][0]["name"] == "ant/broken.png"

"""`vaeaug encode` at the command line: what it writes, what it refuses, and how it is taken up again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import tiny_data
from machine_faults import interrupt, on_disk
from tiny_data import run

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.two_classes(tmp_path_factory)


@pytest.fixture
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.model(tmp_path_factory)


def table(out: Path) -> Any:
    return pq.read_table(out / "features").to_pydict()


def test_json_stands_alone_on_stdout(data: Path, model: Path, tmp_path: Path, capsys: Capture) -> None:
    assert run("encode", model, data, tmp_path / "out", "--json") == 0
    output = capsys.readouterr()
    values = json.loads(output.out)
    assert values["images"] == {"train": 21}
    assert values["columns"]["mean"] == {"name": "mean", "shape": [4], "dtype": "float32"}
    assert (values["encoded_as"], values["label"]) == ("one", "ant")
    assert "Encoding images" in output.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["README.md", "features", "vaeaug.json"]
    assert json.loads((tmp_path / "out/vaeaug.json").read_text())["images"] == {"train": 21}


def test_the_card_and_the_last_line_say_what_there_is(model: Path, tmp_path: Path, capsys: Capture) -> None:
    tiny_data.image("ant", 0).save(tmp_path / "one.png")
    assert run("encode", model, tmp_path / "one.png", tmp_path / "out") == 0
    assert "features of 1 image: mean (4), logvar (4)" in capsys.readouterr().err
    assert "`logvar` is the log-variance" in (tmp_path / "out/README.md").read_text()


def test_quiet_is_silent(data: Path, model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("encode", model, data, tmp_path / "out", "-q", "--encode-as", "own") == 0
    assert capfd.readouterr() == ("", "")


def test_the_schema_says_how_it_was_made(data: Path, model: Path, tmp_path: Path) -> None:
    assert run("encode", model, data, tmp_path / "out", "-q") == 0
    (shard,) = (tmp_path / "out/features").iterdir()
    made = json.loads(pq.read_schema(shard).metadata[b"vaeaug"])
    record = json.loads((model / "model.json").read_text())
    assert made["model"]["fingerprint"] == record["fingerprint"]
    assert made["model"]["variant"]["name"] == "cvae"
    assert made["model"]["image"] == {"channels": 1, "height": 8, "width": 8}
    assert made["columns"]["logvar"] == {"dtype": "float32", "shape": [4]}
    assert made["encoded_as"] == "one"


def test_by_default_no_feature_knows_a_label(data: Path, model: Path, tmp_path: Path) -> None:
    """The images in folders of the wrong names have the same features."""
    swapped = tmp_path / "swapped"
    for folder, name in (("ant", "bee"), ("bee", "ant")):
        (swapped / name).mkdir(parents=True)
        for path in (data / folder).iterdir():
            (swapped / name / path.name).write_bytes(path.read_bytes())
    for way, same in (("one", True), ("inferred", True), ("own", False)):
        run("encode", model, data, tmp_path / f"right-{way}", "-q", "--encode-as", way)
        run("encode", model, swapped, tmp_path / f"wrong-{way}", "-q", "--encode-as", way)
        right, wrong = table(tmp_path / f"right-{way}"), table(tmp_path / f"wrong-{way}")
        turned = {name.replace("ant", "eeb").replace("bee", "ant").replace("eeb", "bee"): i
                  for i, name in enumerate(wrong["file_name"])}  # fmt: skip
        places = [turned[name] for name in right["file_name"]]
        equal = np.allclose(right["mean"], np.asarray(wrong["mean"])[places], rtol=1e-4, atol=1e-6)
        assert equal == same, way


def test_images_without_a_class_have_no_label(data: Path, model: Path, tmp_path: Path) -> None:
    loose = tmp_path / "loose"
    loose.mkdir()
    for number, path in enumerate(sorted((data / "bee").iterdir())):
        (loose / f"{number}.png").write_bytes(path.read_bytes())
    assert run("encode", model, loose, tmp_path / "out", "-q", "--encode-as", "own") == 0
    rows = table(tmp_path / "out")
    assert set(rows["label"]) == {None}
    assert set(rows["class"]) <= {"ant", "bee"}
    assert run("encode", model, loose / "0.png", tmp_path / "single", "-q", "--label", "bee") == 0
    single = table(tmp_path / "single")
    assert (single["file_name"], single["class"]) == (["0.png"], ["bee"])


def test_formats_hold_the_same(data: Path, model: Path, tmp_path: Path) -> None:
    for kind in ("parquet", "npz", "npy-tree"):
        assert run("encode", model, data, tmp_path / kind, "-q", "--format", kind) == 0
    rows = table(tmp_path / "parquet")
    with np.load(tmp_path / "npz/features/train.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["mean"], np.asarray(rows["mean"], np.float32))
        assert arrays["label"].tolist() == rows["label"]
        assert arrays["file_name"].tolist() == rows["file_name"]
        assert (arrays["synthetic"].dtype, arrays["synthetic"].any()) == (np.bool_, False)
    for name, values in zip(rows["file_name"], rows["logvar"], strict=True):
        np.testing.assert_array_equal(np.load(tmp_path / f"npy-tree/features/logvar/{name}.npy"), np.float32(values))
    assert (tmp_path / "npy-tree/index.csv").read_text().splitlines()[1] == "ant/000.png,train,ant,ant,false"


@pytest.mark.parametrize("kind", ["parquet", "npz", "npy-tree"])
def test_an_interrupted_run_gives_the_same_bytes(model: Path, tmp_path: Path, kind: str) -> None:
    """There is a shard per split, so what is done of one is kept while the others are computed."""
    data = tiny_data.write_dataset(tmp_path / "data", {"train/ant": 4, "val/ant": 3, "test/bee": 3})
    words = ("encode", model, data, "-q", "--format", kind, "--encode-as", "own")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert run(*words[:3], whole, *words[3:]) == 0
    with on_disk("rename", "*-00000.parquet", interrupt(after=1)) as shards:
        assert run(*words[:3], broken, *words[3:]) == 130
    assert not broken.exists()
    assert run(*words[:3], broken, *words[3:]) == 2  # nothing is lost by mistake
    with on_disk("rename", "*-00000.parquet") as others:
        assert run(*words[:3], broken, *words[3:], "--resume") == 0
    assert len(others) == 2
    assert shards[0] not in others
    assert tiny_data.files(broken) == tiny_data.files(whole) | {"README.md": tiny_data.files(broken)["README.md"]}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{data}", "{data}", "{tmp}/out"], "is not a model"),
        (["{model}", "{tmp}/none", "{tmp}/out"], "does not exist"),
        (["{model}", "{data}", "{data}/out"], "choose an output outside it"),
        (["{model}", "{data}", "{model}/out"], "choose an output outside it"),
        (["{model}", "{data}", "{tmp}/out", "--label", "ent"], "did you mean 'ant'"),
        (
            ["{model}", "{data}", "{tmp}/out", "--label", "ant", "--encode-as", "own"],
            "--label requires --encode-as one",
        ),
        (["{model}", "{data}", "{tmp}/out", "--format", "csv"], "csv"),
    ],
)
def test_bad_input_is_exit_code_2_and_changes_nothing(
    data: Path, model: Path, tmp_path: Path, words: list[str], message: str, capsys: Capture
) -> None:
    before = tiny_data.state(data), tiny_data.state(model)
    assert run("encode", *[word.format(data=data, model=model, tmp=tmp_path) for word in words], "-q") == 2
    assert message in capsys.readouterr().err
    assert (tiny_data.state(data), tiny_data.state(model)) == before
    assert not list(tmp_path.iterdir())


def test_unreadable_images_are_named_or_left_out(data: Path, model: Path, tmp_path: Path, capsys: Capture) -> None:
    copy = tmp_path / "data"
    (copy / "ant").mkdir(parents=True)
    (copy / "ant/good.png").write_bytes((data / "ant/000.png").read_bytes())
    (copy / "ant/bad.png").write_bytes(b"no image")
    assert run("encode", model, copy, tmp_path / "out", "-q") == 2
    assert "ant/bad.png" in capsys.readouterr().err
    assert run("encode", model, copy, tmp_path / "out", "-q", "--skip-invalid") == 0
    assert table(tmp_path / "out")["file_name"] == ["ant/good.png"]


def test_a_place_that_is_taken_is_told_before_all_images_are_read(
    data: Path, model: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("precious")
    with on_disk("read", str(data / "*")) as opened:
        assert run("encode", model, data, tmp_path / "out") == 2
    assert opened == []
    assert "is not empty" in capsys.readouterr().err
    assert (tmp_path / "out/mine.txt").read_text() == "precious"


def test_a_name_too_long_for_a_file_of_its_own_names_the_remedy(model: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "data").mkdir()
    tiny_data.image("ant", 0).save(tmp_path / "data" / f"{'x' * 249}.png")
    assert run("encode", model, tmp_path / "data", tmp_path / "out", "--format", "npy-tree", "-q") == 1
    assert "use --format npz or parquet" in capsys.readouterr().err

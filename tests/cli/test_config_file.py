"""`--config FILE`: any option in a TOML file; the command line wins."""

import json
from pathlib import Path

import pytest
import tiny_data


@pytest.fixture
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.two_classes(tmp_path_factory)


def _config(tmp_path: Path, text: str) -> Path:
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    return tmp_path / "run.toml"


GOOD = """
steps = 6
batch_size = 4
per-class = 2
learning-rate = 0.01
workers = 1
quiet = true
synthetic-only = true
variant = "beta-vae"
latent-dim = 3

[set]
width = 16
beta = 0.5
"""


def test_options_from_a_file(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = _config(tmp_path, GOOD)
    assert tiny_data.run("augment", data, tmp_path / "out", "--config", config, "--per-class", "3") == 0
    record = json.loads((tmp_path / "out/vaeaug.json").read_text())
    settings = record["settings"]
    assert (settings["steps"], settings["batch_size"], settings["learning_rate"]) == (6, 4, 0.01)
    assert settings["per_class"] == 3  # the command line wins
    assert record["model"]["variant"]["options"] == {**record["model"]["variant"]["options"], "latent_dim": 3} | {
        "width": 16,
        "beta": 0.5,
    }
    assert not list((tmp_path / "out/train").rglob("0*.png"))
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", "")


def test_a_config_file_may_stand_anywhere_on_the_line(data: Path, tmp_path: Path) -> None:
    config = _config(tmp_path, GOOD)
    assert tiny_data.run("augment", "--per-class", "1", "--config", config, data, tmp_path / "out") == 0
    assert json.loads((tmp_path / "out/vaeaug.json").read_text())["settings"]["per_class"] == 1


def test_time_and_lists_in_a_file(data: Path, tmp_path: Path) -> None:
    text = 'time-budget = "2s"\nworkers = 1\nset = ["width=16", "latent_dim=2"]\n'
    assert tiny_data.run("train", data, tmp_path / "model", "--config", _config(tmp_path, text), "--quiet") == 0
    record = json.loads((tmp_path / "model/model.json").read_text())
    assert record["training"]["time_budget"] == 2
    assert record["variant"]["options"]["width"] == 16
    text = 'class = ["bee"]\nper-class = 2\nworkers = 1\n'
    words = ("sample", tmp_path / "model", tmp_path / "out", "--quiet", "--config", _config(tmp_path, text))
    assert tiny_data.run(*words) == 0
    assert [path.name for path in (tmp_path / "out/train").iterdir()] == ["bee"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("step = 5", "has an unknown option 'step'; did you mean 'steps'"),
        ("config = 'x'", "unknown option 'config'"),
        ("data = 'x'", "unknown option 'data'"),
        ("steps = ", "is not valid TOML"),
        ('steps = "many"', "'many' is not a valid integer"),
        ("per-class = 1\nbalance = true", "cannot be combined"),
        ('scope = "each"', "'each' is not one of"),
        ("steps = 0", "--steps must be at least 1"),
    ],
)
def test_a_bad_file(data: Path, tmp_path: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tiny_data.run("augment", data, tmp_path / "out", "--config", _config(tmp_path, text)) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert "Traceback" not in output.err
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there_or_not_text(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tiny_data.run("augment", data, tmp_path / "out", "--config", tmp_path / "nowhere.toml") == 2
    assert "cannot be read: No such file" in capsys.readouterr().err
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert tiny_data.run("augment", data, tmp_path / "out", "--config", tmp_path / "binary.toml") == 2
    assert "is not valid TOML" in capsys.readouterr().err

"""`--resume` on a finished output does nothing if the same is asked for; otherwise a line says what differs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import command_lines
import pytest
import short_runs
import tiny_data
from command_lines import COMMANDS
from tiny_data import run

Capture = pytest.CaptureFixture[str]
RESUMABLE = sorted(COMMANDS.keys() - {"demo", "plugins"})
OTHER = {
    "augment": ("--seed", "3"),
    "augment a model": ("--per-class", "4"),
    "train": ("--seed", "3"),
    "train inpainting": ("--seed", "3"),
    "sample": ("--seed", "3"),
    "inpaint": ("--seed", "3"),
    "encode": ("--format", "npz"),
    "encode npz": ("--encode-as", "own"),
    "encode npy-tree": ("--encode-as", "own"),
    "score": ("--draws", "2"),
    "interpolate": ("--steps", "3"),
    "traverse": ("--steps", "3"),
    "evaluate": ("--seed", "3"),
}
"""Command -> an option that makes it another request."""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return command_lines.places(tmp_path_factory)


@pytest.mark.parametrize("name", RESUMABLE)
def test_resuming_a_finished_run(
    name: str, read: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    short_runs.inpainting_encoder(monkeypatch)
    words = [word.format(**read, tmp=tmp_path) for word in COMMANDS[name] if word != "--quiet"]
    assert run(*words, "--json") == 0
    first = json.loads(capsys.readouterr().out)
    before = tiny_data.state(tmp_path)
    assert run(*words, "--json", "--resume") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == first
    assert "is complete already" in captured.err
    assert run(*words, *OTHER[name], "--resume", "--quiet") == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "contains a finished run with" in message
    assert run(*words, "--quiet") == 2
    assert "is not empty" in capsys.readouterr().err
    assert tiny_data.state(tmp_path) == before
    text = next(path for path in (tmp_path / "out").glob("*.json") if "resume" in path.read_text()).read_text()
    assert str(tmp_path) not in text
    assert str(read["data"]) not in text


def test_other_data_are_another_run(tmp_path: Path, capsys: Capture) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 6, "bee": 6})
    words = ["--steps", "2", "--batch-size", "4", "--workers", "1", "--set", "width=16", "--quiet"]
    assert run("train", data, tmp_path / "model", *words) == 0
    shutil.copytree(data, tmp_path / "copy")
    assert run("train", tmp_path / "copy", tmp_path / "model", *words, "--resume") == 0
    tiny_data.image("ant", 50).save(data / "ant/more.png")
    assert run("train", data, tmp_path / "model", *words, "--resume") == 2
    assert "contains a finished run, and the dataset has changed since" in capsys.readouterr().err


def test_a_finished_output_that_was_not_evaluated(tmp_path: Path, capsys: Capture) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 10, "bee": 10})
    words = ["--steps", "2", "--batch-size", "4", "--workers", "1", "--set", "width=16", "--quiet", "--no-filter"]
    words += ["--per-class", "2", "--model", tmp_path / "model", "--holdout", "0.3"]
    assert run("augment", data, tmp_path / "out", *words) == 0
    assert run("augment", data, tmp_path / "out", *words, "--resume") == 0
    assert run("augment", data, tmp_path / "out", *words, "--resume", "--evaluate") == 2
    assert "is complete, without --evaluate; to evaluate it, run: vaeaug evaluate" in capsys.readouterr().err

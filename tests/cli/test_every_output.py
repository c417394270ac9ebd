"""Every command that writes may write to the working directory, and its files have the mode that the umask gives."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_data
import torch

from vaeaug.models.tensor_file import write_tensors

QUICK = ["--steps", "4", "--batch-size", "8", "--workers", "1", "--set", "width=16", "--latent-dim", "4", "--quiet"]

COMMANDS = {
    "demo": ["demo", "."],
    "plugins": ["plugins", "new", "umask-test", "."],
    "augment": ["augment", "{data}", ".", "--per-class", "2", "--no-filter", *QUICK],
    "train": ["train", "{data}", ".", *QUICK],
    "sample": ["sample", "{model}", ".", "--per-class", "2", "--quiet"],
    "inpaint": ["inpaint", "{model}", "{data}", ".", "--random-holes", "--method", "gibbs", "--draws", "1", "--quiet"],
    "encode": ["encode", "{model}", "{data}", ".", "--quiet"],
    "encode npz": ["encode", "{model}", "{data}", ".", "--format", "npz", "--quiet"],
    "encode npy-tree": ["encode", "{model}", "{data}", ".", "--format", "npy-tree", "--quiet"],
    "score": ["score", "{model}", "{data}", ".", "--draws", "1", "--quiet"],
    "interpolate": ["interpolate", "{model}", "{data}/ant/000.png", "{data}/ant/001.png", ".", "--quiet"],
    "traverse": ["traverse", "{model}", ".", "--quiet"],
    "evaluate": [
        *("evaluate", "{data}", "{synthetic}", "--out", ".", "--test", "{test}", "--seeds", "2", "--steps", "2"),
        *("--arms", "real,synthetic", "--flip", "no", "--classical", "mild", "--workers", "1", "--quiet"),
    ],
}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the commands read."""
    root = tmp_path_factory.mktemp("read")
    for name, count in (("synthetic", 13), ("test", 17)):
        tiny_data.write_dataset(root / name, {"ant": count, "bee": count})
        for path in sorted((root / name).rglob("*.png")):
            if int(path.stem) < count - 3:
                path.unlink()
    return {
        "data": tiny_data.two_classes(tmp_path_factory),
        "model": tiny_data.model(tmp_path_factory),
        "synthetic": root / "synthetic",
        "test": root / "test",
    }


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Another umask than that of the machine, so that a file of a fixed mode is found."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("umask", [0o002], indirect=True)
@pytest.mark.parametrize("name", COMMANDS)
def test_the_working_directory_is_filled_with_files_of_the_umask(
    name: str, umask: int, places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "with a space"
    here.mkdir()
    monkeypatch.chdir(here)
    assert tiny_data.run(*(word.format(**places) for word in COMMANDS[name])) == 0
    written = list(here.rglob("*"))
    assert any(path.is_file() for path in written)
    assert here.samefile(Path.cwd())
    for path in written:
        full = 0o777 if path.is_dir() else 0o666
        assert oct(path.stat().st_mode & 0o777) == oct(full & ~umask), path
    assert list(tmp_path.iterdir()) == [here]


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077], indirect=True)
def test_a_file_of_tensors_has_the_mode_of_any_other(umask: int, tmp_path: Path) -> None:
    for _ in range(2):
        write_tensors(tmp_path / "weights.safetensors", {"a": torch.zeros(2)})
        assert (tmp_path / "weights.safetensors").stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_working_directory_that_was_deleted_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # where the test returns from
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert tiny_data.run("demo", ".") == 2
    assert capsys.readouterr().err == "Error: the working directory no longer exists; change to another one (cd)\n"
    os.chdir(tmp_path)


def test_an_empty_argument_does_not_mean_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert tiny_data.run("demo", "") == 2
    assert "is a shell variable unset" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("words", [["demo"], ["plugins", "new", "tilde-test"]])
def test_a_tilde_is_the_home_directory(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert tiny_data.run(*words, "~/a b/") == 0
    assert any((tmp_path / "a b").iterdir())
    assert "~" not in capsys.readouterr().err  # what to do next can be pasted, quoted as it is

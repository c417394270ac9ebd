"""Every command that writes may write to the working directory, and its files have the mode that the umask gives."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import command_lines
import pytest
import short_runs
import tiny_data
import torch
from command_lines import COMMANDS

from vaeaug.models.tensor_file import write_tensors


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return command_lines.places(tmp_path_factory)


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Another umask than that of the machine, so that a file of a fixed mode is found."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("umask", [0o027], indirect=True)  # 640 and 750 are no mode that anything sets by itself
@pytest.mark.parametrize("name", COMMANDS)
def test_the_working_directory_is_filled_with_files_of_the_umask(
    name: str, umask: int, read: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "with a space"
    here.mkdir()
    monkeypatch.chdir(here)
    short_runs.inpainting_encoder(monkeypatch)
    assert tiny_data.run(*(word.format(**read, tmp=tmp_path / "deep/er") for word in COMMANDS[name])) == 0
    written = list(tmp_path.rglob("*"))
    assert any(path.is_file() for path in written)
    assert here.samefile(Path.cwd())
    for path in written:
        if path == here:
            continue
        full = 0o777 if path.is_dir() else 0o666
        assert oct(path.stat().st_mode & 0o777) == oct(full & ~umask), path
    assert {path.name for path in tmp_path.iterdir()} <= {here.name, "deep"}
    assert {path.name for path in (tmp_path / "deep/er").glob("*")} <= {"model"}


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

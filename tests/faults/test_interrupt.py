"""Ctrl-C: exit code 130, one line, no process left, and `--resume` goes on."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_data
from child_process import Child, wait_for

from vaeaug.cli import _run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks, and reads /proc")


def _session(leader: int) -> set[int]:
    """The processes of a session that are alive."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[3] == str(leader) and fields[0] != "Z":
                found.add(int(folder.name))
    return found


def _start(words: list[str], errors: Path) -> Child:
    return Child(lambda: _run(words), errors)


def _words(command: str, *places: Path, steps: int = 12, workers: int = 1, **settings: object) -> list[str]:
    quick = tiny_data.UNFILTERED if command == "augment" else tiny_data.QUICK
    values = {**quick, "steps": steps, "workers": workers, **settings}
    return [command, *map(str, places), *tiny_data.options(values)]


def _writing(out: Path) -> Callable[[], bool]:
    return lambda: len(list(out.parent.glob(f".{out.name}.partial/content/train/*/synthetic-*.png"))) > 100


def _training(out: Path) -> Callable[[], bool]:
    return lambda: any(out.parent.glob(f".{out.name}.partial/**/shared/checkpoint.safetensors"))


@pytest.fixture
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.two_classes(tmp_path_factory)


@pytest.mark.parametrize("stage", ["training", "writing"])
def test_an_interrupted_augment_says_so_in_a_line_and_goes_on(data: Path, tmp_path: Path, stage: str) -> None:
    out = tmp_path / "out"
    settings = {"steps": 400, "per_class": 2} if stage == "training" else {"per_class": 3000}
    words = _words("augment", data, out, **settings)
    child = _start(words, tmp_path / "errors")
    assert wait_for((_training if stage == "training" else _writing)(out)), child.errors.read_text()
    child.interrupt()
    assert child.wait() == 130
    lines = child.errors.read_text().splitlines()
    assert lines[-1] == "Interrupted; add --resume to the same command to continue."
    assert not any("Traceback" in line for line in lines)
    begun = "Training on all classes" if stage == "training" else "Writing synthetic images"
    assert f"{begun} ..." in lines
    assert not any(line.startswith(f"{begun}: done") for line in lines)  # it was not
    assert not out.exists()
    assert (tmp_path / ".out.partial/request.json").exists()
    if stage == "training":
        assert tiny_data.run(*words, "--resume", "--quiet") == 0
        assert tiny_data.run(*_words("augment", data, tmp_path / "whole", **settings), "--quiet") == 0
        resumed, whole = (tiny_data.files(place) for place in (out, tmp_path / "whole"))
        changed = {name for name in whole if resumed.get(name) != whole[name]}
        assert changed <= {"README.md", "report.html"}  # they name the directory
        assert resumed.keys() == whole.keys()


def test_without_resume_the_remedies_are_named(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = _words("augment", data, out, per_class=3000)
    child = _start(words, tmp_path / "errors")
    assert wait_for(_writing(out))
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert tiny_data.run(*words, "--quiet") == 2
    error = capsys.readouterr().err
    assert "add --resume" in error
    assert str(tmp_path / ".out.partial") in error
    assert error.count("\n") == 1


def test_workers_are_stopped_and_the_result_does_not_depend_on_them(data: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    words = _words("train", data, model, steps=40, workers=2)
    child = _start(words, tmp_path / "errors")
    assert wait_for(lambda: len(_session(child.pid)) >= 3), child.errors.read_text()  # itself and its workers
    child.interrupt()
    assert child.wait() == 130
    assert wait_for(lambda: not _session(child.pid), seconds=20)
    assert "Traceback" not in child.errors.read_text()
    assert tiny_data.run(*words, "--resume", "--quiet") == 0
    assert tiny_data.run(*_words("train", data, tmp_path / "alone", steps=40, workers=1), "--quiet") == 0
    assert tiny_data.files(model) == tiny_data.files(tmp_path / "alone")

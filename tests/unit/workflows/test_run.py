"""One run of a command: its output directory and its warnings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from vaeaug.errors import InputError
from vaeaug.export.record import RECORD
from vaeaug.options import option
from vaeaug.progress import SILENT, Progress
from vaeaug.workflows.run import begin_run, check_disjoint
from vaeaug.workflows.settings import LabelSettings, RunSettings, UseSettings


@dataclass(frozen=True, kw_only=True)
class Settings(LabelSettings, UseSettings):
    """Settings of a command that exists only here."""

    _EXCLUDED_FROM_REQUEST: ClassVar[frozenset[str]] = frozenset({"size"})
    scale: float = option(1.0, "A scale.")
    size: int | None = option(None, "A size.")


class Heard(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def finish(out: Path, settings: Settings, progress: Progress = SILENT) -> bool:
    """Run a command that writes only its record; return whether it had finished before."""
    run = begin_run(settings, progress)
    with run.writing(out, {"model": "abc"}, inputs=[]) as run:
        if run.finished_record(dataset="images") is not None:
            return True
        (run.content / RECORD).write_text("{}")
        run.warn("first", "second")
        assert run.publish() == out
    return False


def test_what_is_published_is_there_and_warnings_are_reported_in_order(tmp_path: Path) -> None:
    heard = Heard()
    assert not finish(tmp_path / "out", Settings(), heard)
    assert (tmp_path / "out" / RECORD).is_file()
    assert heard.lines == ["first", "second"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_finished_run_is_resumed_only_with_the_same_request(tmp_path: Path) -> None:
    finish(tmp_path / "out", Settings())
    assert finish(tmp_path / "out", Settings(resume=True, workers=3, size=5, allow_imports=True))
    with pytest.raises(InputError, match=r"scale = 1\.0, and this one has 2\.0"):
        finish(tmp_path / "out", Settings(resume=True, scale=2.0))


def test_a_request_begins_with_what_was_read_and_has_no_paths_of_tables() -> None:
    request = Settings(labels="/home/me/labels.csv", size=3).request(model="abc", scale=7)
    assert list(request) == ["model", "scale", "labels", "file_column", "label_column"]
    assert (request["scale"], request["labels"]) == (7, "labels.csv")


def test_nothing_is_written_outside_of_writing() -> None:
    with pytest.raises(AssertionError, match=r"Run\.writing"):
        _ = begin_run(RunSettings(device="cpu"), SILENT).content


def test_a_part_has_the_same_device_and_plugins_and_warnings_of_its_own() -> None:
    run = begin_run(RunSettings(device="cpu"), SILENT)
    run.warn("a warning")
    part = run.nested(Settings())
    assert (part.device, part.registry, part.warnings) == (run.device, run.registry, [])


def test_an_output_apart_from_its_inputs_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    check_disjoint(tmp_path / "out", [tmp_path / "data", tmp_path / "missing"])
    with pytest.raises(InputError, match="is inside"):
        check_disjoint(tmp_path / "data" / "out", [tmp_path / "missing", tmp_path / "data"])
    run = begin_run(RunSettings(device="cpu"), SILENT)
    with (
        pytest.raises(InputError, match="is inside"),
        run.writing(tmp_path / "data" / "out", {}, inputs=[tmp_path / "data"]),
    ):
        pass
    assert not any((tmp_path / "data").iterdir())

"""Scores are the same bytes whatever the number of workers, and whether or not the run was interrupted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import short_runs
import tiny_data
from machine_faults import interrupt, on_disk

from vaeaug.errors import InputError
from vaeaug.workflows.score import score_command as workflow

SETTINGS = {"maps": True, "draws": 2, "gallery": 3}


SCORED = "*/scratch/scores-*.npz"


@pytest.fixture
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    short_runs.score_windows(monkeypatch)


@pytest.mark.usefixtures("_small_windows", "warm_workers")
def test_workers_change_no_byte(data: Path, model: Path, tmp_path: Path) -> None:
    made = []
    for workers in (1, 2):
        place = tmp_path / str(workers)
        place.mkdir()
        workflow.score(model, data, place / "out", workers=workers, **SETTINGS)
        made.append(tiny_data.files(place / "out"))
    assert made[0] == made[1]
    assert sum(name.startswith("maps/") for name in made[0]) == 21


@pytest.mark.usefixtures("_small_windows")
def test_a_run_goes_on_where_it_stopped(data: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    workflow.score(model, data, tmp_path / "whole/out", workers=1, **SETTINGS)
    with on_disk("rename", SCORED, interrupt(after=3)), pytest.raises(KeyboardInterrupt):
        workflow.score(model, data, tmp_path / "cut/out", workers=1, **SETTINGS)
    (tmp_path / "cut/.out.partial/scratch/scores-000001.npz").write_bytes(b"")  # as after a power cut
    with pytest.raises(InputError, match="--resume"):
        workflow.score(model, data, tmp_path / "cut/out", workers=1, **SETTINGS)
    with on_disk("rename", SCORED) as done:
        workflow.score(model, data, tmp_path / "cut/out", workers=1, resume=True, **SETTINGS)
    assert [path.name for path in done] == [f"scores-{number:06}.npz" for number in (1, 3, 4, 5)]
    assert tiny_data.files(tmp_path / "cut/out") == tiny_data.files(tmp_path / "whole/out")


def test_another_question_is_not_gone_on_with(data: Path, model: Path, tmp_path: Path) -> None:
    with on_disk("rename", SCORED, interrupt()), pytest.raises(KeyboardInterrupt):
        workflow.score(model, data, tmp_path / "out", workers=1, **SETTINGS)
    with pytest.raises(InputError, match="draws"):
        workflow.score(model, data, tmp_path / "out", workers=1, resume=True, **{**SETTINGS, "draws": 3})


@pytest.mark.usefixtures("_small_windows")
def test_a_file_of_scores_is_whole_or_not_done(data: Path, model: Path, tmp_path: Path) -> None:
    """Cut off anywhere, as by a power cut, the scores of its images are computed again."""
    out, settings = tmp_path / "out", {**SETTINGS, "workers": 1}
    for length in (0.0, 0.5, 0.9, 1.0):
        with on_disk("rename", SCORED, interrupt(after=1)) as done, pytest.raises(KeyboardInterrupt):
            workflow.score(model, data, out, **settings)
        content = done[0].read_bytes()
        done[0].write_bytes(content[: int(length * len(content))])
        with on_disk("rename", SCORED, interrupt(after=1)) as again, pytest.raises(KeyboardInterrupt):
            workflow.score(model, data, out, resume=True, **settings)
        assert (done[0] in again) == (length < 1)
        shutil.rmtree(tmp_path / ".out.partial")

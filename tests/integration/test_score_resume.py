"""Scores are the same bytes whatever the number of workers, and whether or not the run was interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_data

from vaeaug.errors import InputError
from vaeaug.workflows.score import score_command as workflow
from vaeaug.workflows.score.score_task import is_done, read_scores, run_score_task

SETTINGS = {"maps": True, "draws": 2, "gallery": 3}


@pytest.mark.usefixtures("warm_workers")
def test_workers_change_no_byte(data: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "WINDOW", 4)
    made = []
    for workers in (1, 2):
        place = tmp_path / str(workers)
        place.mkdir()
        workflow.score(model, data, place / "out", workers=workers, **SETTINGS)
        made.append(tiny_data.files(place / "out"))
    assert made[0] == made[1]
    assert sum(name.startswith("maps/") for name in made[0]) == 21


def test_a_run_goes_on_where_it_stopped(
    data: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "WINDOW", 4)
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    workflow.score(model, data, tmp_path / "whole/out", workers=1, **SETTINGS)
    done: list[int] = []

    def stopped(task, tell):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(task.start)
        return run_score_task(task, tell)

    monkeypatch.setattr(workflow, "run_score_task", stopped)
    with pytest.raises(KeyboardInterrupt):
        workflow.score(model, data, tmp_path / "cut/out", workers=1, **SETTINGS)
    assert done == [0, 4, 8]
    (tmp_path / "cut/.out.partial/scratch/scores-000001.npz").write_bytes(b"")  # as after a power cut
    with pytest.raises(InputError, match="--resume"):
        workflow.score(model, data, tmp_path / "cut/out", workers=1, **SETTINGS)
    done.clear()
    monkeypatch.setattr(
        workflow, "run_score_task", lambda task, tell: (done.append(task.start), run_score_task(task, tell))
    )
    workflow.score(model, data, tmp_path / "cut/out", workers=1, resume=True, **SETTINGS)
    assert done == [4, 12, 16, 20]
    assert tiny_data.files(tmp_path / "cut/out") == tiny_data.files(tmp_path / "whole/out")


def test_another_question_is_not_gone_on_with(
    data: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(task, tell):
        run_score_task(task, tell)
        raise KeyboardInterrupt

    monkeypatch.setattr(workflow, "run_score_task", stopped)
    with pytest.raises(KeyboardInterrupt):
        workflow.score(model, data, tmp_path / "out", workers=1, **SETTINGS)
    monkeypatch.undo()
    with pytest.raises(InputError, match="draws"):
        workflow.score(model, data, tmp_path / "out", workers=1, resume=True, **{**SETTINGS, "draws": 3})


def test_a_file_of_scores_is_whole_or_not_done(
    data: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []
    monkeypatch.setattr(
        workflow,
        "run_score_task",
        lambda task, tell: (
            run_score_task(task, tell),
            kept.append(task),
            read_scores(task.file),
            kept.append(task.file.read_bytes()),
        ),
    )
    workflow.score(model, data, tmp_path / "out", workers=1)
    task, content = kept
    task.file.parent.mkdir(parents=True)
    for length in (len(content), len(content) // 2, 10, 0):
        task.file.write_bytes(content[:length])
        assert is_done(task) == (length == len(content))

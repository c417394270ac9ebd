"""A daemonic process, such as a worker of `multiprocessing.Pool` or Celery, may have no children: all runs in it."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
import tiny_data

import vaeaug


@pytest.mark.usefixtures("warm_workers")
def test_a_whole_run_in_a_worker_of_a_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 12, "bee": 11})
    training = {name: value for name, value in tiny_data.QUICK.items() if name != "workers"}
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        made = pool.apply(vaeaug.augment, (data, tmp_path / "out"), {**training, "per_class": 3, "workers": 2})
        scored = pool.apply(vaeaug.score, (_model(data, tmp_path), data, tmp_path / "scores"), {"workers": 2})
    assert [count.synthetic for count in made.counts] == [3, 3]
    assert scored.images == 23
    vaeaug.augment(data, tmp_path / "here", **training, per_class=3, workers=1)
    there, here = tiny_data.files(tmp_path / "out"), tiny_data.files(tmp_path / "here")
    named = {"README.md", "report.html"}  # which have the name of the directory
    assert {name: there[name] for name in there.keys() - named} == {name: here[name] for name in here.keys() - named}


def _model(data: Path, place: Path) -> Path:
    return vaeaug.train(data, place / "model", **tiny_data.QUICK).path

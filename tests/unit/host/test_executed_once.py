"""A plugin's module is executed once per process, and again only when its file was edited."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from pathlib import Path

import plugin_tasks
import pytest

from vaeaug import plugins
from vaeaug.engine.local import run_tasks

LOSS = """
import os, torch
from pathlib import Path
from vaeaug import ReconstructionLoss, hookimpl
with open({log!r}, "a") as file:
    file.write(f"{{os.getpid()}}\\n")
torch.library.define("vaeaug_test_once::{operator}", "(Tensor x) -> Tensor")  # raises the second time
class OnceLoss(ReconstructionLoss):
    name = {name!r}
    def forward(self, raw_BRHW, x_BCHW):
        return (raw_BRHW - x_BCHW).square().sum(dim=(1, 2, 3))
    def image(self, raw_BRHW):
        return raw_BRHW.clamp(0, 1)
@hookimpl
def vaeaug_losses():
    return [OnceLoss]
"""


def write(directory: Path, *, operator: str, name: str = "once") -> Path:
    """Write a plugin file that registers an operator and notes each time that it is executed."""
    directory.mkdir(exist_ok=True)
    log = directory / "log.txt"
    (directory / "plugin.py").write_text(LOSS.format(log=str(log), operator=operator, name=name))
    return directory


def executions(directory: Path) -> list[str]:
    """Return the process of every execution."""
    return (directory / "log.txt").read_text().split()


def test_a_file_is_executed_once_however_often_and_from_wherever_it_is_loaded(tmp_path: Path) -> None:
    place = write(tmp_path / "one", operator="several")
    (tmp_path / "link").symlink_to(place)
    registries = [plugins.load([path]) for path in (place, place, tmp_path / "link", str(place))]
    threads = [threading.Thread(target=lambda: registries.append(plugins.load([place]))) for _ in range(4)]
    stdout = sys.stdout
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sys.stdout is stdout
    assert executions(place) == [str(os.getpid())]
    assert len({registry.loss("once").cls for registry in registries}) == 1
    assert not [problem for registry in registries for problem in registry.problems if problem.plugin == "plugin"]


def test_two_files_of_one_name_are_two_plugins(tmp_path: Path) -> None:
    places = [write(tmp_path / name, operator=name, name=f"once-{name}") for name in ("first", "second")]
    for _ in range(2):
        registry = plugins.load(places)
        assert {"once-first", "once-second"} <= registry.losses.keys()
    assert [len(executions(place)) for place in places] == [1, 1]


def test_an_edited_file_is_executed_again(tmp_path: Path) -> None:
    place = write(tmp_path / "edited", operator="before", name="before")
    before = plugins.load([place]).loss("before").cls
    write(place, operator="after", name="after")
    registry = plugins.load([place])
    assert "before" not in registry.losses
    assert registry.loss("after").cls is not before
    assert len(executions(place)) == 2
    # The same operator again: that is no mistake of the file's, and the message says so.
    (place / "plugin.py").write_text((place / "plugin.py").read_text() + "\n# a comment\n")
    (problem,) = [problem for problem in plugins.load([place]).problems if problem.plugin == "plugin"]
    assert "before it was edited" in problem.cause
    assert "start the process (or the notebook kernel) again" in problem.cause


def test_the_first_cause_stays_the_cause(tmp_path: Path) -> None:
    place = write(tmp_path / "broken", operator="broken")
    with (place / "plugin.py").open("a") as file:
        file.write("1 / 0\n")
    causes = [
        next(problem.cause for problem in plugins.load([place]).problems if problem.plugin == "plugin")
        for _ in range(3)
    ]
    assert "ZeroDivisionError" in causes[0]
    assert set(causes) == {causes[0]}
    assert len(executions(place)) == 1


def test_a_module_that_was_installed_meanwhile_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = write(tmp_path / "needs", operator="needs")
    text = (place / "plugin.py").read_text()
    (place / "plugin.py").write_text(f"import vaeaug_test_installed_later\n{text}")
    assert "once" not in plugins.load([place]).losses
    (tmp_path / "site").mkdir()
    (tmp_path / "site/vaeaug_test_installed_later.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert "once" in plugins.load([place]).losses


def test_a_worker_executes_it_once_for_all_its_tasks(tmp_path: Path) -> None:
    place = write(tmp_path / "workers", operator="workers")
    processes = run_tasks(plugin_tasks.look_up, [str(place)] * 4, workers=2, on_message=lambda *_: None)
    assert Counter(executions(place)) == {str(process): 1 for process in set(processes)}

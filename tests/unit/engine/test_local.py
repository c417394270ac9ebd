"""Work in worker processes: order, messages, errors, and no process that outlives its parent."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vaeaug.engine.local import kept_workers, run_tasks
from vaeaug.errors import InputError, VaeaugError

TASKS = """
import os, pathlib, signal, sys, threading, time
from vaeaug.errors import InputError

def double(task, tell):
    time.sleep(0.1 if task == 1 else 0)
    for part in range(3):
        tell((task, part))
    return 2 * task, os.getpid(), os.environ["OMP_NUM_THREADS"]

def refuse(task, tell):
    if task == 1:
        raise InputError("the second task is refused")
    time.sleep(60 if task == 0 else 0)

def die(task, tell):
    if task == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60 if task == 0 else 0)

def linger(task, tell):
    pathlib.Path(task).write_text(str(os.getpid()))
    time.sleep(120)
"""


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module that worker processes can import."""
    (tmp_path / "engine_tasks.py").write_text(TASKS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "engine_tasks", raising=False)
    import engine_tasks

    return engine_tasks


def _alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _wait(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order_and_every_message_is_heard(tasks: Any, workers: int) -> None:
    heard: list[Any] = []
    before = dict(os.environ)
    results = run_tasks(
        tasks.double, [0, 1, 2], workers=workers, on_message=lambda number, message: heard.append((number, message))
    )
    assert [value for value, _, _ in results] == [0, 2, 4]
    assert sorted(heard) == [(task, (task, part)) for task in range(3) for part in range(3)]
    elsewhere = {pid for _, pid, _ in results} - {os.getpid()}
    assert bool(elsewhere) is (workers == 2)
    assert {threads for _, _, threads in results} == {"1"}
    assert dict(os.environ) == before


def test_what_a_task_raises_is_raised_here_and_the_others_are_stopped(tasks: Any) -> None:
    began = time.monotonic()
    with pytest.raises(InputError, match="the second task is refused"):
        run_tasks(tasks.refuse, [0, 1, 2], workers=2, on_message=lambda *_: None)
    assert time.monotonic() - began < 30


def test_a_killed_worker_is_said_with_the_remedy(tasks: Any) -> None:
    began = time.monotonic()
    with pytest.raises(VaeaugError, match=r"a worker process was killed.*--workers 1 --resume"):
        run_tasks(tasks.die, [0, 1], workers=2, on_message=lambda *_: None)
    assert time.monotonic() - began < 30


PARENT = """
import signal
import sys
import engine_tasks
from vaeaug.engine.local import run_tasks
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that Ctrl-C is ignored
if __name__ == "__main__":
    run_tasks(engine_tasks.linger, sys.argv[1:], workers=2, on_message=lambda *_: None)
"""


def _start(tasks: Any, folder: Path) -> tuple["subprocess.Popen[bytes]", list[Path]]:
    script = folder / "parent.py"
    script.write_text(PARENT)
    marks = [folder / "one", folder / "two"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, str(script), *map(str, marks)]
    return subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE), marks


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
def test_workers_do_not_outlive_a_killed_parent(tasks: Any, tmp_path: Path) -> None:
    parent, marks = _start(tasks, tmp_path)
    assert _wait(lambda: all(mark.exists() and mark.read_text() for mark in marks))
    workers = [int(mark.read_text()) for mark in marks]
    assert all(map(_alive, workers))
    parent.kill()
    parent.communicate()
    assert _wait(lambda: not any(map(_alive, workers)))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
@pytest.mark.parametrize("delay", [None, 0.0])
def test_ctrl_c_stops_the_workers_and_they_say_nothing(tasks: Any, tmp_path: Path, delay: float | None) -> None:
    """Also while they are still starting: a terminal sends Ctrl-C to all processes of the group."""
    parent, marks = _start(tasks, tmp_path)
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    if delay is None:
        assert _wait(lambda: all(mark.exists() and mark.read_text() for mark in marks))
    else:
        assert _wait(lambda: len(children.read_text().split()) >= 2)  # the first worker process exists
        time.sleep(delay)
    workers = [int(pid) for pid in children.read_text().split()]
    os.killpg(parent.pid, signal.SIGINT)
    _, errors = parent.communicate(timeout=30)
    assert _wait(lambda: not any(map(_alive, workers)))
    assert errors.count(b"Traceback") == 1, errors.decode()  # the parent's own: no one catches it there
    assert errors.rstrip().endswith(b"KeyboardInterrupt")


def test_a_script_without_a_guard_is_not_run_again_in_the_workers(tasks: Any, tmp_path: Path) -> None:
    """`vaeaug.augment(...)` at the top level of a script is what the README shows."""
    script = tmp_path / "plain.py"
    script.write_text(
        "import engine_tasks\n"
        "from vaeaug.engine.local import run_tasks\n"
        "print('once')\n"
        "print(len(run_tasks(engine_tasks.double, [0, 1], workers=2, on_message=lambda *_: None)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["once", "2"], "")


DAEMON = """
import multiprocessing, warnings
from vaeaug.engine.local import run_tasks

def work(tasks, workers):
    import engine_tasks
    heard = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = run_tasks(
            engine_tasks.double, tasks, workers=workers, on_message=lambda n, message: heard.append(message)
        )
    return [result[0] for result in results], {result[1] for result in results}, heard, [str(w.message) for w in caught]
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_daemonic_process_does_the_work_itself_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tasks: Any, workers: int
) -> None:
    """A worker of `multiprocessing.Pool` may not have children."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "engine_daemon.py").write_text(DAEMON)
    import engine_daemon

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        results, processes, heard, warned = pool.apply(engine_daemon.work, ([0, 1, 2], workers))
        (process,) = (worker.pid for worker in pool._pool)  # type: ignore[attr-defined]
    assert results == [0, 2, 4]
    assert processes == {process}
    assert heard == [(task, part) for task in range(3) for part in range(3)]
    assert len(warned) == (workers > 1)
    assert all("daemonic" in line and "one by one" in line for line in warned)


def test_processes_are_kept_for_the_next_call_and_stopped_at_the_end(tasks: Any) -> None:
    def processes(numbers: list[int], workers: int = 2) -> set[int]:
        results = run_tasks(tasks.double, numbers, workers=workers, on_message=lambda *_: None)
        assert [value for value, _, _ in results] == [2 * number for number in numbers]
        return {pid for _, pid, _ in results}

    with kept_workers():
        first = processes([1, 1])
        assert processes([1, 1]) == first
        more = processes([1, 1, 1], workers=3)
        assert first < more
        assert processes([1, 1]) < more
        assert len([pid for pid in more if _alive(pid)]) == 2
        with pytest.raises(InputError):
            run_tasks(tasks.refuse, [0, 1, 2], workers=2, on_message=lambda *_: None)
        assert not any(map(_alive, more))
        last = processes([1, 1])
        assert not last & more
        assert all(map(_alive, last))
    assert not any(map(_alive, last))

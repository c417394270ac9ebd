"""Work on this machine: in this process, or spread over worker processes with one thread each.

Processes are used instead of threads, because small networks do not benefit from more threads and two spinning threads
cost much time.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from multiprocessing import connection, resource_tracker
from typing import Any, TypeVar

from vaeaug.errors import VaeaugError

Task = TypeVar("Task")
Result = TypeVar("Result")
OnMessage = Callable[[int, Any], None]

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_MESSAGE, _RESULT, _ERROR = "message", "result", "error"  # what a worker's pipe brings
_KEPT: ContextVar[list[_Worker] | None] = ContextVar("kept workers", default=None)


def run_tasks(
    function: Callable[[Task, Callable[[Any], None]], Result],
    tasks: Sequence[Task],
    *,
    workers: int,
    on_message: OnMessage,
) -> list[Result]:
    """Run `function(task, tell)` for every task and return the results in order.

    Args:
        function: a module-level function; `tell(message)` reaches `on_message`.
        tasks: picklable values.
        workers: number of processes. With one worker or task, or in a daemonic process, which may not have children,
            everything runs in this process.
        on_message: called in this process with (number of the task, message).

    Raises:
        VaeaugError: what a task raised, or that a worker process died. The other workers are stopped.
    """
    parallel = workers > 1 and len(tasks) > 1
    if parallel and not may_start_processes():
        parallel = False
        warnings.warn(
            f"this process is daemonic and may not start worker processes, so {len(tasks)} tasks run one by one; the "
            "results are the same",
            RuntimeWarning,
            stacklevel=2,
        )
    if not parallel:
        return [function(task, lambda message, number=i: on_message(number, message)) for i, task in enumerate(tasks)]  # type: ignore[misc]
    kept = _KEPT.get()
    processes = [] if kept is None else kept
    finished = False
    try:
        _adjust(processes, min(workers, len(tasks)))
        results: list[Result] = _supervise(processes, function, tasks, on_message)
        finished = True
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise VaeaugError(
            "a worker process was killed, most likely because memory ran out; add --workers 1 --resume to continue"
        ) from None
    finally:
        if not finished or kept is None:
            _adjust(processes, 0)
    return results


@contextlib.contextmanager
def kept_workers() -> Iterator[None]:
    """Keep the worker processes of one call of `run_tasks` for the next one in this block.

    A process takes seconds of CPU time to import torch. Every call starts the processes that are missing, and stops
    those that it does not need.
    """
    kept: list[_Worker] = []
    token = _KEPT.set(kept)
    try:
        yield
    finally:
        _KEPT.reset(token)
        _adjust(kept, 0)


def may_start_processes() -> bool:
    """Return whether this process may have children, as `multiprocessing` allows it."""
    try:
        return not multiprocessing.current_process().daemon
    except AttributeError:  # Celery puts a process of its own there, which has fewer attributes
        return False


class _Worker:
    """A process that runs one task after the other. It shares only a pipe, so nothing blocks if it is killed."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, worker_end = context.Pipe()
        self.process = context.Process(target=_serve, args=(worker_end,), daemon=True)
        self.process.start()
        worker_end.close()
        self.number: int | None = None

    def assign(self, function: Callable[..., Any], number: int, task: Any) -> None:
        self.number = number
        self.pipe.send((function, task))

    def stop(self) -> None:
        """End the process at once; that is harmless, for what workers write they write all or nothing."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _adjust(processes: list[_Worker], count: int) -> None:
    """Start or stop processes until there are `count`."""
    while len(processes) > count:
        processes.pop().stop()
    if len(processes) < count:
        with _one_thread(), _clean_start():
            while len(processes) < count:
                processes.append(_Worker())


def _supervise(
    processes: Sequence[_Worker], function: Callable[..., Any], tasks: Sequence[Any], on_message: OnMessage
) -> list[Any]:
    results: dict[int, Any] = {}
    pending = enumerate(tasks)
    for worker in processes:
        worker.assign(function, *next(pending))
    while len(results) < len(tasks):
        ready = connection.wait([worker.pipe for worker in processes if worker.number is not None])
        for worker in processes:
            if worker.pipe not in ready or worker.number is None:
                continue
            kind, value = worker.pipe.recv()
            if kind == _MESSAGE:
                on_message(worker.number, value)
            elif kind == _ERROR:
                raise value
            else:
                results[worker.number] = value
                worker.number = None
                following = next(pending, None)
                if following is not None:
                    worker.assign(function, *following)
    return [results[number] for number in range(len(tasks))]


def _serve(pipe: connection.Connection[Any, Any]) -> None:
    """Work in a worker process: deaf to Ctrl-C (its parent stops it), and never outliving its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def exit_with_parent() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=exit_with_parent, daemon=True).start()
    while True:
        function, task = pipe.recv()
        try:
            reply = (_RESULT, function(task, lambda message: pipe.send((_MESSAGE, message))))
        except Exception as error:
            reply = (_ERROR, _picklable(error))
        pipe.send(reply)


def _picklable(error: Exception) -> Exception:
    """Return an exception that survives a pipe, with its traceback as a note for `--debug`."""
    safe = error if isinstance(error, VaeaugError | OSError) else RuntimeError(f"{type(error).__name__}: {error}")
    safe.add_note("".join(traceback.format_exception(error)))
    return safe


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def _clean_start() -> Iterator[None]:
    """Start worker processes without the user's main module and with Ctrl-C blocked.

    A spawned process imports the main module again, so a script without `if __name__ == "__main__"` would run in it.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    old_mask = None
    if sys.platform != "win32":
        resource_tracker.ensure_running()  # else the first process starts it, and that unblocks the signal
        old_mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        if sys.platform != "win32" and old_mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, old_mask)

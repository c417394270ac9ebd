"""Work on this machine: in this process, or spread over worker processes with one thread each.

Processes and not threads, because small networks gain nothing from more threads and lose much to two of them spinning.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import Any, TypeVar

from vaeaug.errors import VaeaugError

Task = TypeVar("Task")
Result = TypeVar("Result")
Hear = Callable[[int, Any], None]

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_mailbox: Any = None  # in a worker process: where messages to the parent go


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_tasks(
    function: Callable[[Task, Callable[[Any], None]], Result],
    tasks: Sequence[Task],
    *,
    workers: int,
    hear: Hear,
) -> list[Result]:
    """Run `function(task, tell)` for every task and return the results in order.

    Args:
        function: a module-level function; `tell(message)` reaches `hear`.
        tasks: small picklable values.
        workers: worker processes; with one (or one task) all runs in this process.
        hear: called here with (number of the task, message).

    Raises:
        VaeaugError: what a task raised, or that a worker process died. The other workers are stopped.
    """
    if workers <= 1 or len(tasks) <= 1:
        return [function(task, lambda message, number=i: hear(number, message)) for i, task in enumerate(tasks)]  # type: ignore[misc]
    context = multiprocessing.get_context("spawn")
    mailbox = context.SimpleQueue()
    before = {name: os.environ.get(name) for name in _THREADS}
    others = set(multiprocessing.active_children())
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    executor = ProcessPoolExecutor(min(workers, len(tasks)), context, _start_worker, (mailbox,))
    try:
        with _clean_start():
            futures = [executor.submit(_work, function, task, i) for i, task in enumerate(tasks)]
        processes = set(multiprocessing.active_children()) - others
        _listen(futures, [process.sentinel for process in processes], mailbox, hear)
        return [future.result() for future in futures]
    except BrokenProcessPool:
        raise VaeaugError(
            "a worker process was killed, most likely for want of memory; add --workers 1 --resume to go on"
        ) from None
    finally:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()  # harmless: what workers write, they write all or nothing
        executor.shutdown(wait=False, cancel_futures=True)
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def _clean_start() -> Iterator[None]:
    """Start worker processes that know nothing of the user's script and are deaf to Ctrl-C from the beginning.

    A spawned process imports the main module anew: a script without `if __name__ == "__main__"` would run again in
    every worker, and a notebook's or a script's own imports would be done again for nothing.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if hasattr(signal, "pthread_sigmask") else None
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        if blocked is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _listen(futures: Sequence[Future[Any]], sentinels: Sequence[int], mailbox: Any, hear: Hear) -> None:
    """Pass messages on until all futures are done or one has failed.

    Raises:
        BrokenProcessPool: a worker process has died. The executor may not notice before another one is done with its
            task: it looks at the processes it had when it was last woken, and wakes before it starts one.
    """
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=0.1, return_when=FIRST_COMPLETED)
        while not mailbox.empty():
            hear(*mailbox.get())
        for future in done:
            future.result()
        if pending and connection.wait(sentinels, timeout=0):
            raise BrokenProcessPool


def _start_worker(mailbox: Any) -> None:
    """Set a worker process up: one thread, deaf to Ctrl-C (its parent stops it), and never outliving its parent."""
    global _mailbox  # noqa: PLW0603 (a worker process has one parent)
    _mailbox = mailbox
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _work(function: Callable[[Any, Callable[[Any], None]], Any], task: Any, number: int) -> Any:
    """Run one task in a worker process."""
    return function(task, lambda message: _mailbox.put((number, message)))

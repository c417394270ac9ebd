"""Work in a forked child that can be killed: torch is imported already, so it starts at once."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

MUTATIONS = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "shutil.copyfile", "os.utime"})
"""Audit events of a process that changes something on disk; opening a file for writing is another."""


class Child:
    """A forked child that runs `function` in a session of its own and exits with what it returns.

    Args:
        function: what it does; its exit code is the result (an uncaught exception gives 99).
        errors: file that gets its stderr and stdout.
        dies_at: kill it with SIGKILL at this change on disk (from 1), just before it is made.
    """

    def __init__(self, function: Callable[[], Any], errors: Path, dies_at: int | None = None) -> None:
        self.errors = errors
        self.pid = os.fork()
        if self.pid == 0:
            code = 99
            try:
                os.setsid()
                for stream in (1, 2):
                    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
                sys.stdout, sys.stderr = (os.fdopen(stream, "w", buffering=1) for stream in (1, 2))
                signal.signal(signal.SIGINT, signal.default_int_handler)
                if dies_at is not None:
                    _die_at(dies_at)
                code = function() or 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)

    def wait(self, seconds: float = 60) -> int:
        """Return its exit code, or minus the signal that ended it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        os.kill(self.pid, signal.SIGKILL)
        raise TimeoutError(self.errors.read_text())

    def interrupt(self) -> None:
        """Do what a terminal does at Ctrl-C: SIGINT to the whole process group."""
        os.killpg(self.pid, signal.SIGINT)


def changes_on_disk(function: Callable[[], Any], errors: Path) -> int:
    """Return how many changes on disk `function` makes in a child of its own."""
    result = errors.with_name("changes")

    def work() -> None:
        counts = [0]
        _before_each_change(counts.append)
        function()
        result.write_text(str(counts[-1]))

    assert Child(work, errors).wait() == 0, errors.read_text()
    return int(result.read_text())


def _die_at(number: int) -> None:
    _before_each_change(lambda count: os.kill(os.getpid(), signal.SIGKILL) if count == number else None)


def _before_each_change(call: Callable[[int], None]) -> None:
    """Call with the number of each change on disk that this process is about to make, from 1."""
    count = 0

    def hook(event: str, values: tuple[Any, ...]) -> None:
        nonlocal count
        writes = event == "open" and isinstance(values[2], int) and bool(values[2] & (os.O_WRONLY | os.O_RDWR))
        if writes or event in MUTATIONS:
            count += 1
            call(count)

    sys.addaudithook(hook)


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> bool:
    """Wait until a condition holds; return whether it does."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()

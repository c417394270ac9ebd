"""A lock on a directory that dies with the process that holds it."""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class DirectoryLock:
    """Lets one process at a time work in a directory. The operating system releases it when its holder dies.

    Args:
        directory: the directory; it is created where its parent exists. The lock is a file in it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._handle: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._handle is not None

    def acquire(self) -> bool:
        """Take the lock without waiting; return False if another process holds it.

        Raises:
            OSError: if the directory cannot be written to.
        """
        path = self._directory / "lock"
        while True:
            self._directory.mkdir(exist_ok=True)
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:
                continue  # its last holder removed the directory at this moment
            if not _try_lock(handle):
                os.close(handle)
                return False
            # Its last holder may have removed the file between our opening and locking it: then we hold nothing.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), path.stat()):
                    break
            os.close(handle)
        self._handle = handle
        if hasattr(os, "register_at_fork"):
            # A forked worker that outlives a killed parent must not hold the lock on.
            itself = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _release_in_child(itself))
        return True

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _try_lock(handle: int) -> bool:
    """Lock an open file without waiting; return False if another process holds it."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _release_in_child(reference: weakref.ref[DirectoryLock]) -> None:
    lock = reference()
    if lock is not None:
        lock.release()

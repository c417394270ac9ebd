"""A lock on a directory that dies with the process that holds it."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from pathlib import Path


class DirectoryLock:
    """Lets one process at a time work in a directory. The operating system releases it when its holder dies.

    The lock is a file in the directory, which is created if its parent exists.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = FileLock(directory / "lock", thread_local=False)

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._lock.is_locked

    def acquire(self) -> bool:
        """Take the lock without waiting; return False if another process holds it.

        Raises:
            OSError: if the directory is not writable, or its file system has no locks.
        """
        while True:
            self._directory.mkdir(exist_ok=True)
            try:
                self._lock.acquire(blocking=False)
            except FileNotFoundError:
                continue  # its last holder removed the directory at this moment
            except Timeout:
                return False
            except NotImplementedError as error:
                raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), str(self._directory)) from error
            return True

    def release(self) -> None:
        """Release the lock, if it is held."""
        self._lock.release()

"""Caches on disk: one folder per entry, named by its key, built elsewhere and moved into place.

The directory is `cache_dir`, `VAEAUG_CACHE_DIR` (both must be writable), the platform's cache directory, or else a
temporary folder. Entries stay below `VAEAUG_CACHE_GB` (default 10, 10^9 bytes each) together: the least recently used
are removed unless a process has them open.
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from platformdirs import user_cache_dir

from vaeaug.errors import InputError

try:
    import fcntl
except ImportError:  # Windows, which does not let open files be removed anyway
    fcntl = None  # type: ignore[assignment]  # the module is absent there

LOCK_NAME = "lock"
"""An empty file in each entry: held shared by whoever uses the entry; its time of change is when it was last used."""

_KEY = re.compile(r"[0-9a-f]{32}")
_BUILD_PREFIX = ".build-"
_STALE_SECONDS = 600.0


def cache_directory(cache_dir: Path | None) -> tuple[Path | None, bool]:
    """Return the cache directory, or None if there is no home, and whether the user named it."""
    named = cache_dir or _from_environment("VAEAUG_CACHE_DIR")
    if named is not None:
        return named, True
    path = Path(user_cache_dir("vaeaug", appauthor=False))
    return (path if path.is_absolute() else None), False  # "~" remains where the system knows no home


def writable_directory(cache_dir: Path | None) -> tuple[Path, bool]:
    """Return a directory to write caches to, and whether it is temporary."""
    directory, named = cache_directory(cache_dir)
    if directory is not None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=directory):
                return directory, False
        except OSError as error:
            if named:
                raise InputError(
                    f"cannot write to the cache directory {directory}: {error.strerror}; "
                    "set VAEAUG_CACHE_DIR to another"
                ) from error
    temporary = Path(tempfile.mkdtemp(prefix="vaeaug-cache-"))
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    return temporary, True


def size_limit() -> int:
    """Return the maximum size of all entries in bytes; raise InputError if `VAEAUG_CACHE_GB` is invalid."""
    text = os.environ.get("VAEAUG_CACHE_GB", "").strip() or "10"
    try:
        gigabytes = float(text)
    except ValueError:
        gigabytes = -1.0
    if not 0 < gigabytes < float("inf"):
        raise InputError(f"VAEAUG_CACHE_GB is {text!r}; set it to a number of gigabytes above 0, such as 10")
    return int(gigabytes * 1e9)


@contextmanager
def building(directory: Path) -> Iterator[Path]:
    """Yield an empty folder in the cache directory to build an entry in; it is removed afterwards."""
    folder = directory / f"{_BUILD_PREFIX}{secrets.token_hex(8)}"  # mkdtemp would make it readable by its owner alone
    folder.mkdir()
    lock = _lock(folder, create=True, exclusive=False)  # shared, so that it may be opened before this lock is given up
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            lock.close()


def publish(folder: Path, entry: Path) -> None:
    """Move a finished folder into place in one step; if another process was faster, its entry stays."""
    try:
        folder.rename(entry)
    except OSError:
        if not entry.is_dir():
            raise


def lock_entry(entry: Path) -> IO[bytes]:
    """Return an open file that protects an entry from removal, and mark it as used."""
    lock = _lock(entry, create=False, exclusive=False)
    if lock is None:
        raise FileNotFoundError(entry)
    with suppress(OSError):  # a cache that one may only read serves as well
        os.utime(entry / LOCK_NAME)
    return lock


def remove(entry: Path) -> bool:
    """Remove an entry unless a process has it open; return whether it was removed."""
    lock = _lock(entry, create=False, exclusive=True)
    if lock is None and (entry / LOCK_NAME).exists():
        return False
    trash = entry.with_name(f"{_BUILD_PREFIX}{entry.name}-{os.getpid()}")
    with suppress(OSError):
        entry.rename(trash)  # first out of sight, then away: nobody opens half an entry
        shutil.rmtree(trash, ignore_errors=True)
    if lock is not None:
        lock.close()
    return not entry.exists()


def evict(directory: Path, limit: int) -> None:
    """Remove abandoned builds, and the least recently used entries until all take at most `limit` bytes."""
    used = []
    for folder in directory.iterdir():
        with suppress(OSError):  # another process may remove it at the same time
            if folder.name.startswith(_BUILD_PREFIX) and time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                remove(folder)
            elif _KEY.fullmatch(folder.name):
                size = sum(file.stat().st_size for file in folder.iterdir())
                used.append(((folder / LOCK_NAME).stat().st_mtime_ns, size, folder))
    total = sum(size for _, size, _ in used)
    for _, size, folder in sorted(used):
        if total <= limit:
            return
        if remove(folder):
            total -= size


def _from_environment(name: str) -> Path | None:
    value = os.environ.get(name, "").strip()
    return Path(value).expanduser() if value else None


def _lock(folder: Path, *, create: bool, exclusive: bool) -> IO[bytes] | None:
    """Open and lock the lock file of an entry; None if it is missing or, for an exclusive lock, in use."""
    try:
        file = (folder / LOCK_NAME).open("wb" if create else "rb")
    except OSError:
        return None
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB if exclusive else fcntl.LOCK_SH)
        except OSError:  # in use, or a file system without locks
            if exclusive:
                file.close()
                return None
    return file

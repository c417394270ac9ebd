"""All or nothing: a directory is built beside its final place and moved there in one step.

`OUT` is built in `.OUT.partial` next to it (so that the move never copies):

    request.json   what was asked for; a resumed run must ask for the same
    content/       becomes OUT
    scratch/       checkpoints and the like, thrown away when OUT is published
    lock           held by the process that works here; the operating system lets go of it when that process dies

`request.json` is written first and removed first: a partial directory without it holds nothing worth keeping.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import shutil
import sys
import weakref
from typing import TYPE_CHECKING, Any, Self

from vaeaug.disk import plain_disk_errors, raise_plainly, refuse_overlap, write_atomic
from vaeaug.errors import DivergedError, InputError, VaeaugError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["Staging", "plain_disk_errors", "refuse_overlap", "refuse_taken", "write_atomic"]

_MISSING = object()


class Staging:
    """A directory under construction. Use it in a `with` statement, and call `publish` when all is there.

    Leaving the `with` block without `publish` keeps what was built for a later `resume=True`, unless nothing was built.

    Args:
        final: where the directory is to stand: nothing yet, or an empty directory. Missing parents are made.
        request: what is asked for, as JSON values; compared by value when work is taken up again.
        resume: go on where an earlier run stopped; with nothing to go on from, start afresh.

    Attributes:
        final: the absolute final place, symbolic links resolved.
        partial: `.NAME.partial`, next to it.
        content: becomes the final directory.
        scratch: kept while the work lasts, removed by `publish`.
        resumed: whether an earlier run's work is gone on with.

    Raises:
        InputError: the final place is taken or cannot be written to, another process works on it, or an unfinished run
            is there that was not to be resumed or asked for something else.
    """

    def __init__(self, final: Path, request: Mapping[str, Any], *, resume: bool) -> None:
        self.final = final.expanduser().resolve()
        self.partial = self.final.with_name(f".{self.final.name}.partial") if self.final.name else self.final
        self.content = self.partial / "content"
        self.scratch = self.partial / "scratch"
        self.resumed = False
        self._lock: int | None = None
        self._clear_after_publishing()
        refuse_taken(self.final)
        try:
            self.partial.mkdir(parents=True, exist_ok=True)
            self._acquire()
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(f"cannot write {self.final}: {reason}; choose a place you may write to") from error
        try:
            refuse_taken(self.final)  # it may have been published since the first look
            self._begin(json.loads(json.dumps(dict(request))), resume)
        except BaseException:
            self._release()
            raise

    def publish(self) -> Path:
        """Move `content` to its final place in one step, remove the rest, and return the final path.

        Raises:
            InputError: something was put at the final place meanwhile; what was built is kept.
        """
        _flush(self.content, whole=True)
        with plain_disk_errors(self.final):
            try:
                if sys.platform == "win32" and self.final.is_dir():
                    self.final.rmdir()  # an empty directory is replaced by rename only on POSIX
                self.content.replace(self.final)
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    message = f"{self.final} was filled meanwhile; move it away and run again with --resume"
                    raise InputError(message) from error
                raise
        _flush(self.final.parent, whole=False)
        self.discard()
        return self.final

    def discard(self) -> None:
        """Remove what was built."""
        (self.partial / "request.json").unlink(missing_ok=True)
        if sys.platform == "win32":
            self._release()  # an open file cannot be removed there
        shutil.rmtree(self.partial, ignore_errors=True)
        self._release()

    def close(self) -> None:
        """Let go of the lock; what was built stays for `resume`, but an empty construction site is removed."""
        if self._lock is None:
            return
        empty = [path for path in (self.content, self.scratch) if path.is_dir() and not any(path.iterdir())]
        if len(empty) == 2:
            self.discard()
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, DivergedError) or (isinstance(error, InputError) and not self.resumed):
            self.discard()  # with what mends it the request is another, so nobody could go on from here
        self.close()
        if isinstance(error, Exception) and not isinstance(error, VaeaugError):
            raise_plainly(error, self.final)

    def _clear_after_publishing(self) -> None:
        """Remove what a run left that was killed between publishing and tidying up; then OUT is complete.

        Raises:
            InputError: it is so: there is nothing left to do.
        """
        over = (self.partial / "request.json").exists() and not self.content.exists() and self.scratch.exists()
        if not over or not self.final.is_dir() or not any(self.final.iterdir()):
            return
        self._acquire()
        self.discard()
        raise InputError(f"{self.final} is complete: its run was over but for tidying up, which is done now")

    def _begin(self, request: dict[str, Any], resume: bool) -> None:
        """Take up the unfinished run, or start one."""
        mark = self.partial / "request.json"
        with plain_disk_errors(self.final):
            if mark.exists():
                if not resume:
                    raise InputError(
                        f"an unfinished run for {self.final} is there: add --resume to go on with it, "
                        f"or remove {self.partial} to start again"
                    )
                _refuse_other_request(_read_request(mark), request, self.partial)
                self.resumed = True
            else:
                shutil.rmtree(self.content, ignore_errors=True)
                shutil.rmtree(self.scratch, ignore_errors=True)
                write_atomic(mark, json.dumps(request, indent=2, sort_keys=True).encode())
            self.content.mkdir(exist_ok=True)
            self.scratch.mkdir(exist_ok=True)

    def _acquire(self) -> None:
        """Take the lock of the partial directory, or raise InputError."""
        path = self.partial / "lock"
        while True:
            self.partial.mkdir(exist_ok=True)
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:
                continue  # its last holder removed the directory at this moment
            if not _try_lock(handle):
                os.close(handle)
                raise InputError(f"another process is at work on {self.final}; wait for it or stop it")
            # Its last holder may have removed the file between our opening and locking it: then we hold nothing.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), path.stat()):
                    break
            os.close(handle)
        self._lock = handle
        if hasattr(os, "register_at_fork"):
            # A forked worker that outlives a killed parent must not hold the lock on.
            itself = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _release_in_child(itself))

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def refuse_taken(final: Path) -> None:
    """Refuse a place that is not free; `Staging` asks this too, but whoever works long before that asks first.

    Args:
        final: where a directory is to stand: nothing, or an empty directory that can be replaced.

    Raises:
        InputError: something is there.
    """
    try:
        if not final.name:
            raise InputError(f"{final} cannot be an output; name a new directory")
        if not final.exists():
            return
        if not final.is_dir():
            raise InputError(f"{final} is a file; name a new directory")
        if any(final.iterdir()):
            raise InputError(f"{final} is not empty; name a new directory, or remove this one")
        if os.path.ismount(final):
            raise InputError(f"{final} is a mount point and cannot be replaced; name a new directory in it")
    except OSError as error:
        raise InputError(f"cannot use {final}: {error.strerror or error}; name another directory") from error


def _read_request(mark: Path) -> dict[str, Any]:
    try:
        request = json.loads(mark.read_bytes())
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise InputError(f"{mark} is damaged; remove {mark.parent} and start again without --resume")
    return request


def _refuse_other_request(before: dict[str, Any], now: dict[str, Any], partial: Path) -> None:
    """Raise InputError that names the first option in which the two requests differ."""
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, _MISSING), now.get(name, _MISSING)
        if old != new:
            raise InputError(
                f"the unfinished run has {name} = {_shown(old)}, this one {_shown(new)}: "
                f"resume it with the same options, or remove {partial} to start again"
            )


def _shown(value: Any) -> str:
    return "nothing" if value is _MISSING else json.dumps(value, ensure_ascii=False)


def _try_lock(handle: int) -> bool:
    """Lock an open file without waiting; False if another holds it."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _release_in_child(reference: weakref.ref[Staging]) -> None:
    staging = reference()
    if staging is not None:
        staging._release()


def _flush(directory: Path, *, whole: bool) -> None:
    """Wait until the disk has a directory (or the whole file system it is on), so that a power cut loses nothing."""
    if sys.platform == "win32":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        syncfs = getattr(ctypes.CDLL(None), "syncfs", None) if whole else None  # Linux; Python does not wrap it
        if syncfs is None or syncfs(handle) != 0:
            os.fsync(handle)
    except OSError:
        pass  # some network file systems cannot; the move itself is still one step
    finally:
        os.close(handle)

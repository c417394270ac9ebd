"""All or nothing: a directory is built beside its final path and moved there when it is complete.

`OUT` is built in `.OUT.partial` next to it, or in a hidden directory inside it (`vaeaug.output`):

    request.json   the request; a resumed run must have the same; written first and removed first
    content/       becomes OUT
    scratch/       checkpoints and other temporary files
    lock           locked by the running process
    moving         exists while content is moved into an existing directory
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, Self

from vaeaug.disk import check_no_overlap, plain_disk_errors, raise_disk_error, write_atomic
from vaeaug.errors import DivergedError, InputError, VaeaugError
from vaeaug.finished import check_inputs, keep_request, read_finished
from vaeaug.lock import DirectoryLock
from vaeaug.output import MOVING, check_free, complete_move, move_content, work_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from vaeaug.progress import Progress

__all__ = ["Staging", "check_no_overlap", "check_output", "plain_disk_errors", "staged", "write_atomic"]

_MISSING = object()
_INPUTS = "input.json"


class Staging:
    """A directory under construction. Use it in a `with` statement, and call `publish` when it is complete.

    Leaving the `with` block without `publish` keeps the directory for a later `resume=True`, unless it is empty.

    Args:
        final: the output directory, which must be free; resolved. Missing parents are made.
        request: JSON values that determine the result; a resumed run must have the same.
        resume: continue an earlier run, if there is one. A finished run with the same request is opened as `finished`.
        record: file name of the command's record.

    Attributes:
        content: becomes the final directory.
        scratch: kept until `publish`.
        resumed: whether an earlier run is continued.
        finished: the record of the finished run; None if there is work to do.
    """

    def __init__(self, final: Path, request: Mapping[str, Any], *, resume: bool, record: str = "vaeaug.json") -> None:
        self.final = final.expanduser().resolve()
        self.partial = work_directory(self.final)
        self.content = self.partial / "content"
        self.scratch = self.partial / "scratch"
        self.resumed = False
        self.finished: Mapping[str, Any] | None = None
        self._complete = False
        self._lock = DirectoryLock(self.partial)
        self._request, self._record = request, record
        try:
            check_output(self.final)
        except InputError:
            self.finished = read_finished(self.final / record, request) if resume else None
            if self.finished is None:
                raise
            self.resumed = True
            return
        try:
            self.partial.mkdir(parents=True, exist_ok=True)
            _acquire(self._lock, self.final)
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(f"cannot write {self.final}: {reason}; choose a place you may write to") from error
        try:
            check_free(self.final)  # it may have been published since the first look
            self._begin(json.loads(json.dumps(dict(request))), resume)
        except BaseException:
            self._lock.release()
            raise

    def publish(self) -> Path:
        """Move `content` to its final path, remove the rest, and return the final path."""
        self._complete = True
        with plain_disk_errors(self.final):
            keep_request(self.content / self._record, self._request, self._inputs())
        _flush(self.content, whole=True)
        with plain_disk_errors(self.final):
            move_content(self.content, self.final)
        _flush(self.final, whole=False)
        _flush(self.final.parent, whole=False)
        self.discard()
        return self.final

    def check_unchanged(self, **fingerprints: str) -> None:
        """Raise InputError if an input is not the same as when the run began, by its fingerprint."""
        if self.finished is not None:
            check_inputs(self.final, self.finished, fingerprints)
            return
        before = self._inputs()
        for name, fingerprint in fingerprints.items():
            if before.get(name, fingerprint) != fingerprint:
                has = "have" if name.endswith("images") else "has"
                raise InputError(
                    f"the {name} {has} changed since the run was interrupted; remove {self.partial} to start again"
                )
        write_atomic(self.scratch / _INPUTS, json.dumps(before | fingerprints).encode())

    def finished_record(self, progress: Progress, **fingerprints: str) -> Mapping[str, Any] | None:
        """Return the record of a finished run with the same request, after a message about it; otherwise None."""
        if fingerprints:
            self.check_unchanged(**fingerprints)
        if self.finished is not None:
            progress.say(f"{self.final} is complete already, so there is nothing to resume")
        return self.finished

    def _inputs(self) -> dict[str, str]:
        path = self.scratch / _INPUTS
        inputs: dict[str, str] = json.loads(path.read_bytes()) if path.exists() else {}
        return inputs

    def discard(self) -> None:
        """Remove what was built."""
        _remove(self.partial, self._lock)

    def close(self) -> None:
        """Let go of the lock; what was built stays for `resume`, but an empty construction site is removed."""
        if not self._lock.held:
            return
        empty = [path for path in (self.content, self.scratch) if path.is_dir() and not any(path.iterdir())]
        if len(empty) == 2:
            self.discard()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        bad_request = isinstance(error, InputError) and not self.resumed and not self._complete
        if isinstance(error, DivergedError) or bad_request:
            self.discard()  # the corrected request differs, so no run could resume this one
        self.close()
        if isinstance(error, Exception) and not isinstance(error, VaeaugError):
            raise_disk_error(error, self.final)

    def _begin(self, request: dict[str, Any], resume: bool) -> None:
        request_file = self.partial / "request.json"
        with plain_disk_errors(self.final):
            if request_file.exists():
                if not resume:
                    raise InputError(
                        f"{self.final} has an unfinished run: add --resume to continue it, "
                        f"or remove {self.partial} to start again"
                    )
                _check_request(_read_request(request_file), request, self.partial)
                self.resumed = True
            else:
                shutil.rmtree(self.content, ignore_errors=True)
                shutil.rmtree(self.scratch, ignore_errors=True)
                write_atomic(request_file, json.dumps(request, indent=2, sort_keys=True).encode())
            self.content.mkdir(exist_ok=True)
            self.scratch.mkdir(exist_ok=True)


def check_output(final: Path) -> None:
    """Check that an output directory is free, and complete it if its run was killed while it published."""
    final = final.expanduser().resolve()
    partial = work_directory(final)
    content, lock = partial / "content", DirectoryLock(partial)
    if (partial / "request.json").exists() and (partial / "scratch").exists():
        moved = not content.exists() and final.is_dir() and any(final.iterdir())
        if moved or (partial / MOVING).exists():
            _acquire(lock, final)
            try:
                with plain_disk_errors(final):
                    complete_move(content, final)
                _remove(partial, lock)
            finally:
                lock.release()
            raise InputError(f"{final} is complete: only temporary files of its run were left, which are now removed")
    check_free(final)


@contextlib.contextmanager
def staged(final: Path) -> Iterator[Path]:
    """Yield a directory to build in at once, for work too short to be resumed; if it fails, nothing is left."""
    with Staging(final, {"command": "short"}, resume=True) as staging:
        try:
            shutil.rmtree(staging.content)  # what a killed run left
            staging.content.mkdir()
            yield staging.content
            staging.publish()
        except OSError as error:
            staging.discard()
            reason = error.strerror or str(error)
            message = f"cannot write {final}: {reason}; free some space or choose another place; nothing was written"
            raise VaeaugError(message) from error
        except BaseException:
            staging.discard()
            raise


def _acquire(lock: DirectoryLock, final: Path) -> None:
    if not lock.acquire():
        raise InputError(f"another process is writing {final}; wait for it or stop it")


def _remove(partial: Path, lock: DirectoryLock) -> None:
    """Remove a work directory; its request goes first, without which the rest counts as nothing."""
    (partial / "request.json").unlink(missing_ok=True)
    if sys.platform == "win32":
        lock.release()  # an open file cannot be removed there
    shutil.rmtree(partial, ignore_errors=True)
    lock.release()


def _read_request(request_file: Path) -> dict[str, Any]:
    try:
        request = json.loads(request_file.read_bytes())
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise InputError(f"{request_file} is damaged; remove {request_file.parent} and start again without --resume")
    return request


def _check_request(before: dict[str, Any], now: dict[str, Any], partial: Path) -> None:
    """Raise an InputError that names the first option in which the two requests differ, if they do."""
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, _MISSING), now.get(name, _MISSING)
        if old != new:
            raise InputError(
                f"the unfinished run has {name} = {_shown(old)}, this one {_shown(new)}: "
                f"resume it with the same options, or remove {partial} to start again"
            )


def _shown(value: Any) -> str:
    return "nothing" if value is _MISSING else json.dumps(value, ensure_ascii=False)


def _flush(directory: Path, *, whole: bool) -> None:
    """Wait until the disk has a directory (or the whole file system it is on), so that a power cut loses nothing."""
    if sys.platform == "win32":
        return
    try:
        handle = os.open(directory, os.O_RDONLY)
    except OSError:
        return  # a parent that may be written to and not read
    try:
        syncfs = getattr(ctypes.CDLL(None), "syncfs", None) if whole else None  # Linux; Python does not wrap it
        if syncfs is None or syncfs(handle) != 0:
            os.fsync(handle)
    except OSError:
        pass  # some network file systems cannot; the move itself is still one step
    finally:
        os.close(handle)

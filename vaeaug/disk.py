"""Writing files: completely or not at all, never over the user's data, and with errors a user can act on."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from typing import TYPE_CHECKING

from vaeaug.errors import InputError, VaeaugError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def check_no_overlap(data: Path, out: Path) -> None:
    """Check that an output directory and the data do not contain each other: user data is never written to.

    Args:
        data: an existing directory or file that is read.
        out: the directory to be written; it need not exist.

    Raises:
        InputError: they overlap (symbolic links are resolved, and letter case is treated as the file system does).
    """
    data, out = data.expanduser().resolve(), out.expanduser().resolve()
    for inner, outer, sentence in ((out, data, "is inside"), (data, out, "contains")):
        if any(_same(path, outer) for path in (inner, *inner.parents)):
            relation = "is" if _same(data, out) else sentence
            raise InputError(f"the output {out} {relation} the input {data}; choose an output outside it")


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Write a file completely or not at all: yield the temporary file that replaces `path` at the end of the block.

    The temporary name depends on `path` only, so that a write interrupted and done again leaves nothing behind.

    Args:
        path: the file; its directory exists.

    Raises:
        OSError: if the disk is full, or the place cannot be written to. The temporary file is removed.
    """
    temporary = temporary_name(path)
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_atomic(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write `data` to a file completely or not at all; see `atomic`.

    Args:
        path: the file; its directory exists.
        durable: also wait until the disk has it. This is slow, and needless for one of many files that can be made
            again.
    """
    with atomic(path) as temporary, temporary.open("wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def temporary_name(path: Path) -> Path:
    """Return the hidden directory next to `path` in which its content is built; its name is short."""
    digest = hashlib.blake2b(os.fsencode(path.name), digest_size=8).hexdigest()
    return path.with_name(f".{digest}.tmp")


@contextlib.contextmanager
def plain_disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk and missing permission into one line that names the remedy.

    Args:
        path: what is being written, as the user knows it.

    Raises:
        VaeaugError: instead of the operating system's error.
    """
    try:
        yield
    except VaeaugError:
        raise
    except Exception as error:
        raise_disk_error(error, path)
        raise


def raise_disk_error(error: Exception, path: Path) -> None:
    """Raise a VaeaugError for an error of the disk; return for any other."""
    code = error.errno if isinstance(error, OSError) else None
    # Libraries written in other languages report a full disk in their own exception classes.
    if code in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in str(error):
        message = f"the disk is full while writing {path}; free space and add --resume; nothing is lost"
        raise VaeaugError(message) from error
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        blocked = getattr(error, "filename", None) or path
        raise VaeaugError(f"no permission for {blocked}; grant it and add --resume; nothing is lost") from error


def _same(one: Path, other: Path) -> bool:
    if one == other:
        return True
    try:
        return one.samefile(other)
    except OSError:
        return False

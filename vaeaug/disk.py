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
    """Check that an output directory and the data do not contain each other.

    Raises:
        InputError: if they overlap, with symbolic links resolved and letter case as in the file system.
    """
    data, out = data.expanduser().resolve(), out.expanduser().resolve()
    for inner, outer, sentence in ((out, data, "is inside"), (data, out, "contains")):
        if any(_same(path, outer) for path in (inner, *inner.parents)):
            relation = "is" if _same(data, out) else sentence
            raise InputError(f"the output {out} {relation} the input {data}; choose an output outside it")


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Write a file completely or not at all: yield the temporary file that replaces `path` at the end of the block.

    The temporary name depends only on `path`, so that a repeated write leaves nothing behind.

    Raises:
        OSError: if the disk is full or the path is not writable. The temporary file is removed.
    """
    temporary = temporary_name(path)
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_atomic(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file completely or not at all. `durable` also waits until the disk has it, which is slow."""
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
    """Turn disk-full and permission errors into a VaeaugError: one line that names the remedy."""
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

"""The output directory: which paths may be used, where it is built, and how finished content is moved into it.

A new path is created by one rename. An existing empty directory is kept, because it may be the working directory of a
shell or a mount point; content is moved into it entry by entry. A marker file lets the next run complete a move that
was killed.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from vaeaug.disk import write_atomic
from vaeaug.errors import InputError

INSIDE = ".vaeaug.partial"
"""Name of the work directory inside an existing output directory, if it cannot be next to it."""

MOVING = "moving"
"""File in the work directory that exists while its content is moved."""


def work_directory(final: Path) -> Path:
    """Return the directory to build in: `.NAME.partial` next to `final`, or a hidden directory inside it.

    It is inside if a rename from next to it would fail: `final` is a mount point or on another file system, or its
    parent is not writable. `final` must be resolved.
    """
    beside, inside = final.with_name(f".{final.name}.partial") if final.name else final, final / INSIDE
    if inside.is_dir():
        return inside
    if beside.is_dir() or not final.is_dir():
        return beside
    try:
        same = final.stat().st_dev == final.parent.stat().st_dev and not os.path.ismount(final)
    except OSError:
        same = False
    return beside if same and os.access(final.parent, os.W_OK | os.X_OK) else inside


def check_free(final: Path) -> None:
    """Check that an output directory does not exist yet or is empty.

    Raises:
        InputError: if it is a file, contains anything, or cannot be read.
    """
    try:
        if not final.name:
            raise InputError(f"{final} is the root of a file system and cannot be an output; name a new directory")
        if not final.exists():
            return
        if not final.is_dir():
            raise InputError(f"{final} is a file; name a new directory")
        found = next(
            (name for name in sorted(path.name for path in final.iterdir()) if name not in _ignored_names(final)), None
        )
    except OSError as error:
        raise InputError(f"cannot use {final}: {error.strerror or error}; name another directory") from error
    if found is not None:
        raise InputError(f"{final} is not empty (it contains {found}); name a new or an empty directory")


def move_content(content: Path, final: Path) -> None:
    """Move finished content to the output directory; if that fails, everything is moved back.

    Raises:
        InputError: if another process put something there.
        OSError: if the disk is full or a permission is missing.
    """
    if not final.exists():
        try:
            content.rename(final)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise _not_empty_error(final) from error
            raise
        return
    try:
        check_free(final)
    except InputError as error:
        raise _not_empty_error(final) from error
    write_atomic(content.parent / MOVING, b"")
    moved: list[Path] = []
    try:
        _move(content, final, moved)
        content.rmdir()
    except BaseException:
        for path in reversed(moved):
            path.rename(content / path.name)
        (content.parent / MOVING).unlink()
        raise


def complete_move(content: Path, final: Path) -> None:
    """Complete the move of content that was killed.

    Raises:
        InputError: if another process put something there; the rest is kept.
    """
    if content.is_dir():
        _move(content, final, [])
        content.rmdir()


def _move(content: Path, final: Path, moved: list[Path]) -> None:
    """Move entries and add each to `moved`. JSON records come last: a directory that has one is complete."""
    for entry in sorted(content.iterdir(), key=lambda path: (path.is_file(), path.suffix == ".json", path.name)):
        target = final / entry.name
        if os.path.lexists(target):  # a rename would replace a file without a word
            raise _not_empty_error(final)
        entry.rename(target)
        moved.append(target)


def _not_empty_error(final: Path) -> InputError:
    return InputError(
        f"another process wrote into {final} during the run; move its content away and run the same command again with "
        "--resume"
    )


def _ignored_names(final: Path) -> set[str]:
    """Return the names that are ignored: the work directory, and files that a file system keeps at its root."""
    return {INSIDE, "lost+found"} if os.path.ismount(final) else {INSIDE}

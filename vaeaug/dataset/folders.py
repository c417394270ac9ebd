"""List folders as a dataset reader must: in a fixed order, past hidden files, and never in circles."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from vaeaug.dataset.formats import is_image_name
from vaeaug.errors import InputError

_LITTER = frozenset({"__MACOSX", "@eaDir"})
"""Folders that archivers and file servers leave behind; names with a leading dot are passed over as well."""


def subfolders(folder: Path) -> list[Path]:
    """Return the visible folders directly in `folder`, sorted by name; a symbolic link to a folder counts.

    Raises:
        InputError: the folder cannot be listed.
    """
    return [folder / entry.name for entry in _entries(folder) if _is_folder(entry)]


def images_directly_in(folder: Path) -> list[Path]:
    """Return the images that lie in `folder` itself, sorted by name.

    Raises:
        InputError: the folder cannot be listed.
    """
    return [folder / entry.name for entry in _entries(folder) if is_image_name(entry.name) and _is_file(entry)]


def images_below(folder: Path, *, inside: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield every image in `folder` and in the folders below it.

    Symbolic links are followed. Each real folder is entered once a call, so that a link to a parent does not
    go round in circles and a folder linked twice does not count twice.

    Args:
        folder: where to start.
        inside: folders above `folder`, which a link must not lead back into.

    Yields:
        Paths below `folder`, in no promised order.

    Raises:
        InputError: a folder cannot be listed.
    """
    seen = {_identity(parent) for parent in inside}
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        identity = _identity(current)
        if identity in seen:
            continue
        seen.add(identity)
        for entry in _entries(current):
            if _is_folder(entry):
                waiting.append(current / entry.name)
            elif is_image_name(entry.name) and _is_file(entry):
                yield current / entry.name


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return the visible entries of a folder, sorted by name."""
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".") and entry.name not in _LITTER]
    except OSError as error:
        raise InputError(f"cannot list {folder}: {error.strerror}; mend its permissions or move it away") from error
    return sorted(visible, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Say whether an entry is a file, or a broken link (which is to be reported); a pipe would never end."""
    try:
        return entry.is_file() or entry.is_symlink()
    except OSError:
        return True


def _identity(folder: Path) -> tuple[int, int]:
    """Return what tells a folder from all others, whatever path led to it."""
    try:
        status = folder.stat()
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror}; mend its permissions or move it away") from error
    if not stat.S_ISDIR(status.st_mode):
        raise InputError(f"{folder} is not a folder any more; run the command again")
    return status.st_dev, status.st_ino

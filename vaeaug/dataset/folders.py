"""List folders in a fixed order, without hidden files and cycles."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from vaeaug.dataset.formats import is_image_name
from vaeaug.errors import InputError

_LITTER = frozenset({"__MACOSX", "@eaDir", "Thumbs.db", "ehthumbs.db", "desktop.ini", "Icon\r"})
"""What archivers, file servers and file managers leave behind; names with a leading dot are skipped as well."""


def images_below(folder: Path, *, inside: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield every image in a folder and below it, in any order, following symbolic links.

    Each real folder is entered once. Links must not lead back into the folders `inside`.
    """
    seen = {identity_of(parent) for parent in inside}
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        identity = identity_of(current)
        if identity in seen:
            continue
        seen.add(identity)
        for entry in visible_entries(current):
            if is_folder(entry):
                waiting.append(current / entry.name)
            elif is_image_name(entry.name) and is_file(entry):
                yield current / entry.name


def visible_entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return the entries of a folder that are not hidden and not litter, sorted by name."""
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".") and entry.name not in _LITTER]
    except OSError as error:
        raise InputError(f"cannot list {folder}: {error.strerror}; fix its permissions or move it elsewhere") from error
    return sorted(visible, key=lambda entry: entry.name)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a file or a broken link (which is reported); a pipe would block."""
    try:
        return entry.is_file() or entry.is_symlink()
    except OSError:
        return True


def identity_of(folder: Path) -> tuple[int, int]:
    """Return the device and inode of a folder; raise InputError if it cannot be read."""
    try:
        status = folder.stat()
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror}; fix its permissions or move it elsewhere") from error
    if not stat.S_ISDIR(status.st_mode):
        raise InputError(f"{folder} is no longer a folder; run the command again")
    return status.st_dev, status.st_ino

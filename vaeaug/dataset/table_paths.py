"""Match the paths in a table to the files of a dataset, whoever wrote the table and on whatever system."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

from vaeaug.dataset.folder_kinds import is_generic

_DRIVE = re.compile(r"[A-Za-z]:(?=/)")


class PathMatcher:
    """Finds the image that a path in a table means.

    A path means the image whose name ends with it, folder by folder; if there are several, the one relative to the
    table. Compared are, in this order and only where that leaves one image: the names as they are; their composed
    Unicode form (NFC); without letter case; without the suffix of the file (`abc` means `abc.jpg`).

    Args:
        names: the images of the dataset, relative to it, with forward slashes.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        self._indices: list[tuple[Callable[[str], str], dict[str, list[str]]]] = []
        for form in (_composed, _caseless, _stem):
            index: defaultdict[str, list[str]] = defaultdict(list)
            for name in sorted(self.names):
                index[posixpath.basename(form(name))].append(name)
            self._indices.append((form, index))

    def find(self, path: str, folder: str = "") -> list[str]:
        """Return the images that a path may mean: one if it is clear, none, or several.

        Args:
            path: as `normalized` returns it.
            folder: of the table, relative to the dataset.
        """
        beside = posixpath.normpath(posixpath.join(folder, path))
        if beside in self.names:
            return [beside]
        for form, index in self._indices:
            wanted = (form if form is not _stem else _caseless)(path)
            near = (form if form is not _stem else _caseless)(beside)
            found = [name for name in index.get(posixpath.basename(wanted), ()) if _ends_with(form(name), wanted)]
            exact = [name for name in found if form(name) == near]
            if len(exact) == 1 or found:
                return exact if len(exact) == 1 else found
        return []

    def common_prefix(self, paths: Sequence[str], root: str, folder: str = "") -> int:
        """Return how many leading folders all paths of a table have that the dataset does not: 0 in most tables.

        Absolute paths and paths that begin with the dataset's own folder, or with folders such as `data`, have some.

        Args:
            paths: all paths of the table, as `normalized` returns them.
            root: the path of the dataset.
            folder: of the table, relative to the dataset.
        """
        absolute = all(path.startswith("/") for path in paths)
        parts = [PurePosixPath(path.lstrip("/")).parts for path in paths]
        shared = 0
        while parts and all(len(row) > shared + 1 and row[shared] == parts[0][shared] for row in parts):
            shared += 1
        own = set(PurePosixPath(root).parts)
        for cut in range(shared + 1):
            known = all(part in own or is_generic(part) for part in parts[0][:cut]) if parts else True
            if (absolute or known) and any(self.find("/".join(row[cut:]), folder) for row in parts[:50]):
                return cut
        return 0


def normalized(path: str) -> str:
    r"""Return a path of any system with forward slashes and without drive, `.` and empty parts; `..` stays.

    >>> normalized("C:\\data\\cat\\1.png"), normalized("./cat//1.png")
    ('/data/cat/1.png', 'cat/1.png')
    """
    text = _DRIVE.sub("", path.strip().replace("\\", "/"))
    start = "/" if text.startswith("/") else ""
    return start + "/".join(part for part in text.split("/") if part not in ("", "."))


def _ends_with(name: str, path: str) -> bool:
    return name == path or name.endswith(f"/{path}")


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _caseless(name: str) -> str:
    return _composed(name).casefold()


def _stem(name: str) -> str:
    return posixpath.splitext(_caseless(name))[0]

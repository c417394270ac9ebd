"""Match the paths in a table, from any system, to the files of a dataset."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

from vaeaug.dataset.folder_kinds import is_generic

Form = Callable[[str], str]

_DRIVE = re.compile(r"[A-Za-z]:(?=/)")


class PathMatcher:
    """Finds the image that a path in a table means, among names relative to the dataset.

    These are the images whose names end with the path, folder by folder; of several, the one relative to the table.
    Names are compared as they are, then in composed Unicode form (NFC), then without letter case, then without the
    suffix of the file (`abc` means `abc.jpg`).
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        self._indices: dict[Form, dict[str, list[str]]] = {}

    def find(self, path: str, folder: str = "") -> list[str]:
        """Return the images that a normalized path may mean: one, none, or several. `folder` is that of the table."""
        beside = posixpath.normpath(posixpath.join(folder, path))
        if beside in self.names:
            return [beside]
        for form, of_path in ((_composed, _composed), (_caseless, _caseless), (_stem, _caseless)):
            target, near = of_path(path), of_path(beside)
            found = [name for name in self._index(form).get(_last(target), ()) if _ends_with(form(name), target)]
            exact = [name for name in found if form(name) == near]
            if found:
                return exact if len(exact) == 1 else found
        return []

    def _index(self, form: Form) -> dict[str, list[str]]:
        if form not in self._indices:
            index: defaultdict[str, list[str]] = defaultdict(list)
            for name in sorted(self.names):
                index[_last(form(name))].append(name)
            self._indices[form] = index
        return self._indices[form]

    def common_prefix(self, paths: Sequence[str], root: str, folder: str = "") -> int:
        """Return the number of leading folders that all paths of a table have and the dataset does not; usually 0.

        For absolute paths, and paths that begin with the dataset's own folder or with folders such as `data`.
        """
        absolute = all(path.startswith("/") for path in paths)
        parts = [path.lstrip("/").split("/") for path in paths]
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


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _ends_with(name: str, path: str) -> bool:
    return name == path or name.endswith(f"/{path}")


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _caseless(name: str) -> str:
    return _composed(name).casefold()


def _stem(name: str) -> str:
    return posixpath.splitext(_caseless(name))[0]

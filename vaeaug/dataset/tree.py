"""The folders and file names of a dataset, listed once and kept in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vaeaug.dataset.folders import identity_of, is_file, is_folder, visible_entries
from vaeaug.dataset.formats import is_image_name
from vaeaug.dataset.splits import split_named


@dataclass(frozen=True, slots=True, eq=False)
class Folder:
    """A folder with everything visible in it; `count` is the number of images in it and below."""

    path: Path
    images: tuple[str, ...]
    others: tuple[str, ...]
    folders: tuple[Folder, ...]
    count: int

    @property
    def name(self) -> str:
        """Return the name of the folder, also where the path is `.`."""
        return self.path.name or self.path.resolve().name

    @property
    def image_folders(self) -> tuple[Folder, ...]:
        """Return the folders directly in it that contain images at any depth."""
        return tuple(folder for folder in self.folders if folder.count)

    def walk(self) -> Iterator[Folder]:
        """Yield this folder and all folders below it, parents first."""
        waiting = [self]
        while waiting:
            folder = waiting.pop()
            yield folder
            waiting += reversed(folder.folders)

    def image_paths(self) -> Iterator[Path]:
        """Yield every image in this folder and below it."""
        for folder in self.walk():
            for name in folder.images:
                yield folder.path / name

    def image_names(self) -> Iterator[str]:
        """Yield the path of every image in this folder and below it, relative to it, with forward slashes."""
        waiting = [("", self)]
        while waiting:
            prefix, folder = waiting.pop()
            for name in folder.images:
                yield prefix + name
            waiting += [(f"{prefix}{child.name}/", child) for child in reversed(folder.folders)]

    def other_paths(self) -> Iterator[Path]:
        """Yield every file in this folder and below it that is not an image."""
        for folder in self.walk():
            for name in folder.others:
                yield folder.path / name

    def child(self, name: str) -> Folder | None:
        """Return the folder of this name directly in it, or None."""
        return next((folder for folder in self.folders if folder.name == name), None)

    def filter(self, predicate: Callable[[Path], bool]) -> Folder:
        """Return a copy with the images for which `predicate` is true, without folders that lose all their images."""
        built: dict[Path, Folder] = {}
        for folder in reversed(list(self.walk())):  # children before their parents
            images = tuple(name for name in folder.images if predicate(folder.path / name))
            left = [(child, built.pop(child.path)) for child in folder.folders]
            folders = tuple(kept for child, kept in left if kept.count or not child.count)
            built[folder.path] = _folder(folder.path, images, folder.others, folders)
        return built[self.path]

    def without(self, *folders: Folder) -> Folder:
        """Return a copy without some of the folders directly in it."""
        removed = {folder.path for folder in folders}
        return _folder(
            self.path, self.images, self.others, tuple(folder for folder in self.folders if folder.path not in removed)
        )


def read_tree(root: Path) -> Folder:
    """List a dataset, following symbolic links; raise InputError if a folder cannot be listed.

    Within each class folder a real folder is entered once, real folders before links.
    """
    top = _Node(root, None)
    nodes: list[_Node] = []
    real, links = deque([top]), deque[_Node]()
    while real or links:
        node = (real or links).popleft()
        if not node.enter():
            continue
        if node.parent is not None:
            node.parent.folders.append(node)
        nodes.append(node)
        for entry in visible_entries(node.path):
            if is_folder(entry):
                child = _Node(node.path / entry.name, node)
                (links if entry.is_symlink() else real).append(child)
            elif is_image_name(entry.name) and is_file(entry):
                node.images.append(entry.name)
            elif is_file(entry):
                node.others.append(entry.name)
    built: dict[Path, Folder] = {}
    for node in reversed(nodes):  # children before their parents
        folders = tuple(built.pop(child.path) for child in sorted(node.folders, key=lambda child: child.path.name))
        built[node.path] = _folder(node.path, tuple(node.images), tuple(node.others), folders)
    return built[root]


def _folder(path: Path, images: tuple[str, ...], others: tuple[str, ...], folders: tuple[Folder, ...]) -> Folder:
    return Folder(path, images, others, folders, len(images) + sum(folder.count for folder in folders))


class _Node:
    """A folder while the tree is being listed."""

    def __init__(self, path: Path, parent: _Node | None) -> None:
        self.path, self.parent = path, parent
        self.images: list[str] = []
        self.others: list[str] = []
        self.folders: list[_Node] = []
        self.identity = identity_of(path)
        self.seen: set[tuple[int, int]] = set()

    def enter(self) -> bool:
        """Return whether the folder is new within its class folder, and note that it was entered."""
        if self.parent is None:
            self.seen = {self.identity}
            return True
        above = self.parent
        top = above.parent is None
        # Each class folder remembers its own: DATA/<class>, or DATA/<split>/<class>.
        of_split = above.parent is not None and above.parent.parent is None and split_named(above.path.name) is not None
        self.seen = _ancestors(above) if top or of_split else above.seen
        if self.identity in self.seen:
            return False
        self.seen.add(self.identity)
        return True


def _ancestors(node: _Node | None) -> set[tuple[int, int]]:
    identities = set()
    while node is not None:
        identities.add(node.identity)
        node = node.parent
    return identities

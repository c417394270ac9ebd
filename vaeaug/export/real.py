"""The real images in an output directory: copied or rewritten under their own names, never opened for writing.

Readers disagree about folders below a class folder, so there are none: an image's path is `OUT/<split>/<class>/<name>`,
where `<name>` is its path below the class folder joined by hyphens. Where two images would have one name, or a name
looks like that of a synthetic image, the later one by `file_name` gets a suffix: `1-2.png`, or
`synthetic-cat-00000-real.png`. Synthetic images of earlier runs keep their names and go into the training split.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import shutil
import sys
from collections import defaultdict
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from vaeaug.dataset.index import REAL, SYNTHETIC
from vaeaug.dataset.opening import UnreadableImageError, read_file
from vaeaug.disk import atomic, write_atomic
from vaeaug.errors import InputError, VaeaugError
from vaeaug.export.encoding import is_complete
from vaeaug.export.layout import (
    collision_key,
    cut_name,
    folder_name,
    is_synthetic_name,
    make_class_folders,
    synthetic_number,
)
from vaeaug.export.normalize import CopyRule, rewritten
from vaeaug.export.pool import run_bounded

if sys.platform == "linux":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from vaeaug.dataset.index import ImageFile, Layout, Provenance

Link = Literal["copy", "hard"]

_FICLONE = 0x40049409
"""ioctl of btrfs, XFS, bcachefs: share the blocks of another file until one of the two is changed."""

_BATCH = 64
"""Files a task; one by one, handing them to a thread would cost as much as copying them."""


@dataclass(frozen=True, slots=True)
class RealImage:
    """An image of DATA and its path in the output.

    Attributes:
        source: path in DATA (POSIX, relative).
        file_name: path in OUT (POSIX, relative).
        rule: how its copy is written; None if it is copied byte for byte.
    """

    path: Path
    source: str
    file_name: str
    split: str
    label: str
    rule: CopyRule | None = None
    provenance: Provenance | None = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why its copy is rewritten (`normalize.REASONS`); empty if its bytes are kept."""
        return () if self.rule is None or self.rule.exact else self.rule.reasons

    @property
    def synthetic(self) -> bool:
        """Whether an earlier run made it, or a part of it."""
        return self.provenance is not None and self.provenance.synthetic != REAL


def place_real(
    files: Iterable[ImageFile], layout: Layout, rules: Mapping[str, CopyRule] | None = None
) -> tuple[RealImage, ...]:
    """Return a unique output path for every real image, sorted by name; it depends only on names and new suffixes."""
    ordered = sorted((_in_its_split(file) for file in files), key=lambda file: file.file_name)
    rules = rules or {}
    folders: defaultdict[tuple[str, str], _Folder] = defaultdict(_Folder)
    names: dict[int, str] = {}
    # Images that keep their names come first, so that no made-up name takes one of theirs.
    for number, file in enumerate(ordered):
        stem, suffix, own = _name_below_class(file, layout, rules.get(file.file_name))
        if own and not _looks_synthetic(file, stem + suffix) and folders[file.split, file.label].take(stem + suffix):
            names[number] = stem + suffix
    for number, file in enumerate(ordered):
        if number not in names:
            stem, suffix, _ = _name_below_class(file, layout, rules.get(file.file_name))
            stem += "-real" if _looks_synthetic(file, stem + suffix) else ""
            names[number] = folders[file.split, file.label].invent(stem, suffix)
    return tuple(
        RealImage(
            file.path,
            file.file_name,
            _join(file.split, file.label, names[number]),
            file.split,
            file.label,
            rules.get(file.file_name),
            file.provenance,
        )
        for number, file in enumerate(ordered)
    )


def copy_real(
    images: Sequence[RealImage],
    out: Path,
    *,
    link: Link = "copy",
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Copy or rewrite the real images; existing files are left unchanged.

    Copies share blocks with the originals where the file system supports it (reflinks), and keep the modification time.

    Args:
        link: `hard` makes hard links where files are not rewritten; editing one file then edits both.
        progress: called with (done, total) from time to time.
    """
    for split in dict.fromkeys(image.split for image in images):
        make_class_folders(out / split, dict.fromkeys(image.label for image in images if image.split == split))
    copy = _hard_link if link == "hard" else _copy

    def copy_batch(batch: Sequence[RealImage]) -> int:
        for image in batch:
            target = out / PurePosixPath(image.file_name)
            try:
                if image.rule is not None and image.reasons:
                    _rewrite(image.path, target, image.rule)
                else:
                    copy(image.path, target)
            except FileNotFoundError as error:
                if image.path.exists():
                    raise
                raise VaeaugError(f"{image.path} has disappeared; put it back and add --resume") from error
        return len(batch)

    done = 0
    batches = (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))
    with contextlib.closing(run_bounded(copy_batch, batches, threads)) as numbers:
        for number in numbers:
            done += number
            if progress is not None:
                progress(done, len(images))


def first_numbers(images: Iterable[RealImage]) -> dict[str, int]:
    """Return class -> first number unused by copied synthetic images; the same number would draw the same sample."""
    first: dict[str, int] = {}
    for image in images:
        provenance = image.provenance
        if provenance is None or not image.synthetic:
            continue
        number_in_name = synthetic_number(image.label, PurePosixPath(image.file_name).name)
        number_in_provenance = (
            int(provenance.index) if provenance.index.isascii() and provenance.index.isdigit() else -1
        )
        following = 1 + max(number_in_provenance, -1 if number_in_name is None else number_in_name)
        first[image.label] = max(following, first.get(image.label, 0))
    return first


class _Folder:
    """The names given in one class folder so far."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._keys: set[str] = set()

    def take(self, name: str) -> bool:
        """Give an image its own name; False if another has it."""
        if name in self._names:
            return False
        self._names.add(name)
        self._keys.add(collision_key(name))
        return True

    def invent(self, stem: str, suffix: str) -> str:
        name = cut_name(stem, suffix)
        numbers = count(2)
        while collision_key(name) in self._keys:
            name = cut_name(stem, f"-{next(numbers)}{suffix}")
        self.take(name)
        return name


def _name_below_class(file: ImageFile, layout: Layout, rule: CopyRule | None) -> tuple[str, str, bool]:
    """Return stem and suffix of an image's name in a class folder without folders, and whether it is its own name."""
    parts = PurePosixPath(file.file_name).parts
    parts = parts[file.wrappers :]
    below = {"folders": parts[1:], "splits": parts[2:], "metadata": parts[-1:]}[layout]
    joined = PurePosixPath("-".join(below))
    if rule is not None and rule.suffix is not None:
        return joined.stem, rule.suffix, False
    return joined.stem, joined.suffix, len(below) == 1


def _in_its_split(file: ImageFile) -> ImageFile:
    return dataclasses.replace(file, split="train") if file.split == SYNTHETIC else file


def _looks_synthetic(file: ImageFile, name: str) -> bool:
    return file.split == "train" and not file.synthetic and is_synthetic_name(file.label, name)


def _join(split: str, label: str, name: str) -> str:
    return f"{split}/{folder_name(label)}/{name}"


def _rewrite(source: Path, target: Path, rule: CopyRule) -> None:
    """Write a rewritten copy in one step, with the original's modification time, unless it is there already."""
    status = source.stat()
    if target.exists() and _same_time(target.stat(), status) and is_complete(target):
        return
    try:
        data = rewritten(read_file(source), rule)
    except UnreadableImageError as error:
        raise VaeaugError(f"{source} has changed: {error}; put it back and add --resume") from error
    write_atomic(target, data, durable=False)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _same_time(one: os.stat_result, other: os.stat_result) -> bool:
    """Return whether two files were changed at the same time; some file systems keep times to two seconds only."""
    return abs(one.st_mtime_ns - other.st_mtime_ns) <= 2_000_000_000


def _copy(source: Path, target: Path) -> None:
    """Copy a file in one step, with its modification time, unless the same is there already."""
    status = source.stat()
    if target.exists():
        existing = target.stat()
        if existing.st_size == status.st_size and _same_time(existing, status):
            return
    with atomic(target) as temporary:
        if not _reflink(source, temporary):
            shutil.copyfile(source, temporary)
        os.utime(temporary, ns=(status.st_atime_ns, status.st_mtime_ns))


def _reflink(source: Path, target: Path) -> bool:
    """Make `target` share the blocks of `source`; False if the file system cannot."""
    if sys.platform != "linux":
        return False
    with source.open("rb") as reading, target.open("wb") as writing:
        try:
            fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            return False
    return True


def _hard_link(source: Path, target: Path) -> None:
    real = source.resolve()  # a link to a symbolic link would break when the dataset is moved
    try:
        if target.exists():
            if target.samefile(real):
                return
            target.unlink()
        target.hardlink_to(real)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.EINVAL):
            raise InputError(
                f"{real} cannot be hard-linked into {target.parent}: {error.strerror}; leave out --link hard"
            ) from error
        raise

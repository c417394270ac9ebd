"""The real images in an output directory: copied under their own names, never opened for writing.

Readers disagree about folders below a class folder (torchvision takes the class from the uppermost folder, timm from
the innermost one, Hugging Face `datasets` then drops all labels), so there are none: an image lies at
`OUT/<split>/<class>/<name>`, where `<name>` is its own name, or its path below the class folder joined by hyphens
(`cat/a/1.png` is `cat/a-1.png`).
Where two images would get one name, or where a name is of the form that synthetic images have, the later one by
`file_name` gets a suffix: `1-2.png`, or `synthetic-cat-00000-real.png`. `manifest.csv` says where each comes from.
Synthetic images of earlier runs are copied like real ones, keep their names and go into the training split.
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
from vaeaug.disk import temporary_name
from vaeaug.errors import InputError, VaeaugError
from vaeaug.export.layout import collision_key, cut_name, folder_name, is_synthetic_name, make_class_folders
from vaeaug.export.pool import run_bounded

if sys.platform == "linux":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from vaeaug.dataset.index import ImageFile, Layout, Provenance

Link = Literal["copy", "hard"]

_FICLONE = 0x40049409
"""ioctl of btrfs, XFS, bcachefs: share the blocks of another file until one of the two is changed."""

_BATCH = 64
"""Files a task; one by one, handing them to a thread would cost as much as copying them."""


@dataclass(frozen=True, slots=True)
class RealImage:
    """An image of DATA and its place in the output.

    Attributes:
        path: the file to be copied.
        source: its name in DATA (POSIX, relative).
        file_name: its name in OUT (POSIX, relative).
        split: `train`, `val` or `test`.
        label: its class.
        provenance: where it comes from, if an earlier run of vaeaug wrote or copied it.
    """

    path: Path
    source: str
    file_name: str
    split: str
    label: str
    provenance: Provenance | None = None

    @property
    def synthetic(self) -> bool:
        """Whether an earlier run made it, or a part of it."""
        return self.provenance is not None and self.provenance.synthetic != REAL


def place_real(files: Iterable[ImageFile], layout: Layout) -> tuple[RealImage, ...]:
    """Give every real image its place in the output; a function of the names alone.

    Args:
        files: the images to be copied (`DatasetIndex.files`, without those that are skipped).
        layout: how DATA is laid out (`DatasetIndex.layout`).

    Returns:
        One a file, sorted by `file_name` in DATA; no two have the same place.
    """
    ordered = sorted((_in_its_split(file) for file in files), key=lambda file: file.file_name)
    folders: defaultdict[tuple[str, str], _Folder] = defaultdict(_Folder)
    names: dict[int, str] = {}
    # Images that keep their names come first, so that no made-up name takes one of theirs.
    for number, file in enumerate(ordered):
        stem, suffix, own = _name_below_class(file, layout)
        if own and not _is_reserved(file, stem + suffix) and folders[file.split, file.label].take(stem + suffix):
            names[number] = stem + suffix
    for number, file in enumerate(ordered):
        if number not in names:
            stem, suffix, _ = _name_below_class(file, layout)
            stem += "-real" if _is_reserved(file, stem + suffix) else ""
            names[number] = folders[file.split, file.label].invent(stem, suffix)
    return tuple(
        RealImage(
            file.path,
            file.file_name,
            _join(file.split, file.label, names[number]),
            file.split,
            file.label,
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
    """Copy the real images to their places; those that are there already are left alone.

    A copy shares its blocks with the original where the file system can (a reflink), and keeps its modification time.

    Args:
        images: what `place_real` returns.
        out: OUT, or the directory that becomes OUT.
        link: "hard" makes hard links instead of copies: no space is taken, but whoever edits one edits both.
        threads: how many copy at once; by default one a CPU core.
        progress: called with (done, total) now and then.

    Raises:
        InputError: hard links are not possible between the two places.
        VaeaugError: an image has disappeared.
        OSError: the disk is full, or a file cannot be read.
    """
    for split in dict.fromkeys(image.split for image in images):
        make_class_folders(out / split, dict.fromkeys(image.label for image in images if image.split == split))
    place = _hard_link if link == "hard" else _copy

    def place_all(batch: Sequence[RealImage]) -> int:
        for image in batch:
            try:
                place(image.path, out / PurePosixPath(image.file_name))
            except FileNotFoundError as error:
                if image.path.exists():
                    raise
                raise VaeaugError(f"{image.path} has disappeared; put it back and add --resume") from error
        return len(batch)

    done = 0
    batches = (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))
    with contextlib.closing(run_bounded(place_all, batches, threads)) as numbers:
        for number in numbers:
            done += number
            if progress is not None:
                progress(done, len(images))


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
        """Give an image the first free name that no file system takes for another one's, and return it."""
        name = cut_name(stem, suffix)
        numbers = count(2)
        while collision_key(name) in self._keys:
            name = cut_name(stem, f"-{next(numbers)}{suffix}")
        self.take(name)
        return name


def _name_below_class(file: ImageFile, layout: Layout) -> tuple[str, str, bool]:
    """Return stem and suffix of an image's name in a class folder without folders, and whether it is its own name."""
    parts = PurePosixPath(file.file_name).parts
    below = {"folders": parts[1:], "splits": parts[2:], "metadata": parts[-1:]}[layout]
    joined = PurePosixPath("-".join(below))
    return joined.stem, joined.suffix, len(below) == 1


def _in_its_split(file: ImageFile) -> ImageFile:
    """Return a file with the split whose folder it goes into."""
    return dataclasses.replace(file, split="train") if file.split == SYNTHETIC else file


def _is_reserved(file: ImageFile, name: str) -> bool:
    """Tell whether a real image has a name that a synthetic one may have."""
    return file.split == "train" and not file.synthetic and is_synthetic_name(file.label, name)


def _join(split: str, label: str, name: str) -> str:
    return f"{split}/{folder_name(label)}/{name}"


def _copy(source: Path, target: Path) -> None:
    """Copy a file in one step, with its modification time, unless the same is there already."""
    status = source.stat()
    if target.exists():
        there = target.stat()
        # Some file systems keep times to two seconds only.
        if there.st_size == status.st_size and abs(there.st_mtime_ns - status.st_mtime_ns) <= 2_000_000_000:
            return
    temporary = temporary_name(target)
    try:
        if not _reflink(source, temporary):
            shutil.copyfile(source, temporary)
        os.utime(temporary, ns=(status.st_atime_ns, status.st_mtime_ns))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _reflink(source: Path, target: Path) -> bool:
    """Make `target` share the blocks of `source`; False where the file system cannot."""
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
    """Make `target` another name of the same file."""
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

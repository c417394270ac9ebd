"""What is in the files of a dataset, read once before they are decoded: content hashes and provenance marks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from vaeaug.dataset.decode import UnreadableImageError, read_file
from vaeaug.dataset.index import DatasetIndex, ImageFile
from vaeaug.dataset.mark import Mark, read_mark
from vaeaug.dataset.parallel import thread_pool, windows


@dataclass(frozen=True, slots=True)
class Contents:
    """The content hashes and marks of files, by `file_name`; the hash of an unreadable file is empty."""

    digests: Mapping[str, str]
    marks: Mapping[str, Mark]


def content_digest(data: bytes) -> str:
    """Return the hash of a file's content, 32 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def read_contents(index: DatasetIndex, *, workers: int | None = None) -> Contents:
    """Read every file of a dataset once."""
    digests: dict[str, str] = {}
    marks: dict[str, Mark] = {}
    with thread_pool(workers) as pool:
        for window in windows(pool, _read, index.files):
            for name, digest, mark in window:
                digests[name] = digest
                if mark is not None:
                    marks[name] = mark
    return Contents(digests, marks)


def _read(file: ImageFile) -> tuple[str, str, Mark | None]:
    try:
        data = read_file(file.path)
    except UnreadableImageError:
        return file.file_name, "", None
    return file.file_name, content_digest(data), read_mark(data)

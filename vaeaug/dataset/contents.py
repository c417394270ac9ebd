"""The contents of a dataset's files, read once before they are decoded: hashes, and provenance."""

from __future__ import annotations

import dataclasses
import hashlib

from vaeaug.dataset.decode import UnreadableImageError, read_file
from vaeaug.dataset.earlier_output import find_output
from vaeaug.dataset.index import DatasetIndex, ImageFile
from vaeaug.dataset.mark import Mark, read_mark
from vaeaug.dataset.parallel import thread_pool, windows
from vaeaug.dataset.provenance import with_provenance


def content_digest(data: bytes) -> str:
    """Return the hash of a file's content, 32 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def read_contents(index: DatasetIndex, *, workers: int | None = None) -> DatasetIndex:
    """Read every file of a dataset once, and return the dataset with the hash and the provenance of each file."""
    with thread_pool(workers) as pool:
        read = [result for window in windows(pool, _read, index.files) for result in window]
    files = tuple(file for file, _ in read)
    marks = {file.file_name: mark for file, mark in read if mark is not None}
    return with_provenance(dataclasses.replace(index, files=files), find_output(index.root), marks)


def _read(file: ImageFile) -> tuple[ImageFile, Mark | None]:
    try:
        data = read_file(file.path)
    except UnreadableImageError:
        return dataclasses.replace(file, digest=""), None
    return dataclasses.replace(file, digest=content_digest(data)), read_mark(data)

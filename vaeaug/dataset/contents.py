"""Read the files of a dataset in threads: once for their hashes and provenance, then to decode them."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar

from vaeaug.cpus import thread_count
from vaeaug.dataset.decode import UnreadableImageError, read_file
from vaeaug.dataset.index import DatasetIndex, ImageFile
from vaeaug.dataset.mark import Mark, read_mark
from vaeaug.dataset.provenance import with_provenance

T = TypeVar("T")
R = TypeVar("R")

WINDOW = 512
"""Results held at a time."""

_BATCH = 16  # items a task: a future costs as much as decoding a small image


def content_digest(data: bytes) -> str:
    """Return the hash of a file's content, 32 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def read_contents(index: DatasetIndex, *, workers: int | None = None) -> DatasetIndex:
    """Read every file of a dataset once, and return the dataset with the hash and the provenance of each file."""
    with thread_pool(workers) as pool:
        read = [result for window in windows(pool, _read, index.files) for result in window]
    files = tuple(file for file, _ in read)
    marks = {file.file_name: mark for file, mark in read if mark is not None}
    return with_provenance(dataclasses.replace(index, files=files), marks)


def _read(file: ImageFile) -> tuple[ImageFile, Mark | None]:
    try:
        data = read_file(file.path)
    except UnreadableImageError:
        return dataclasses.replace(file, digest=""), None
    return dataclasses.replace(file, digest=content_digest(data)), read_mark(data)


def thread_pool(workers: int | None) -> ThreadPoolExecutor:
    """Return threads for decoding; Pillow and hashlib give up the interpreter lock while they work."""
    return ThreadPoolExecutor(thread_count(workers), thread_name_prefix="vaeaug-decode")


def windows(pool: Executor, function: Callable[[T], R], items: Sequence[T]) -> Iterator[list[R]]:
    """Yield lists of results in order, `WINDOW` at a time, whatever the number of threads."""
    for start in range(0, len(items), WINDOW):
        window = items[start : start + WINDOW]
        batches = [window[i : i + _BATCH] for i in range(0, len(window), _BATCH)]
        tasks = [pool.submit(lambda batch: [function(item) for item in batch], batch) for batch in batches]
        yield [result for task in tasks for result in task.result()]

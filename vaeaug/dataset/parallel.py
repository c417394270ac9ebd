"""Map a function over many files with threads, in order and with bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar

from vaeaug.cpus import thread_count

T = TypeVar("T")
R = TypeVar("R")

WINDOW = 512
"""Results held at a time."""

_BATCH = 16  # items a task: a future costs as much as decoding a small image


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

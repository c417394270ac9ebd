"""Work in threads with a bounded queue: it overlaps with the producer of the items, and memory does not grow."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from vaeaug.cpus import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

T = TypeVar("T")
R = TypeVar("R")


def run_bounded(function: Callable[[T], R], items: Iterable[T], threads: int | None = None) -> Generator[R, None, None]:
    """Yield `function(item)` for every item, in order, computed in threads.

    Items are taken in the calling thread, at most two per thread ahead of the next result. An exception ends the work:
    waiting items are dropped, running ones are finished, and it is raised in the caller. A caller that may leave early
    must close the generator (`contextlib.closing`).
    """
    count = thread_count(threads or None)
    waiting: deque[Future[R]] = deque()
    executor = ThreadPoolExecutor(count, thread_name_prefix="vaeaug-export")
    try:
        for item in items:
            waiting.append(executor.submit(function, item))
            if len(waiting) > 2 * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)

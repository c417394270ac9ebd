"""Threads take no more than a few items ahead, and no exception is lost."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest

from vaeaug.export.pool import run_bounded


def test_results_come_in_order() -> None:
    def slow_if_even(item: int) -> int:
        time.sleep(0.002 if item % 2 == 0 else 0)
        return item * item

    assert list(run_bounded(slow_if_even, range(20), threads=4)) == [item * item for item in range(20)]


def test_no_more_than_two_items_a_thread_are_taken_ahead() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while taken < 100:
            taken += 1
            yield taken

    with contextlib.closing(run_bounded(lambda item: item, items(), threads=3)) as results:
        for done, _ in enumerate(results):
            assert taken <= done + 7


def test_the_producer_works_while_the_threads_do() -> None:
    during_production = threading.Event()

    def items() -> Iterator[int]:
        yield 0
        assert during_production.wait(5), "the first item was not worked on while the second was being made"
        yield 1

    def work(item: int) -> int:
        during_production.set()
        return item

    assert list(run_bounded(work, items(), threads=1)) == [0, 1]


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_an_error_in_a_thread_reaches_the_caller_and_ends_the_work(error: BaseException) -> None:
    begun = []

    def work(item: int) -> None:
        begun.append(item)
        if item == 3:
            raise error

    with pytest.raises(type(error)):
        list(run_bounded(work, range(1000), threads=2))
    assert len(begun) < 12
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("vaeaug-export")]


def test_an_error_of_the_producer_or_the_consumer_ends_the_work() -> None:
    def items() -> Iterator[int]:
        yield 0
        raise RuntimeError("no more samples")

    with pytest.raises(RuntimeError, match="no more samples"):
        list(run_bounded(lambda item: item, items(), threads=2))

    def consume() -> None:
        with contextlib.closing(run_bounded(lambda item: item, range(100), threads=2)) as results:
            for _ in results:
                raise ValueError("bar")

    with pytest.raises(ValueError, match="bar"):
        consume()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("vaeaug-export")]

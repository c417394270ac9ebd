"""Worker processes that have imported torch already, and are otherwise as clean as spawned ones."""

from __future__ import annotations

import multiprocessing

import pytest

TASKS = ("evaluate.classifier_task", "train.training_task", "score.score_task")
"""What workers run, below `vaeaug.workflows`; it is imported with all that it needs."""


def use(patch: pytest.MonkeyPatch) -> None:
    """Fork processes that would be spawned from one that has imported `TASKS` and done nothing else.

    A spawned process takes four seconds of CPU time for these imports. Here too a worker gets its task through
    a pipe, and has no object, plugin or random state of its parent. The tests of the engine and of an interrupted
    training spawn theirs.
    """
    start = multiprocessing.get_context
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    warm = start("forkserver")
    warm.set_forkserver_preload([f"vaeaug.workflows.{task}" for task in TASKS])
    patch.setattr(multiprocessing, "get_context", lambda method=None: warm if method == "spawn" else start(method))

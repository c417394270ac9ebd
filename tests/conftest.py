"""What all tests share: one thread, a cache of their own, and no plugins but the installed ones."""

from __future__ import annotations

import itertools
import os
import time

import pytest
import warm_start

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"  # before torch is imported: two spinning threads are slower than one on a busy machine
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the user's image cache and plugin settings out of the tests."""
    os.environ["VAEAUG_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    for name in ("VAEAUG_PLUGINS_DIR", "VAEAUG_BLOCK_PLUGINS", "VAEAUG_STRICT"):
        os.environ.pop(name, None)


@pytest.fixture
def warm_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start worker processes without the seconds that importing torch takes (`warm_start.use`)."""
    warm_start.use(monkeypatch)


@pytest.fixture
def counted_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which each look takes 10 ms: a time budget is as many steps on a slow machine as on a fast one."""
    looks = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: next(looks) / 100)

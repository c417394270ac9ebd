"""What all tests share: one thread, a cache of their own, and no plugins but the installed ones."""

from __future__ import annotations

import os

import pytest

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"  # before torch is imported: two spinning threads are slower than one on a busy machine
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the user's image cache and plugin settings out of the tests."""
    os.environ["VAEAUG_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    for name in ("VAEAUG_PLUGINS_DIR", "VAEAUG_BLOCK_PLUGINS", "VAEAUG_STRICT"):
        os.environ.pop(name, None)

"""The dataset of two classes and the model of it that most tests of whole runs read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.two_classes(tmp_path_factory)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.model(tmp_path_factory)


@pytest.fixture
def untouched(data: Path, model: Path) -> Iterator[None]:
    """What is read is never written to: not a byte, not a time."""
    before = tiny_data.state(data), tiny_data.state(model)
    yield
    assert (tiny_data.state(data), tiny_data.state(model)) == before

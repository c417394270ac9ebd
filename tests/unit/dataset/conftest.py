"""The dataset that most tests of the cache read."""

import pytest
from dataset_files import class_folder


@pytest.fixture
def data(tmp_path):
    root = tmp_path / "data"
    class_folder(root / "train" / "cat", 4)
    class_folder(root / "train" / "dog", 3, start=10)
    class_folder(root / "test" / "dog", 2, start=20)
    class_folder(root / "test" / "eel", 1, start=30)
    return root

"""The dataset that most tests of the cache read, and a spy on what is decoded."""

import pytest
from dataset_files import class_folder

import vaeaug.dataset.build


@pytest.fixture
def data(tmp_path):
    root = tmp_path / "data"
    class_folder(root / "train" / "cat", 4)
    class_folder(root / "train" / "dog", 3, start=10)
    class_folder(root / "test" / "dog", 2, start=20)
    class_folder(root / "test" / "eel", 1, start=30)
    return root


@pytest.fixture
def decoded_files(monkeypatch):
    """The file names that are decoded while the test runs."""
    names = []
    real = vaeaug.dataset.build._decode_one

    def spy(file, *rest):
        names.append(file.file_name)
        return real(file, *rest)

    monkeypatch.setattr(vaeaug.dataset.build, "_decode_one", spy)
    return names

"""A model from elsewhere may name code that its loss imports: it is not imported without consent."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_data

import vaeaug
from vaeaug.errors import InputError
from vaeaug.workflows.score import score


@pytest.fixture
def model(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained with `perceptual`, and whose file was then made to name other code."""
    options = {"network": "feature_networks:tiny", "side": 8}
    settings = {**tiny_data.QUICK, "loss": "perceptual", "loss_options": options}
    vaeaug.train(tiny_data.two_classes(tmp_path_factory), tmp_path / "model", **settings)
    record = json.loads((tmp_path / "model/model.json").read_text())
    record["loss"]["options"]["network"] = "evil_module:run"
    (tmp_path / "model/model.json").write_text(json.dumps(record))
    (tmp_path / "evil_module.py").write_text("from pathlib import Path\nPath(__file__).with_name('ran').touch()\n")
    return tmp_path / "model"


def test_it_is_imported_only_with_consent(
    model: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    data = tiny_data.two_classes(tmp_path_factory)
    with pytest.raises(
        InputError, match=r"option network names code to import and call: evil_module:run.*--allow-imports"
    ):
        score(model, data, tmp_path / "out")
    opened = vaeaug.load(model)
    with pytest.raises(InputError, match="allow_imports=True"):
        opened.score(np.zeros((1, 8, 8, 1), np.uint8))
    opened.sample("ant", 1)  # it decodes without the network
    assert "evil_module" not in sys.modules
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="cannot be built"):  # there is no `run` in it
        score(model, data, tmp_path / "out", allow_imports=True)
    assert (tmp_path / "ran").exists()


def test_with_consent_it_is_scored(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    options = {"network": "feature_networks:tiny", "side": 8}
    settings = {**tiny_data.QUICK, "loss": "perceptual", "loss_options": options}
    data = tiny_data.two_classes(tmp_path_factory)
    vaeaug.train(data, tmp_path / "model", **settings)
    assert score(tmp_path / "model", data, tmp_path / "out", allow_imports=True).images == 21

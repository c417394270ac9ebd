"""A model from elsewhere may name code that its loss imports: it is not imported without consent."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import short_runs
import tiny_data
from PIL import Image

import vaeaug
from vaeaug.errors import InputError, VaeaugError


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
    flat, mask = tmp_path / "flat", tmp_path / "mask.png"
    flat.mkdir()
    for number in range(2):
        tiny_data.image("ant", number).save(flat / f"{number}.png")
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(mask)
    opened = vaeaug.load(model)
    uses: list[Callable[[], object]] = [
        lambda: vaeaug.score(model, data, tmp_path / "out"),
        lambda: vaeaug.inpaint(model, flat, tmp_path / "out", masks=mask, method="gibbs"),
        lambda: vaeaug.encode(model, flat, tmp_path / "out", encode_as="inferred"),
        lambda: vaeaug.interpolate(model, flat / "0.png", flat / "1.png", tmp_path / "out"),
        lambda: opened.score(np.zeros((1, 8, 8, 1), np.uint8)),
        lambda: opened.inpaint(np.zeros((1, 8, 8), np.uint8), np.ones((1, 8, 8), bool), method="gibbs"),
    ]
    message = r"option network names code to import and call: evil_module:run.*--allow-imports \(allow_imports=True\)"
    for use in uses:
        with pytest.raises(InputError, match=message):
            use()
    opened.sample("ant", 1)  # it decodes without the network
    opened.encode(np.zeros((1, 8, 8, 1), np.uint8))
    vaeaug.traverse(model, tmp_path / "latents")
    assert "evil_module" not in sys.modules
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="cannot be built"):  # there is no `run` in it
        vaeaug.score(model, data, tmp_path / "out", allow_imports=True)
    assert (tmp_path / "ran").exists()


def test_evaluate_trains_with_it_only_with_consent(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are no test images, the model is trained anew, as the record of the synthetic images says."""
    options = {"network": "feature_networks:tiny", "side": 8}
    real = tiny_data.write_dataset(tmp_path / "real", {"ant": 6, "bee": 6})
    settings = {**tiny_data.UNFILTERED, "loss": "perceptual", "loss_options": options, "per_class": 4}
    vaeaug.augment(real, tmp_path / "extended", **settings)
    record = json.loads((tmp_path / "extended/vaeaug.json").read_text())
    record["model"]["loss"]["options"]["network"] = "evil_twin:run"
    (tmp_path / "extended/vaeaug.json").write_text(json.dumps(record))
    (tmp_path / "evil_twin.py").write_text("from pathlib import Path\nPath(__file__).with_name('ran').touch()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    quick = {"steps": 2, "seeds": 2, "workers": 1, "flip": "no", "classical": "full", "arms": "real,synthetic"}
    message = r"extended was made with 'perceptual', whose option network names code .*evil_twin:run.*--allow-imports"
    with pytest.raises(InputError, match=message):
        vaeaug.evaluate(real, tmp_path / "extended", **quick)
    assert not (tmp_path / "ran").exists()
    with pytest.raises(InputError, match="cannot be built"):  # there is no `run` in it
        vaeaug.evaluate(real, tmp_path / "extended", **quick, allow_imports=True)
    assert (tmp_path / "ran").exists()


def test_augment_evaluates_with_the_code_that_its_user_named_and_not_with_that_of_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_runs.evaluation(monkeypatch, **short_runs.FEW)
    options = {"network": "feature_networks:tiny", "side": 8}
    real = tiny_data.write_dataset(tmp_path / "real", {"ant": 4, "bee": 4})
    own = {**tiny_data.UNFILTERED, "loss": "perceptual", "loss_options": options, "per_class": 2, "evaluate": True}
    assert vaeaug.augment(real, tmp_path / "own", **own).verdict
    vaeaug.train(real, tmp_path / "model", **{**tiny_data.QUICK, "loss": "perceptual", "loss_options": options})
    given = {**tiny_data.UNFILTERED, "model": tmp_path / "model", "per_class": 2, "evaluate": True}
    with pytest.raises(VaeaugError, match=r"images were made, .*names code .*feature_networks:tiny") as error:
        vaeaug.augment(real, tmp_path / "given", **given)
    assert error.value.exit_code == 2


def test_with_consent_it_is_scored(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    options = {"network": "feature_networks:tiny", "side": 8}
    settings = {**tiny_data.QUICK, "loss": "perceptual", "loss_options": options}
    data = tiny_data.two_classes(tmp_path_factory)
    vaeaug.train(data, tmp_path / "model", **settings)
    assert vaeaug.score(tmp_path / "model", data, tmp_path / "out", allow_imports=True).images == 21
    opened = vaeaug.load(tmp_path / "model", allow_imports=True)
    assert np.isfinite(opened.score(np.zeros((1, 8, 8, 1), np.uint8))["reconstruction_error"]).all()

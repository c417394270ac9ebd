"""`vaeaug train --inpainting`: one file more in the model, and everything else as without it."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_data
from tiny_data import QUICK

import vaeaug
from vaeaug.errors import InputError
from vaeaug.inpainting import train_partial as trainer
from vaeaug.inpainting.partial_encoder import FILE, load_partial


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "STEPS", 8)


@pytest.mark.parametrize("scope", ["per-class", "shared"])
def test_the_model_is_the_same_but_for_the_partial_encoder(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, scope: str
) -> None:
    data = tiny_data.two_classes(tmp_path_factory)
    made = vaeaug.train(data, tmp_path / "model", scope=scope, inpainting=True, **QUICK)
    files, plain = tiny_data.files(tmp_path / "model"), tiny_data.files(tiny_data.model(tmp_path_factory, scope))
    assert files.keys() - plain.keys() == {FILE}
    assert {name: files[name] for name in plain} == plain  # the fingerprint in model.json among them
    assert load_partial(made.stored) is not None


def test_augment_knows_no_such_option(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tiny_data.two_classes(tmp_path_factory)
    with pytest.raises(InputError, match="takes no 'inpainting'"):
        vaeaug.augment(data, tmp_path / "out", inpainting=True, **QUICK)


def test_a_resumed_training_ends_the_same(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vaeaug.workflows.inpaint import partial

    data = tiny_data.two_classes(tmp_path_factory)
    settings = {**QUICK, "scope": "shared", "inpainting": True}
    vaeaug.train(data, tmp_path / "whole", **settings)
    with monkeypatch.context() as patched:
        patched.setattr(partial, "save_partial", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            vaeaug.train(data, tmp_path / "model", **settings)
    with pytest.raises(InputError, match="the unfinished run has inpainting = true"):
        vaeaug.train(data, tmp_path / "model", resume=True, **{**settings, "inpainting": False})
    vaeaug.train(data, tmp_path / "model", resume=True, **settings)
    assert tiny_data.files(tmp_path / "model") == tiny_data.files(tmp_path / "whole")

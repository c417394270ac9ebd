"""`vaeaug train --inpainting`: one file more in the model, and everything else as without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny_data
from tiny_data import QUICK

import vaeaug
from vaeaug.errors import InputError
from vaeaug.inpainting import train_encoder as trainer
from vaeaug.inpainting.encoder_store import FILE, load_inpainting_encoder


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "STEPS", 8)


@pytest.mark.parametrize("scope", ["per-class", "shared"])
def test_the_model_is_the_same_but_for_the_partial_encoder(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, scope: str
) -> None:
    data = tiny_data.two_classes(tmp_path_factory)
    made = vaeaug.train(data, tmp_path / "model", scope=scope, inpainting=True, **QUICK)
    models = (tmp_path / "model", tiny_data.model(tmp_path_factory, scope))
    files, plain = map(tiny_data.files, models)
    assert files.keys() - plain.keys() == {FILE}
    assert {name for name in plain if files[name] != plain[name]} == {"model.json"}
    records = [json.loads((model / "model.json").read_text()) for model in models]
    asked = [record.pop("resume")["request"] for record in records]
    assert records[0] == records[1]  # the fingerprint among them
    assert asked[0] == {**asked[1], "inpainting": True}
    assert load_inpainting_encoder(made.stored) is not None


def test_augment_knows_no_such_option(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tiny_data.two_classes(tmp_path_factory)
    with pytest.raises(InputError, match="has no option 'inpainting'"):
        vaeaug.augment(data, tmp_path / "out", inpainting=True, **QUICK)


def test_a_resumed_training_ends_the_same(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vaeaug.workflows.inpaint import inpainting_encoder as partial

    data = tiny_data.two_classes(tmp_path_factory)
    settings = {**QUICK, "scope": "shared", "inpainting": True}
    vaeaug.train(data, tmp_path / "whole", **settings)
    with monkeypatch.context() as patched:
        patched.setattr(partial, "save_inpainting_encoder", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            vaeaug.train(data, tmp_path / "model", **settings)
    with pytest.raises(InputError, match="the unfinished run has inpainting = true"):
        vaeaug.train(data, tmp_path / "model", resume=True, **{**settings, "inpainting": False})
    vaeaug.train(data, tmp_path / "model", resume=True, **settings)
    assert tiny_data.files(tmp_path / "model") == tiny_data.files(tmp_path / "whole")


@pytest.mark.usefixtures("counted_clock")
@pytest.mark.parametrize("budget", [None, 20])
def test_a_time_budget_bounds_the_partial_encoder_too(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, budget: float | None
) -> None:
    from vaeaug.workflows.inpaint import inpainting_encoder as partial

    limits: list[float | None] = []
    monkeypatch.setattr(partial, "_train", lambda *values: limits.append(values[-1]))
    monkeypatch.setattr(partial, "save_inpainting_encoder", lambda *_: None)
    length = {"steps": 3} if budget is None else {"time_budget": budget, "patience": 0}
    settings = {**QUICK, "scope": "shared", "inpainting": True, "steps": None, **length}
    vaeaug.train(tiny_data.two_classes(tmp_path_factory), tmp_path / "model", **settings)
    (limit,) = limits
    if budget is None:
        assert limit is None
    else:
        assert limit is not None
        assert 0 < limit <= budget
        record = json.loads((tmp_path / "model/model.json").read_text())
        trained = float(record["metrics"]["stopped"].removeprefix("the time budget of ").partition(" s is")[0])
        assert trained <= 0.7 * budget  # the rest is for the partial encoder


def test_the_clock_ends_the_training_of_a_partial_encoder(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = vaeaug.load(tiny_data.model(tmp_path_factory, "shared")).stored
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 1.0
        return now

    monkeypatch.setattr(trainer.time, "monotonic", clock)
    shown: list[float] = []
    trainer.train_inpainting_encoder(
        stored, None, None, steps=100_000, seconds=30.0, report=lambda tick: shown.append(tick.done)
    )
    assert now < 45  # a few looks at the clock a step, and one when all is done
    assert shown[-1] == 1

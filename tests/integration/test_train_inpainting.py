"""`vaeaug train --inpainting`: one file more in the model, and everything else as without it."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
import short_runs
import tiny_data
import torch
from machine_faults import interrupt, on_disk
from tiny_data import QUICK

import vaeaug
from vaeaug.dataset.image_cache import validation_split
from vaeaug.errors import InputError
from vaeaug.inpainting.blend_fitting import fit_blend_weights
from vaeaug.inpainting.encoder_store import FILE, load_inpainting_encoder
from vaeaug.inpainting.train_encoder import BATCH, STEPS, train_inpainting_encoder
from vaeaug.models.pixel_gaussians import load_pixel_gaussians
from vaeaug.progress import Progress, Tick
from vaeaug.workflows.image_data import read_for_model
from vaeaug.workflows.inpaint.inpainting_encoder import inpainting_encoder


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    short_runs.inpainting_encoder(monkeypatch)


@pytest.mark.usefixtures("_short")
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


@pytest.mark.usefixtures("_short")
def test_a_resumed_training_ends_the_same(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tiny_data.two_classes(tmp_path_factory)
    settings = {**QUICK, "scope": "shared", "inpainting": True}
    vaeaug.train(data, tmp_path / "whole", **settings)
    with on_disk("rename", f"*/{FILE}", interrupt()), pytest.raises(KeyboardInterrupt):
        vaeaug.train(data, tmp_path / "model", **settings)
    with pytest.raises(InputError, match="the unfinished run has inpainting = true"):
        vaeaug.train(data, tmp_path / "model", resume=True, **{**settings, "inpainting": False})
    vaeaug.train(data, tmp_path / "model", resume=True, **settings)
    assert tiny_data.files(tmp_path / "model") == tiny_data.files(tmp_path / "whole")


class Trained(Progress):
    """Counts the images that the inpainting encoder is trained on."""

    stage_name, images, began = "", 0.0, 0.0

    def stage(self, name: str) -> None:
        self.stage_name, self.began = name, time.monotonic()

    def tick(self, tick: Tick) -> None:
        if self.stage_name == "Training the inpainting encoder" and tick.rate:
            self.images = tick.rate * (time.monotonic() - self.began)


def test_a_time_budget_bounds_the_partial_encoder_too(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    trained, budget = Trained(), 2.0
    settings = {**QUICK, "scope": "shared", "inpainting": True, "steps": None, "time_budget": budget, "patience": 0}
    data = tiny_data.two_classes(tmp_path_factory)
    made = vaeaug.train(data, tmp_path / "model", progress=trained, **settings)
    assert load_inpainting_encoder(made.stored) is not None
    assert trained.images < BATCH * STEPS / 2  # as many as it takes without a limit would take several seconds
    record = json.loads((tmp_path / "model/model.json").read_text())
    seconds = float(record["metrics"]["stopped"].removeprefix("the time budget of ").partition(" s is")[0])
    assert seconds <= 0.7 * budget  # the rest is for the partial encoder


def test_the_clock_ends_the_training_of_a_partial_encoder(tmp_path_factory: pytest.TempPathFactory) -> None:
    stored = vaeaug.load(tiny_data.model(tmp_path_factory, "shared")).stored
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 1.0
        return now

    shown: list[float] = []
    limits = {"steps": 100_000, "seconds": 30.0}
    train_inpainting_encoder(stored, None, None, **limits, clock=clock, report=lambda tick: shown.append(tick.done))
    assert now < 45  # a few looks at the clock a step, and one when all is done
    assert shown[-1] == 1


def test_real_images_that_validated_the_model_weigh_the_blend(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stored = vaeaug.load(shutil.copytree(tiny_data.model(tmp_path_factory, "shared"), tmp_path / "model")).stored
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 120, "bee": 130})
    encoder = inpainting_encoder(stored, "auto", data, steps=2, progress=Progress())
    assert encoder is not None
    weights = encoder.blend_weights_FKE.clone()
    read = read_for_model(stored, data, workers=1, skip_invalid=False, progress=Progress())
    _, validation = validation_split(read.cache)
    assert len(validation) == 12 + 13
    gaussians = load_pixel_gaussians(stored)
    assert gaussians is not None
    held_out = read.cache.pixels_NHWC[validation], read.labels_N[validation]
    fit_blend_weights(stored, encoder, gaussians, held_out, holes_per_kind=1, seed=stored.record.seed)
    assert torch.equal(encoder.blend_weights_FKE, weights)

"""What is chosen where the user says nothing: the loss by the data, the scope by the variant; and what may change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_data
from PIL import Image
from tiny_data import QUICK, UNFILTERED, run

import vaeaug
from vaeaug.errors import InputError

OUTLINES = '''
"""A variant that prefers one network for all classes and has a temperature; a loss for what no other claims."""

from dataclasses import dataclass

import torch

from vaeaug import GaussianVariant, ReconstructionLoss, hookimpl, option


class Warm(GaussianVariant):
    name = "warm"
    conditional = True
    preferred_scope = "shared"

    @dataclass(frozen=True)
    class Config(GaussianVariant.Config):
        temperature: float = option(1.0, "Spread of the draws.", minimum=0, sampling=True)

    def prior(self, y_B, generator):
        return self.config.temperature * super().prior(y_B, generator)


class Claiming(ReconstructionLoss):
    name = "claiming"

    @classmethod
    def suits(cls, images):
        return "it takes all it can get"

    def forward(self, raw_BRHW, x_BCHW):
        return (raw_BRHW - x_BCHW).square().sum(dim=(1, 2, 3))

    def image(self, raw_BRHW):
        return raw_BRHW.clamp(0, 1)


@hookimpl
def vaeaug_variants():
    return [Warm]


@hookimpl
def vaeaug_losses():
    return [Claiming]
'''


@pytest.fixture(scope="module")
def plugins_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "outlines.py").write_text(OUTLINES)
    return folder


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Black and white images of two classes."""
    root = tmp_path_factory.mktemp("binary") / "data"
    rng = np.random.default_rng(0)
    for label in ("ant", "bee"):
        (root / label).mkdir(parents=True)
        for number in range(12):
            Image.fromarray(rng.choice([0, 255], (8, 8)).astype(np.uint8)).save(root / label / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def gray(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.two_classes(tmp_path_factory)


def record(model: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((model / "model.json").read_text())
    return values


def test_black_and_white_images_get_the_bernoulli_likelihood(
    binary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("augment", binary, tmp_path / "out", "--per-class", 2, *tiny_data.options(UNFILTERED)) == 0
    assert "loss: bce (the images are nearly black and white: 100%" in " ".join(capsys.readouterr().err.split())
    made = json.loads((tmp_path / "out" / "vaeaug.json").read_text())
    assert made["model"]["loss"]["name"] == "bce"
    assert "bce (the images are nearly black and white" in (tmp_path / "out" / "README.md").read_text()


def test_other_images_get_the_default(gray: Path, tmp_path: Path) -> None:
    vaeaug.train(gray, tmp_path / "model", **QUICK)
    values = record(tmp_path / "model")
    assert (values["loss"]["name"], values["loss_reason"]) == ("gaussian", "the default for most images")


def test_a_named_loss_is_taken_without_a_reason(binary: Path, tmp_path: Path) -> None:
    vaeaug.train(binary, tmp_path / "model", loss="mse", **QUICK)
    assert (record(tmp_path / "model")["loss"]["name"], record(tmp_path / "model")["loss_reason"]) == ("mse", "")


def test_a_strangers_loss_may_claim_images_after_ours(
    binary: Path, gray: Path, plugins_dir: Path, tmp_path: Path
) -> None:
    vaeaug.train(gray, tmp_path / "gray", plugins_dirs=plugins_dir, **QUICK)
    vaeaug.train(binary, tmp_path / "binary", plugins_dirs=plugins_dir, **QUICK)
    assert record(tmp_path / "gray")["loss"]["name"] == "claiming"
    assert record(tmp_path / "gray")["loss_reason"] == "it takes all it can get"
    assert record(tmp_path / "binary")["loss"]["name"] == "bce"


def test_an_option_that_the_chosen_loss_lacks_is_refused_and_nothing_is_left(binary: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="loss 'bce', which suits these images, has no option 'sigma'"):
        vaeaug.train(binary, tmp_path / "model", loss_options={"sigma": 1}, **QUICK)
    assert not list(tmp_path.iterdir())


def test_a_model_is_used_whatever_loss_it_chose(binary: Path, tmp_path: Path) -> None:
    for number in range(2):  # trained, then used again
        vaeaug.augment(binary, tmp_path / f"out{number}", model=tmp_path / "model", per_class=1, **UNFILTERED)
    with pytest.raises(InputError, match="was trained with --loss bce, not mse"):
        vaeaug.augment(binary, tmp_path / "other", model=tmp_path / "model", loss="mse", **UNFILTERED)


@pytest.mark.parametrize(("asked", "scope"), [({}, "shared"), ({"scope": "per-class"}, "per-class")])
def test_the_variant_chooses_the_scope_where_the_user_does_not(
    gray: Path, plugins_dir: Path, tmp_path: Path, asked: dict[str, str], scope: str
) -> None:
    vaeaug.train(gray, tmp_path / "model", variant="warm", loss="mse", plugins_dirs=plugins_dir, **asked, **QUICK)
    assert record(tmp_path / "model")["scope"] == scope


def test_only_what_changes_draws_alone_may_be_changed_later(gray: Path, plugins_dir: Path, tmp_path: Path) -> None:
    vaeaug.train(gray, tmp_path / "model", variant="warm", loss="mse", plugins_dirs=plugins_dir, **QUICK)
    drawn = []
    for temperature in (1, 0):
        model = vaeaug.load(
            tmp_path / "model", plugins_dirs=[plugins_dir], variant_options={"temperature": temperature}
        )
        drawn.append(model.sample("ant", 8, sampler="prior"))
    assert len(np.unique(drawn[0], axis=0)) == 8
    assert len(np.unique(drawn[1], axis=0)) == 1  # at no temperature all draws are the prior's mean
    common = ["--plugins-dir", plugins_dir, "--sampler", "prior", "--per-class", 3]
    assert run("sample", tmp_path / "model", tmp_path / "cold", "--set", "temperature=0", *common) == 0
    files = list((tmp_path / "cold" / "train" / "ant").iterdir())
    assert len({np.asarray(Image.open(file)).tobytes() for file in files}) == 1
    settings = json.loads((tmp_path / "cold" / "vaeaug.json").read_text())["settings"]
    assert settings["variant_options"]["temperature"] == 0


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("latent_dim=3", "latent_dim is fixed by the trained model; options that can be changed: temperature"),
        ("temprature=1", "has no option 'temprature'; did you mean 'temperature'"),
        ("temperature=-1", "temperature must be at least 0"),
    ],
)
def test_other_options_are_refused_by_name(
    gray: Path, plugins_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, message: str
) -> None:
    vaeaug.train(gray, tmp_path / "model", variant="warm", loss="mse", plugins_dirs=plugins_dir, **QUICK)
    words = ["sample", tmp_path / "model", tmp_path / "out", "--set", option, "--plugins-dir", plugins_dir]
    assert run(*words) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()

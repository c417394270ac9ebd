"""`augment --evaluate`: the verdict is in the directory, and what cannot be evaluated is refused before any work."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import evaluate_data
import pytest
import short_runs
import tiny_data
from machine_faults import interrupt, on_disk

import vaeaug
from vaeaug.errors import InputError, VaeaugError

SETTINGS = {**tiny_data.UNFILTERED, "per_class": 3, "evaluate": True}


@pytest.fixture(autouse=True)
def _few_classifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    short_runs.evaluation(monkeypatch, **short_runs.FEW)


def test_the_verdict_is_in_the_directory_and_nothing_else_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_runs.evaluation(monkeypatch)  # all classifiers that it trains by default
    real = evaluate_data.write_real(tmp_path / "real")
    made = vaeaug.augment(real, tmp_path / "out", **SETTINGS)
    plain = vaeaug.augment(real, tmp_path / "plain", **{**SETTINGS, "evaluate": False})
    values = json.loads((tmp_path / "out/utility/evaluation.json").read_text())
    assert made.verdict == values["verdict"]
    assert [path.name for path in (tmp_path / "out/utility").iterdir()] == ["evaluation.json"]
    page = (tmp_path / "out/report.html").read_text()
    first, rest = page.split("<h2", 1)
    assert re.split(r"[+-]?\d", made.verdict)[0] in first
    for words in (
        "Below each synthetic image",
        "Objective",
        "KL divergence",
        "Latent dimensions in use",
        "Embedding map",
    ):
        assert words in rest
    assert 'class="verdict' not in (tmp_path / "plain/report.html").read_text()
    assert values["tested_on"] == "REAL, test split"
    assert values["images"]["ant"] == {"real": 8, "synthetic": 3, "test": 5}
    assert plain.verdict is None
    images = [
        {name: digest for name, digest in tiny_data.files(tmp_path / place).items() if name.endswith((".png", ".csv"))}
        for place in ("out", "plain")
    ]
    assert images[0] == images[1]


def test_without_test_images_the_model_is_trained_anew(tmp_path: Path) -> None:
    real = tiny_data.write_dataset(tmp_path / "real", {"ant": 6, "bee": 6})
    vaeaug.augment(real, tmp_path / "out", **SETTINGS)
    values = json.loads((tmp_path / "out/utility/evaluation.json").read_text())
    assert values["test_images"] == {"ant": 6, "bee": 6}


def test_an_interrupted_evaluation_goes_on(tmp_path: Path) -> None:
    real = evaluate_data.write_real(tmp_path / "real")
    vaeaug.augment(real, tmp_path / "whole/out", **SETTINGS)
    with on_disk("rename", "*-seed-????-???.npz", interrupt(after=3)), pytest.raises(KeyboardInterrupt):
        vaeaug.augment(real, tmp_path / "cut/out", **SETTINGS)
    vaeaug.augment(real, tmp_path / "cut/out", resume=True, **SETTINGS)
    assert tiny_data.files(tmp_path / "cut/out") == tiny_data.files(tmp_path / "whole/out")


@pytest.mark.parametrize("written", ["*-seed-????-???.npz", "*/evaluation.json"])
def test_an_interrupted_evaluation_can_be_given_up(tmp_path: Path, written: str) -> None:
    """The images are there by then; who will not wait gets the directory as it is without a verdict."""
    real = evaluate_data.write_real(tmp_path / "real")
    vaeaug.augment(real, tmp_path / "plain/out", **{**SETTINGS, "evaluate": False})
    with on_disk("rename", written, interrupt()), pytest.raises(KeyboardInterrupt):
        vaeaug.augment(real, tmp_path / "cut/out", **SETTINGS)
    vaeaug.augment(real, tmp_path / "cut/out", resume=True, **{**SETTINGS, "evaluate": False})
    assert tiny_data.files(tmp_path / "cut/out") == tiny_data.files(tmp_path / "plain/out")
    assert not (tmp_path / "cut/out/utility").exists()


def test_an_evaluation_that_fails_takes_no_image_with_it(tmp_path: Path) -> None:
    real = evaluate_data.write_real(tmp_path / "real")
    shutil.rmtree(real / "test")
    shutil.copytree(real / "train", real / "test")
    settings = {**SETTINGS, "allow_leaks": True}
    with pytest.raises(VaeaugError, match=r"images were made, .* all images of .* --resume and without") as error:
        vaeaug.augment(real, tmp_path / "out", **settings)
    assert error.value.exit_code == 2
    vaeaug.augment(real, tmp_path / "plain", **{**settings, "evaluate": False})
    resumed = vaeaug.augment(real, tmp_path / "out", resume=True, **{**settings, "evaluate": False})
    assert [count.synthetic for count in resumed.counts] == [3, 3]
    images = [
        {name: digest for name, digest in tiny_data.files(tmp_path / place).items() if name.endswith(".png")}
        for place in ("out", "plain")
    ]
    assert images[0] == images[1]


def test_no_images_are_nothing_to_evaluate(tmp_path: Path) -> None:
    real = evaluate_data.write_real(tmp_path / "real")
    settings = {**SETTINGS, "per_class": None, "balance": True}
    with on_disk("write", "*") as written, pytest.raises(InputError, match="nothing to make"):
        vaeaug.augment(real, tmp_path / "out", **settings)
    assert not [path for path in written if path.suffix == ".safetensors"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["real"]


@pytest.mark.parametrize(
    ("classes", "settings", "words"),
    [
        ({"ant": 5}, {}, "requires at least two classes"),
        ({"ant": 5, "bee": 2}, {}, "'bee' has too few images for --evaluate"),
        ({"ant": 5, "bee": 5}, {"train_augment": "pipeline.yaml"}, "not possible with --train-augment"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_any_work(
    tmp_path: Path, classes: dict[str, int], settings: dict[str, str], words: str
) -> None:
    real = tiny_data.write_dataset(tmp_path / "real", classes)
    with pytest.raises(InputError, match=words):
        vaeaug.augment(real, tmp_path / "out", **SETTINGS, **settings)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["real"]

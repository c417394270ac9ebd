"""Evaluations with the user's own classifier: the same bytes however they were run, and every output names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import evaluate_data
import numpy as np
import pytest
import tiny_data
import torch
from feature_networks import tiny
from machine_faults import interrupt, on_disk
from PIL import Image
from torchvision import models

import vaeaug
from vaeaug.errors import InputError
from vaeaug.workflows.evaluate.classifier_choice import VIEWS

QUICK: dict[str, Any] = {**evaluate_data.QUICK, "steps": 2, "classical": "mild"}
QUICK["arms"] = "classical,classical+synthetic"
FINE_TUNED = {"classifier": "feature_networks:tiny", "classifier_size": 16}
FROZEN = {**FINE_TUNED, "classifier": "embedding:feature_networks:tiny"}


@pytest.fixture
def real(tmp_path: Path) -> Path:
    return evaluate_data.write_real(tmp_path / "real")


@pytest.fixture
def synthetic(tmp_path: Path) -> Path:
    return evaluate_data.write_synthetic(tmp_path / "synthetic", {"ant": 6, "bee": 7})


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("classifier", [FINE_TUNED, FROZEN], ids=["fine-tuned", "frozen"])
def test_workers_change_no_byte(real: Path, synthetic: Path, tmp_path: Path, classifier: dict[str, Any]) -> None:
    made = []
    for workers in (1, 2):
        settings = {**QUICK, **classifier, "workers": workers}
        vaeaug.evaluate(real, synthetic, tmp_path / f"{workers}/out", **settings)
        made.append(tiny_data.files(tmp_path / f"{workers}/out"))
    assert made[0] == made[1]


def test_features_are_computed_once_and_a_stopped_run_keeps_them(real: Path, synthetic: Path, tmp_path: Path) -> None:
    """One file of plain test images, V views of the real images, and enough views of the synthetic ones."""
    vaeaug.evaluate(real, synthetic, tmp_path / "whole/out", **QUICK, **FROZEN)
    settings = {**QUICK, **FROZEN}
    with (
        on_disk("rename", "*/features-*.npy") as computed,
        on_disk("rename", "*-seed-????-???.npz", interrupt()),
        pytest.raises(KeyboardInterrupt),
    ):
        vaeaug.evaluate(real, synthetic, tmp_path / "cut/out", **settings)
    assert len(computed) == 1 + VIEWS + VIEWS
    computed[0].write_bytes(b"")  # as after a power cut
    with on_disk("rename", "*/features-*.npy") as again:
        vaeaug.evaluate(real, synthetic, tmp_path / "cut/out", resume=True, **settings)
    assert again == computed[:1]
    assert tiny_data.files(tmp_path / "cut/out") == tiny_data.files(tmp_path / "whole/out")


def test_many_synthetic_images_have_fewer_views(real: Path, tmp_path: Path) -> None:
    synthetic = evaluate_data.write_synthetic(tmp_path / "synthetic", {"ant": 30, "bee": 30})
    with on_disk("rename", "*/features-*.npy") as computed:
        vaeaug.evaluate(real, synthetic, **QUICK, **FROZEN)
    assert len(computed) == 1 + VIEWS + 2  # 60 images twice are about as many views as 16 images four times


def test_results_of_two_classifiers_are_not_mixed(real: Path, synthetic: Path, tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    torch.save(tiny().state_dict(), file)
    settings = {**QUICK, **FINE_TUNED, "classifier_weights": str(file)}
    with on_disk("rename", "*-seed-????-???.npz", interrupt(after=1)), pytest.raises(KeyboardInterrupt):
        vaeaug.evaluate(real, synthetic, tmp_path / "out", **settings)
    for changed in ({"classifier": "embedding:feature_networks:tiny"}, {"classifier_size": 24}):
        name = next(iter(changed))
        with pytest.raises(InputError, match=f"{name} = "):
            vaeaug.evaluate(real, synthetic, tmp_path / "out", resume=True, **{**settings, **changed})
    state = tiny().state_dict()
    state["0.weight"] += 1
    torch.save(state, file)
    with pytest.raises(InputError, match="files = "):
        vaeaug.evaluate(real, synthetic, tmp_path / "out", resume=True, **settings)


@pytest.mark.parametrize("prefix", ["", "embedding:"])
def test_every_output_names_the_classifier_and_no_place_of_this_machine(
    real: Path, synthetic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], prefix: str
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(models.squeezenet1_1().state_dict(), tmp_path / "mine.pth")
    words = ["--classifier", f"{prefix}torchvision:squeezenet1_1", "--classifier-weights", tmp_path / "mine.pth"]
    words += ["--classifier-size", 32, "--out", tmp_path / "out", *tiny_data.options(QUICK)]
    assert tiny_data.run("evaluate", real, synthetic, *words) == 0
    printed = capsys.readouterr().err
    page = (tmp_path / "out/report.html").read_text()
    values = json.loads((tmp_path / "out/evaluation.json").read_text())
    name = "torchvision:squeezenet1_1 (mine.pth, 32 x 32 pixels)"
    description = f"a linear layer on the frozen features of {name}" if prefix else f"{name}, fine-tuned"
    assert f"Classifier: {description}" in " ".join(printed.split())
    short = "a linear layer on torchvision:squeezenet1_1" if prefix else "torchvision:squeezenet1_1, fine-tuned"
    assert values["verdict"].endswith(f" Classifier: {short}.")
    assert values["verdict"] in printed.replace("\n", " ")
    assert description in values["method"]
    assert description in page
    assert values["settings"]["classifier"] == f"{prefix}torchvision:squeezenet1_1"
    views = {"views": VIEWS} if prefix else {}
    assert values["classifier"] == {
        "kind": "embedding" if prefix else "fine-tuned",
        "network": "torchvision:squeezenet1_1",
        "weights": "mine.pth",
        "side": 32,
        **views,
        "description": description,
    }
    compared_by = "features of torchvision:squeezenet1_1 (mine.pth), what" if prefix else "last-layer features of"
    assert values["fidelity"]["embedding"].startswith(compared_by)
    assert str(tmp_path) not in page + json.dumps(values)


def test_the_default_names_the_small_network(real: Path, synthetic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tiny_data.run("evaluate", real, synthetic, *tiny_data.options(QUICK)) == 0
    assert "Classifier: small, a network of three convolutions" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("side", "classifier", "expected"),
    [
        (8, "feature_networks:tiny", 96),
        (60, "feature_networks:tiny", 128),
        (150, "feature_networks:tiny", 224),
        (8, "embedding:feature_networks:ClassToken", 224),  # it accepts no other size
    ],
)
def test_small_images_are_enlarged_and_large_ones_are_read_as_they_are(
    tmp_path: Path, side: int, classifier: str, expected: int
) -> None:
    shape = {"height": side, "width": side}
    for part, first in (("real/train", 0), ("real/test", 100), ("synthetic", 500)):
        for label in ("ant", "bee"):
            evaluate_data.write_images(tmp_path / part / label, label, first, 3, **shape)
    found = vaeaug.evaluate(
        tmp_path / "real", tmp_path / "synthetic", tmp_path / "out", **{**QUICK, "steps": 1}, classifier=classifier
    )
    assert found.values["classifier"]["side"] == expected
    assert f"{side} x {side} x 1" in (tmp_path / "out/report.html").read_text()


@pytest.mark.parametrize("classifier", [FINE_TUNED, FROZEN], ids=["fine-tuned", "frozen"])
def test_it_learns(tmp_path: Path, classifier: dict[str, Any]) -> None:
    """Class a is bright above, class b below; the synthetic images of `bad` have the classes exchanged."""
    rng = np.random.default_rng(0)
    for part, count in (("real/train", 10), ("real/test", 20), ("bad", 20)):
        for label, sign in (("a", 1), ("b", -1)):
            folder = tmp_path / part / ("ba" if part == "bad" else "ab")["ab".index(label)]
            folder.mkdir(parents=True)
            for number in range(count):
                pixels_HW = np.full((16, 16), 128.0)
                pixels_HW[:8] += 60 * sign
                pixels_HW += rng.normal(0, 20, (16, 16))
                Image.fromarray(pixels_HW.clip(0, 255).astype(np.uint8)).save(folder / f"{part[:3]}{number}.png")
    arms = "classical,classical+synthetic,synthetic-only"
    settings = {**QUICK, **classifier, "steps": 60, "arms": arms}
    if classifier is FROZEN:
        settings["classifier"] = "embedding:feature_networks:halves"
    found = vaeaug.evaluate(tmp_path / "real", tmp_path / "bad", **settings).values["arms"]
    assert found["classical"]["accuracy"]["mean"] > 0.9
    assert found["synthetic-only"]["accuracy"]["mean"] < 0.25


def test_a_network_of_timm_is_trained_from_random_weights(real: Path, synthetic: Path) -> None:
    pytest.importorskip("timm")
    settings = {**QUICK, "classifier": "timm:test_efficientnet", "classifier_weights": "random", "classifier_size": 32}
    found = vaeaug.evaluate(real, synthetic, **settings)
    assert found.values["classifier"]["description"] == (
        "timm:test_efficientnet (random weights, 32 x 32 pixels), trained from scratch"
    )

"""A classifier that cannot be used is refused in one line, with exit code 2, before any training."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path

import evaluate_data
import pytest
import tiny_data
import torch
from machine_faults import little_memory, on_disk
from torchvision import models

import vaeaug
from vaeaug.errors import DivergedError, InputError

NOTHING = Path("nowhere")


def refused(match: str, *places: Path, **settings: object) -> None:
    with on_disk("rename", "*.npz") as trained, pytest.raises(InputError, match=match) as error:
        vaeaug.evaluate(*(places or (NOTHING, NOTHING)), **{**evaluate_data.QUICK, **settings})
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 2
    assert trained == []


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    synthetic = evaluate_data.write_synthetic(tmp_path / "synthetic", {"ant": 6, "bee": 7})
    return evaluate_data.write_real(tmp_path / "real"), synthetic


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"classifier": "smal"}, "torchvision has no network 'smal'; .*; or --classifier small$"),
        ({"classifier": "torchvision:resnet19"}, "has no network 'resnet19'; did you mean 'resnet1"),
        ({"classifier": "embedding:resnet19"}, "has no network 'resnet19'; did you mean 'resnet1"),
        ({"classifier_weights": "mine.pth"}, "require --classifier, which names the network"),
        ({"classifier_size": 64}, "require --classifier, which names the network"),
        ({"classifier": "resnet18", "classifier_size": 4}, "classifier_size must be at least 8"),
        (
            {"classifier": "embedding:resnet18", "classifier_weights": "random"},
            "with random weights .*; use --classifier resnet18 to train it, or give --classifier-weights FILE",
        ),
        (
            {"classifier": "feature_networks:tiny", "classifier_weights": "random"},
            "returns a network with its own weights; leave out --classifier-weights random",
        ),
    ],
)
def test_names_and_options_are_refused_before_anything_is_read(settings: Mapping[str, object], said: str) -> None:
    refused(said, **settings)


class Command:
    """Runs a command where a pickle is loaded without care."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch executed",)


@pytest.mark.parametrize("kind", ["", "embedding:"])
def test_bad_weights(kind: str, places: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    named = {"classifier": f"{kind}torchvision:squeezenet1_1", "classifier_size": 32}
    refused(
        "the weights file nowhere.pth does not exist; .*: --classifier-weights FILE",
        *places,
        **named,
        classifier_weights="nowhere.pth",
    )
    torch.save(models.alexnet().features.state_dict(), "other.pth")
    refused(
        "other.pth does not fit network torchvision:squeezenet1_1", *places, **named, classifier_weights="other.pth"
    )
    Path("text.pth").write_text("no weights")
    refused("text.pth cannot be read as a state dict", *places, **named, classifier_weights="text.pth")
    with Path("code.pth").open("wb") as file:
        pickle.dump({"features.0.weight": Command()}, file)
    refused("code.pth cannot be read as a state dict", *places, **named, classifier_weights="code.pth")
    assert not Path("executed").exists()


def test_features_of_many_images_need_memory(places: tuple[Path, Path]) -> None:
    imported = {"classifier": "embedding:feature_networks:tiny", "classifier_size": 16}
    vaeaug.evaluate(*places, **evaluate_data.QUICK, **imported)  # imports take memory too
    with little_memory():
        refused(
            r"the features of 29 images take about 0.1 GB in each of 1 processes, but 0.0 GB are free; use --workers 1",
            *places,
            classifier="embedding:feature_networks:wide",
            classifier_size=16,
        )


@pytest.mark.parametrize("kind", ["", "embedding:"])
def test_weights_that_cannot_be_downloaded(
    kind: str, places: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # which is not there
    refused("the weights of squeezenet1_1 .*: --classifier-weights FILE", *places, classifier=f"{kind}squeezenet1_1")


def test_weights_of_timm_that_cannot_be_downloaded(
    places: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("timm")
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    refused("the weights of timm:test_resnet .*: --classifier-weights FILE", *places, classifier="timm:test_resnet")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"classifier": "feature_networks:EvalOnly"}, "cannot be trained .no training.; use --classifier embedding:"),
        ({"classifier": "embedding:feature_networks:Named"}, "gives a dict, not vectors"),
        ({"classifier": "feature_networks:ClassToken", "classifier_size": 32}, "does not run on 32x32 images"),
    ],
)
def test_networks_that_cannot_be_used(settings: Mapping[str, object], said: str, places: tuple[Path, Path]) -> None:
    refused(said, *places, **settings)


def test_too_little_memory(places: tuple[Path, Path]) -> None:
    imported = {"classifier": "feature_networks:tiny", "classifier_size": 16}
    vaeaug.evaluate(*places, **evaluate_data.QUICK, **imported)  # imports take memory too
    with little_memory():
        refused(
            r"to fine-tune feature_networks:tiny at 224 x 224 pixels takes about 0.\d GB in each of 1 processes, "
            r"but 0.0 GB are free; use a smaller --classifier-size or --classifier embedding:NETWORK or --workers 1",
            *places,
            classifier="feature_networks:tiny",
            classifier_size=224,
        )


def test_a_training_that_diverges(places: tuple[Path, Path]) -> None:
    with pytest.raises(
        DivergedError, match=r"the training of feature_networks:endless .* diverged; use other"
    ) as error:
        vaeaug.evaluate(*places, **evaluate_data.QUICK, classifier="feature_networks:endless", classifier_size=16)
    assert "\n" not in str(error.value)


def test_the_command_line_says_it_in_a_line(places: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert tiny_data.run("evaluate", *places, "--classifier", "timmy:resnet18", "--quiet") == 2
    assert capsys.readouterr().err.count("\n") == 1

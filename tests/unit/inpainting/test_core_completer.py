"""Completing images with trained models: every variant, both methods, and the file between."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_data
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

import vaeaug
from vaeaug import plugins
from vaeaug.errors import InputError
from vaeaug.inpainting.complete import Completer
from vaeaug.inpainting.encoder_store import FILE, load_inpainting_encoder, save_inpainting_encoder
from vaeaug.inpainting.pixel_blend import decoded_only, gaussian_only
from vaeaug.inpainting.train_encoder import train_inpainting_encoder
from vaeaug.models.store import StoredModel
from vaeaug.progress import Tick

VARIANTS = list(plugins.load().variants)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of its own, since a partial encoder is written into it."""
    copy = tmp_path_factory.mktemp("core") / "model"
    shutil.copytree(tiny_data.model(tmp_path_factory), copy)
    return copy


@pytest.fixture(scope="module")
def model(directory: Path) -> StoredModel:
    return vaeaug.load(directory, device="cpu").stored


def image(label: str = "bee") -> tuple[Tensor, Tensor]:
    """Return an image and a mask whose middle is missing."""
    pixels = np.asarray(tiny_data.image(label, 99), np.float32) / 255
    visible = torch.ones(1, 8, 8)
    visible[:, 2:6, 2:6] = 0
    return torch.from_numpy(pixels)[None], visible


def quick(model: StoredModel, **options: Any) -> Any:
    return train_inpainting_encoder(model, None, None, **{"steps": 10, "seed": 0, **options})


@pytest.mark.parametrize(
    ("variant", "scope"),
    [
        *((variant, "shared") for variant in VARIANTS),
        *((variant, "per-class") for variant in ("cvae", "hvae", "vq-vae")),
    ],
)
def test_every_variant_completes_by_either_method(
    variant: str, scope: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stored = vaeaug.load(tiny_data.small_model(tmp_path_factory, variant, scope), device="cpu").stored
    x, visible = image()
    for completer in (Completer(stored, method="gibbs", draws=4), Completer(stored, encoder=quick(stored), draws=4)):
        done = completer.complete(x, visible, None, samples=3, seed=1)
        assert done.images_SCHW.shape == (3, 1, 8, 8)
        assert done.label in (0, 1)
        assert done.evidence_K is not None
        assert done.evidence_K.shape == (2,)
        assert int(done.evidence_K.argmax()) == done.label
        seen = visible.bool().expand(3, -1, -1, -1)
        assert torch.equal(done.images_SCHW[seen], x.expand(3, -1, -1, -1)[seen])
        assert bool(((done.images_SCHW >= 0) & (done.images_SCHW <= 1)).all())
        again = completer.complete(x, visible, done.label, samples=3, seed=1)
        assert torch.equal(done.images_SCHW, again.images_SCHW)
        assert again.evidence_K is None


@pytest.mark.parametrize("method", ["gibbs", "partial-encoder"])
def test_the_hole_the_order_and_other_images_have_no_influence(model: StoredModel, method: str) -> None:
    partial = None if method == "gibbs" else quick(model)
    x, visible = image()
    first = Completer(model, method=method, encoder=partial).complete(x, visible, 1, samples=2, seed=5)
    used = Completer(model, method=method, encoder=partial)
    used.complete(*image("ant"), None, samples=4, seed=8)
    torch.manual_seed(123)
    second = used.complete(torch.where(visible > 0, x, 0.77), visible, 1, samples=2, seed=5)
    assert torch.equal(first.images_SCHW, second.images_SCHW)
    other = used.complete(x, visible, 1, samples=2, seed=6)
    assert not torch.equal(first.images_SCHW, other.images_SCHW)
    assert not torch.equal(first.images_SCHW[0], first.images_SCHW[1])


def test_a_class_is_inferred_from_what_is_visible(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tiny_data.two_classes(tmp_path_factory)
    stored = vaeaug.train(data, tmp_path / "model", **{**tiny_data.QUICK, "steps": 200}).stored
    completers = (Completer(stored, method="gibbs", draws=4), Completer(stored, encoder=quick(stored, steps=150)))
    visible = torch.ones(1, 8, 8)
    visible[:, :, 4:] = 0
    for completer in completers:
        right = 0
        for label in ("ant", "bee"):
            for number in range(100, 110):
                pixels = np.asarray(tiny_data.image(label, number), np.float32) / 255
                done = completer.complete(torch.from_numpy(pixels)[None], visible, None, samples=1, seed=number)
                right += stored.classes[done.label] == label
        assert right >= 18


def test_a_partial_encoder_is_the_same_after_the_disk_and_with_the_same_seed(
    model: StoredModel, directory: Path
) -> None:
    assert load_inpainting_encoder(model) is None
    ticks: list[Tick] = []
    partial = train_inpainting_encoder(model, None, None, steps=10, seed=3, report=ticks.append)
    assert ticks[-1].done == 1
    before = tiny_data.state(directory)
    save_inpainting_encoder(model, partial)
    after = tiny_data.state(directory)
    assert set(after) - set(before) == {FILE}
    assert all(after[name] == before[name] for name in before if name != ".")
    loaded = load_inpainting_encoder(model)
    assert loaded is not None
    assert not loaded.training
    again = quick(model, seed=3).state_dict()
    for name, tensor in partial.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])
        assert torch.equal(tensor, again[name])
    (directory / FILE).unlink()


def test_real_images_of_unknown_class_are_left_out(model: StoredModel) -> None:
    pixels = np.stack([np.asarray(tiny_data.image("ant", number))[..., None] for number in range(6)])
    labels = np.array([0, 0, 1, 1, 0, 1])
    known = train_inpainting_encoder(model, pixels, labels, steps=5, seed=0).state_dict()
    more = np.concatenate([pixels, 255 - pixels])
    padded = train_inpainting_encoder(
        model, more, np.concatenate([labels, np.full(6, -1)]), steps=5, seed=0
    ).state_dict()
    without = quick(model, steps=5).state_dict()
    assert all(torch.equal(known[name], padded[name]) for name in known)
    assert any(not torch.equal(known[name], without[name]) for name in known)


def test_a_partial_encoder_of_other_weights_is_not_used(model: StoredModel, directory: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(directory, other)
    save_inpainting_encoder(model, quick(model))
    shutil.move(directory / FILE, other / FILE)
    assert load_inpainting_encoder(vaeaug.load(other, device="cpu").stored) is not None
    record = json.loads((other / "model.json").read_text())
    (other / "model.json").write_text(json.dumps({**record, "fingerprint": "another"}))
    assert load_inpainting_encoder(vaeaug.load(other, device="cpu").stored) is None


def test_what_is_wrong_is_told_in_a_line(model: StoredModel, directory: Path) -> None:
    with pytest.raises(InputError, match=r"no method 'gibs'.*gibbs"):
        Completer(model, method="gibs")
    with pytest.raises(InputError, match=r"has no inpainting encoder.*--method gibbs"):
        Completer(model, method="partial-encoder")
    (directory / FILE).write_bytes(b"not a file of tensors")
    with pytest.raises(InputError, match=r"cannot be read.*delete it"):
        load_inpainting_encoder(model)
    (directory / FILE).unlink()


def test_colour_images_are_completed(tmp_path: Path) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 4, "bee": 4}, channels=3)
    stored = vaeaug.train(data, tmp_path / "model", **{**tiny_data.QUICK, "steps": 4}).stored
    x = torch.from_numpy(np.asarray(Image.open(data / "ant" / "000.png"), np.float32) / 255).permute(2, 0, 1)
    done = Completer(stored, encoder=quick(stored)).complete(x, image()[1], 0, samples=2, seed=0)
    assert done.images_SCHW.shape == (2, 3, 8, 8)


def test_colours_of_indexed_images_are_not_mixed(tmp_path: Path) -> None:
    table = [(0, 0, 0), (128, 0, 0), (0, 128, 0)]
    for label in ("ant", "bee"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(6):
            mask = Image.new("P", (8, 8))
            mask.putpalette([value for colour in table for value in colour])
            mask.paste(1 if label == "ant" else 2, (1 + number % 3, 1, 7, 6))
            mask.save(tmp_path / "data" / label / f"{number}.png")
    stored = vaeaug.train(tmp_path / "data", tmp_path / "model", **{**tiny_data.QUICK, "steps": 4}).stored
    assert stored.record.palette is not None
    x, visible = torch.zeros(3, 8, 8), image()[1]
    for completer in (Completer(stored, method="gibbs"), Completer(stored, encoder=quick(stored))):
        done = completer.complete(x, visible, 0, samples=1, seed=0).images_SCHW[0]
        found = {tuple(colour) for colour in (done * 255).round().int().flatten(1).T.tolist()}
        assert found <= set(table)


def test_the_gaussian_needs_no_encoder_and_draws_different_images(model: StoredModel) -> None:
    completer = Completer(model, method="gaussian")
    x, visible = image()
    best = completer.complete(x, visible, 1, samples=1, seed=0).images_SCHW
    other = completer.complete(x, visible, 1, samples=1, seed=5).images_SCHW
    assert torch.equal(best, other)  # an expected value depends on no seed
    drawn = completer.complete(x, visible, 1, samples=64, seed=0).images_SCHW
    hidden = (visible == 0).expand(64, -1, -1, -1)
    assert drawn.std(dim=0)[visible == 0].min() > 0
    assert (drawn[hidden].mean() - best[hidden[:1]].mean()).abs() < 0.05
    assert torch.equal(drawn[~hidden], x.expand(64, -1, -1, -1)[~hidden])


def test_the_blend_is_what_its_weights_say(model: StoredModel) -> None:
    encoder = quick(model)
    x, visible = image()

    def completed(method: str) -> Tensor:
        return Completer(model, method=method, encoder=encoder).complete(x, visible, 1, samples=1, seed=3).images_SCHW

    encoder.blend_weights_FKE.copy_(decoded_only())
    assert torch.equal(completed("blend"), completed("partial-encoder"))
    encoder.blend_weights_FKE.copy_(gaussian_only())
    assert torch.allclose(completed("blend"), completed("gaussian"))
    encoder.blend_weights_FKE.copy_((decoded_only() + gaussian_only()) / 2)
    middle = (completed("partial-encoder") + completed("gaussian")) / 2
    assert torch.allclose(completed("blend"), middle, atol=1e-6)


@pytest.mark.parametrize("method", ["blend", "gaussian"])
def test_a_model_without_gaussians_says_what_to_do(directory: Path, method: str, tmp_path: Path) -> None:
    shutil.copytree(directory, tmp_path / "model")
    (tmp_path / "model" / "gaussians.safetensors").unlink()
    older = vaeaug.load(tmp_path / "model", device="cpu").stored
    with pytest.raises(InputError, match="has no Gaussians over pixels; train the model again, or use --method auto"):
        Completer(older, method=method)
    assert Completer(older, encoder=quick(older)).method == "partial-encoder"


def test_an_encoder_of_an_earlier_version_is_used_without_a_blend(directory: Path, tmp_path: Path) -> None:
    shutil.copytree(directory, tmp_path / "model")
    stored = vaeaug.load(tmp_path / "model", device="cpu").stored
    save_inpainting_encoder(stored, quick(stored))
    tensors = load_file(tmp_path / "model" / FILE)
    with safe_open(tmp_path / "model" / FILE, framework="pt") as file:
        about = file.metadata()
    del tensors["blend_weights_FKE"]
    save_file(tensors, tmp_path / "model" / FILE, about)
    read = load_inpainting_encoder(stored)
    assert read is not None
    assert torch.equal(read.blend_weights_FKE, decoded_only())

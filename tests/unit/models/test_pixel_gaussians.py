"""The Gaussians of a model: fitted to its training images, and read from its directory."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny_data
import torch

import vaeaug
from vaeaug.errors import InputError
from vaeaug.models.pixel_gaussians import FILE, fit_pixel_gaussians, load_pixel_gaussians, save_pixel_gaussians
from vaeaug.models.store import StoredModel


@pytest.fixture
def model(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> StoredModel:
    shutil.copytree(tiny_data.model(tmp_path_factory), tmp_path / "model")
    return vaeaug.load(tmp_path / "model", device="cpu").stored


def images(count: int) -> tuple[np.ndarray, np.ndarray]:
    pixels = np.stack([np.asarray(tiny_data.image("bee", number)) for number in range(count)])
    return pixels[..., None], np.zeros(count, np.int64)


def test_a_trained_model_has_them(model: StoredModel) -> None:
    gaussians = load_pixel_gaussians(model)
    assert gaussians is not None
    assert gaussians.images.mean_CHW.shape == gaussians.residuals.mean_CHW.shape == (1, 8, 8)


def test_the_residual_is_what_the_decoder_leaves_out(model: StoredModel) -> None:
    pixels, labels = images(40)
    gaussians = fit_pixel_gaussians(model, pixels, labels, np.arange(40))
    x_NCHW = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    network, y_N = model.network(0), torch.from_numpy(labels)
    with torch.no_grad():
        decoded_NCHW = network.loss.image(network.variant.decode(network.variant.encode(x_NCHW, y_N).latent, y_N))
    for gaussian, expected_NCHW in ((gaussians.images, x_NCHW), (gaussians.residuals, x_NCHW - decoded_NCHW)):
        mean_CHW = gaussian.rotation_CC[0, 0] * gaussian.mean_CHW
        assert torch.allclose(mean_CHW, expected_NCHW.mean(dim=0), atol=1e-5)


def test_they_are_read_as_they_were_written(model: StoredModel) -> None:
    fitted = fit_pixel_gaussians(model, *images(40), np.arange(40))
    save_pixel_gaussians(model, fitted)
    read = load_pixel_gaussians(model)
    assert read is not None
    for part in ("images", "residuals"):
        for name, tensor in getattr(fitted, part).tensors().items():
            assert torch.equal(tensor, getattr(read, part).tensors()[name])


def test_those_of_other_weights_are_not_used(model: StoredModel) -> None:
    model.record = dataclasses.replace(model.record, fingerprint="another")
    assert load_pixel_gaussians(model) is None


def test_a_model_of_an_older_version_has_none(model: StoredModel) -> None:
    (model.directory / FILE).unlink()
    assert load_pixel_gaussians(model) is None


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_a_damaged_file_is_refused_by_name(model: StoredModel, keep: int) -> None:
    path = model.directory / FILE
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=rf"{FILE} cannot be read .*train the model again"):
        load_pixel_gaussians(model)


def test_those_of_images_of_another_size_are_refused(model: StoredModel) -> None:
    model.record = dataclasses.replace(model.record, width=9)
    with pytest.raises(InputError, match="another size"):
        load_pixel_gaussians(model)


def test_other_images_of_the_dataset_take_no_part(model: StoredModel) -> None:
    pixels, labels = images(40)
    training = np.arange(0, 40, 2)
    expected = fit_pixel_gaussians(model, pixels, labels, training)
    pixels[1::2] = 255
    found = fit_pixel_gaussians(model, pixels, labels, training)
    assert torch.equal(found.images.mean_CHW, expected.images.mean_CHW)
    assert torch.equal(found.residuals.power_CHW, expected.residuals.power_CHW)

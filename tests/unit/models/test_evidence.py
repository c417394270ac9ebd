"""Class evidence: it is the ELBO of each class at the mode, and it knows which class an image is of."""

from pathlib import Path

import numpy as np
import pytest
import tiny_data
import torch

import vaeaug
from vaeaug.models.evidence import class_evidence
from vaeaug.progress import SILENT
from vaeaug.training.batches import as_images
from vaeaug.workflows.image_data import read_for_model


def _images(model: vaeaug.Model, data: Path) -> tuple[torch.Tensor, torch.Tensor]:
    read = read_for_model(model.stored, data, workers=1, skip_invalid=False, progress=SILENT)
    return as_images(np.array(read.cache.pixels_NHWC), torch.device("cpu")), torch.from_numpy(read.labels_N)


@pytest.mark.parametrize("scope", ["per-class", "shared"])
def test_every_column_is_the_elbo_of_its_class_at_the_mode(
    tmp_path_factory: pytest.TempPathFactory, scope: str
) -> None:
    model = vaeaug.load(tiny_data.model(tmp_path_factory, scope))
    x_BCHW, _ = _images(model, tiny_data.two_classes(tmp_path_factory))
    evidence_BK = class_evidence(model.stored, x_BCHW)
    for label in range(2):
        network, y_B = model.stored.network(label), torch.full((len(x_BCHW),), label)
        terms = network.variant.losses(x_BCHW, y_B, network.loss)["model"]  # without a generator: at the mode
        assert set(terms) == {"reconstruction", "kl"}
        torch.testing.assert_close(evidence_BK[:, label], -(terms["reconstruction"] + terms["kl"]))


@pytest.mark.parametrize("variant", ["cvae", "ae", "vq-vae"])
def test_it_tells_the_classes_apart(tmp_path: Path, variant: str) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 40, "bee": 40})
    width = {"vq-vae": {"width": 16, "prior_steps": 1}}.get(variant, {"width": 32, "latent_dim": 4})
    settings = {**tiny_data.QUICK, "steps": 250, "variant": variant, "variant_options": width, "scope": "per-class"}
    model = vaeaug.train(data, tmp_path / "model", **settings)
    x_BCHW, y_B = _images(model, data)
    assert (class_evidence(model.stored, x_BCHW).argmax(dim=1) == y_B).float().mean() > 0.9


def test_labels_are_counted_as_the_model_counts_them(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    model = vaeaug.load(tiny_data.model(tmp_path_factory))
    tiny_data.write_dataset(tmp_path, {"aardvark": 1, "bee": 1})
    tiny_data.image("ant", 0).save(tmp_path / "zoo.png")
    read = read_for_model(model.stored, tmp_path, workers=1, skip_invalid=False, progress=SILENT)
    assert [file.file_name for file in read.cache.files] == ["aardvark/000.png", "bee/000.png", "zoo.png"]
    assert read.labels_N.tolist() == [-1, 1, -1]
    assert read.unknown == ("aardvark",)

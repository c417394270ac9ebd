"""Which class an encoder is told: whether it matters, which one is taken, and which one is guessed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_data
import torch
from PIL import Image

import vaeaug
from vaeaug.features.conditioning import METHODS, inferred_labels, is_conditional, network_count
from vaeaug.features.encode import encode_block, layout_of
from vaeaug.models.evidence import class_evidence
from vaeaug.models.likelihood import iwae_bound
from vaeaug.training.batches import as_images
from vaeaug.workflows.encode import encode_settings


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.two_classes(tmp_path_factory)


@pytest.fixture(scope="module")
def images(data: Path) -> np.ndarray:
    """The images of both classes, uint8 (21, 8, 8, 1)."""
    return np.stack([np.asarray(Image.open(path))[..., None] for path in sorted(data.glob("*/*.png"))])


def trained(data: Path, place: Path, **settings: str) -> vaeaug.Model:
    return vaeaug.train(data, place / "model", **{**tiny_data.QUICK, "steps": 12, "variant_options": {}}, **settings)


@pytest.mark.parametrize(
    ("variant", "scope", "told"),
    [
        ("cvae", "shared", True),
        ("cvae", "per-class", True),
        ("hvae", "shared", True),
        ("vae", "shared", False),
        ("vae", "per-class", True),  # not by a label, but by its network
        ("vq-vae", "shared", False),  # only its decoder and its prior know classes
    ],
)
def test_it_is_known_whether_the_class_matters(
    variant: str, scope: str, told: bool, data: Path, images: np.ndarray, tmp_path: Path
) -> None:
    model = trained(data, tmp_path, variant=variant, scope=scope).stored
    assert is_conditional(model, images[0]) == told
    assert network_count(model) == (2 if scope == "per-class" else 1)


def test_the_largest_class_is_taken(data: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    model = vaeaug.load(tiny_data.model(tmp_path_factory))
    assert model.classes[model.stored.largest_class] == "ant"  # twelve images against nine


def test_a_guess_does_not_depend_on_the_images_beside_it(
    images: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = vaeaug.load(tiny_data.model(tmp_path_factory)).stored
    together = inferred_labels(model, images, np.arange(len(images)))
    alone = [int(inferred_labels(model, images, np.array([i]))[0]) for i in range(len(images))]
    assert together.tolist() == alone
    assert inferred_labels(model, images, np.arange(0)).tolist() == []


def test_the_evidence_of_a_mode_is_near_the_bound_of_many_draws(
    images: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = vaeaug.load(tiny_data.model(tmp_path_factory)).stored
    x_BCHW = as_images(images, torch.device("cpu"))
    mode_BK = class_evidence(model, x_BCHW)
    bounds = [
        -iwae_bound(model.network(y), x_BCHW, torch.full((21,), y), torch.Generator().manual_seed(0), 64)
        for y in range(2)
    ]
    bound_BK = torch.stack(bounds, dim=1)
    assert mode_BK.shape == bound_BK.shape == (21, 2)
    between_B = (bound_BK[:, 0] - bound_BK[:, 1], mode_BK[:, 0] - mode_BK[:, 1])
    assert float(torch.corrcoef(torch.stack(between_B))[0, 1]) > 0.9


def test_mixed_classes_are_encoded_as_each_alone(images: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> None:
    model = vaeaug.load(tiny_data.model(tmp_path_factory)).stored
    layout = layout_of(model, images[0], 0)
    labels_N = np.arange(len(images)) % 2
    mixed = encode_block(model, images, labels_N, np.array([5, 0, 8, 3]), layout)
    for row, i in enumerate([5, 0, 8, 3]):
        alone = encode_block(model, images, labels_N, np.array([i]), layout)
        np.testing.assert_allclose(mixed["mean"][row], alone["mean"][0], rtol=1e-4, atol=1e-5)


def test_the_command_line_offers_what_there_is() -> None:
    assert encode_settings.METHODS == METHODS

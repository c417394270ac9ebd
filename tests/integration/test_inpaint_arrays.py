"""`Model.inpaint`: arrays in, arrays out, with what is visible left alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny_data

import vaeaug
from vaeaug.errors import InputError
from vaeaug.inpainting.encoder_store import save_inpainting_encoder
from vaeaug.inpainting.train_encoder import train_inpainting_encoder

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 8, 8), dtype=np.uint8)
MASKS = np.zeros((3, 8, 8), dtype=bool)
MASKS[:2, 2:5, 1:6] = True


@pytest.fixture
def model(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> vaeaug.Model:
    """A model with an inpainting encoder, which would be trained longer on its first use."""
    model = vaeaug.load(shutil.copytree(tiny_data.model(tmp_path_factory), tmp_path / "model"))
    save_inpainting_encoder(model.stored, train_inpainting_encoder(model.stored, None, None, steps=8))
    return model


def test_what_is_visible_stays(model: vaeaug.Model) -> None:
    filled = model.inpaint(IMAGES, MASKS, "ant", samples=3)
    assert filled.shape == (3, 3, 8, 8, 1)
    for sample in range(3):
        assert np.array_equal(filled[:, sample, ..., 0][~MASKS], IMAGES[~MASKS])
    assert (filled[0, 0] != filled[0, 1]).any()


def test_what_is_hidden_has_no_influence(model: vaeaug.Model) -> None:
    other = np.where(MASKS, 255 - IMAGES, IMAGES).astype(np.uint8)
    filled = [model.inpaint(images, MASKS)[MASKS[:, None]] for images in (IMAGES, other)]
    assert np.array_equal(*filled)


def test_an_image_does_not_depend_on_the_others(model: vaeaug.Model) -> None:
    both = model.inpaint(IMAGES, MASKS, ["bee", None, "ant"], samples=2, seed=4)
    assert np.array_equal(model.inpaint(IMAGES[:1], MASKS[:1], "bee", samples=2, seed=4), both[:1])


def test_larger_images_are_filled_at_their_own_size(model: vaeaug.Model) -> None:
    large = np.random.default_rng(1).integers(0, 256, (1, 40, 50, 1), dtype=np.uint8)
    hole = np.zeros((1, 40, 50), dtype=bool)
    hole[0, 20:24, 30:35] = True
    filled = model.inpaint(large, hole, method="gibbs")[0, 0]
    assert filled.shape == (40, 50, 1)
    assert np.array_equal(filled[~hole[0]], large[0][~hole[0]])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": IMAGES.astype(float)}, "images must be uint8"),
        ({"images": IMAGES[..., None].repeat(2, axis=3)}, "images must be uint8"),
        ({"masks": MASKS.astype(np.uint8)}, "masks must be bool"),
        ({"masks": MASKS[:2]}, "masks must be bool"),
        ({"label": "cow"}, "no class 'cow'"),
        ({"label": ["ant"]}, "3 images and 1 labels"),
        ({"samples": 0}, "samples must be at least 1"),
        ({"blend": "paint"}, "blend must be one of"),
        (
            {"images": IMAGES[..., None].repeat(3, axis=3) // np.array([1, 2, 3], dtype=np.uint8)},
            "image 0: it is in colour",
        ),
    ],
)
def test_what_does_not_fit_is_refused(model: vaeaug.Model, change: dict[str, object], words: str) -> None:
    values: dict[str, object] = {"images": IMAGES, "masks": MASKS, "method": "gibbs", **change}
    with pytest.raises(InputError, match=words):
        model.inpaint(**values)  # type: ignore[arg-type]

"""Real images deformed at their own size."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaeaug.synthesis.edit import AddedDetail, Edit
from vaeaug.synthesis.image_deformation import ImageDeformation
from vaeaug.synthesis.pixel_limits import PixelLimits, pixel_limits


def _constant(right: float, down: float) -> np.ndarray:
    return np.tile(np.array([right, down], np.float32), (5, 7, 1))


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).random((20, 30, 3), np.float32)


def test_no_displacement_gives_the_very_image(picture: np.ndarray) -> None:
    moved, alpha = ImageDeformation(_constant(0, 0), np.zeros((5, 7), np.float32)).moved(picture)
    assert np.array_equal(moved, picture)
    assert alpha is None


def test_pixels_are_taken_from_the_right_and_from_below(picture: np.ndarray) -> None:
    """A displacement of 0.1 of the width of 30 and 0.2 of the height of 20: 3 and 4 pixels."""
    moved, _ = ImageDeformation(_constant(0.1, 0.2)).moved(picture)
    np.testing.assert_allclose(moved[:16, :27], picture[4:, 3:], atol=1e-5)
    np.testing.assert_allclose(moved[-1, -1], picture[-1, -1], atol=1e-5)  # the border continues


def test_a_gain_multiplies_the_brightness(picture: np.ndarray) -> None:
    deformation = ImageDeformation(_constant(0, 0), np.full((5, 7), np.log(2), np.float32))
    np.testing.assert_allclose(deformation.gained(picture), 2 * picture, rtol=1e-5)


def test_hidden_colours_do_not_enter_visible_pixels() -> None:
    """Transparent pixels are green and visible ones red; after a move by half a pixel no visible one is green."""
    colours_HWC = np.zeros((8, 8, 3), np.float32)
    colours_HWC[:, :4, 0], colours_HWC[:, 4:, 1] = 1, 1
    alpha_HW = np.zeros((8, 8), np.uint8)
    alpha_HW[:, :4] = 255
    moved, alpha = ImageDeformation(_constant(0.5 / 8, 0)).moved(colours_HWC, alpha_HW)
    assert alpha is not None
    assert alpha[0].tolist() == [255, 255, 255, 128, 0, 0, 0, 0]
    np.testing.assert_allclose(moved[alpha > 0], np.tile([1, 0, 0], (32, 1)), atol=1e-5)


def test_an_edit_deforms_first_and_then_adds(tmp_path: Path) -> None:
    """Whole images are added with their weights where they stand: the contrast is not deformed."""
    gray = np.random.default_rng(1).integers(60, 120, (20, 30), dtype=np.uint8)
    others = [np.random.default_rng(seed).integers(100, 150, (20, 30), dtype=np.uint8) for seed in (2, 3)]
    for name, pixels in (("x", gray), ("a", others[0]), ("b", others[1])):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    still = np.full((10, 10, 1), 0.5, np.float32)
    detail = AddedDetail((tmp_path / "a.png", tmp_path / "b.png"), (0.5, -0.5), None)
    deformation = ImageDeformation(_constant(0.1, 0))
    made = Edit(tmp_path / "x.png", still, still, 0.0, detail, deformation).pixels()[..., 0]
    moved = np.concatenate([gray[:, 3:], np.repeat(gray[:, -1:], 3, axis=1)], axis=1).astype(np.float32)
    added = 0.5 * (others[0].astype(np.float32) - others[1])
    np.testing.assert_allclose(made, np.clip(moved + added, 0, 255), atol=1)


def _limits(images: np.ndarray) -> PixelLimits:
    return pixel_limits(images, np.arange(len(images)))


def _edited(path: Path, displacement: np.ndarray, log_gain: float, limits: PixelLimits) -> np.ndarray:
    still = np.zeros((8, 8, 1), np.float32)
    gain_HW = np.full(displacement.shape[:2], log_gain, np.float32)
    return Edit(path, still, still, 0.0, None, ImageDeformation(displacement, gain_HW), limits).pixels()[..., 0]


def test_a_white_background_stays_white_under_a_gain(tmp_path: Path) -> None:
    images = np.full((6, 16, 16, 1), 255, np.uint8)
    rng = np.random.default_rng(0)
    images[:, 4:12, 4:12] = rng.integers(60, 160, (6, 8, 8, 1))
    Image.fromarray(images[0, ..., 0]).save(tmp_path / "x.png")
    made = _edited(tmp_path / "x.png", _constant(0, 0), -0.3, _limits(images))
    assert (made[:3] == 255).all()
    assert (made[:, :3] == 255).all()
    assert made[5:11, 5:11].mean() < 0.85 * images[0, 5:11, 5:11].mean()


def test_silhouettes_stay_sharp_and_have_no_gain(tmp_path: Path) -> None:
    images = np.zeros((6, 16, 16, 1), np.uint8)
    for number in range(6):
        images[number, 4:12, 3 + number // 2 : 11 + number // 2] = 255
    Image.fromarray(images[0, ..., 0]).save(tmp_path / "x.png")
    made = _edited(tmp_path / "x.png", _constant(0.4 / 16, 0), -0.5, _limits(images))
    assert ((made < 20) | (made > 235)).all()
    assert (made > 235).sum() == (images[0] == 255).sum()

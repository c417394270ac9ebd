"""Edits: a real image plus the difference of two decoded ones, and no ghost where much changes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaeaug.errors import VaeaugError
from vaeaug.synthesis.edit import AddedDetail, Edit


def _edit(tmp_path: Path, image: np.ndarray, before: np.ndarray, after: np.ndarray, fade: float) -> np.ndarray:
    Image.fromarray(image).save(tmp_path / "x.png")
    return Edit(tmp_path / "x.png", before.astype(np.float32), after.astype(np.float32), fade).pixels()


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(60, 200, (28, 28), dtype=np.uint8)


@pytest.mark.parametrize("fade", [0.0, 0.3])
def test_no_change_gives_the_very_image(tmp_path: Path, noise: np.ndarray, fade: float) -> None:
    decoded = np.random.default_rng(1).random((28, 28, 1))
    assert np.array_equal(_edit(tmp_path, noise, decoded, decoded, fade)[..., 0], noise)


def test_without_fading_it_is_the_sum(tmp_path: Path, noise: np.ndarray) -> None:
    before, after = np.full((28, 28, 1), 0.4), np.full((28, 28, 1), 0.6)
    assert np.array_equal(_edit(tmp_path, noise, before, after, 0)[..., 0], noise + 51)


def test_where_all_changes_nothing_of_the_image_is_left(tmp_path: Path, noise: np.ndarray) -> None:
    """A change above the fade everywhere: the result is what was decoded."""
    before, after = np.full((28, 28, 1), 0.1), np.full((28, 28, 1), 0.8)
    assert np.array_equal(_edit(tmp_path, noise, before, after, 0.5), np.full((28, 28, 1), 204, np.uint8))


def test_an_image_that_is_gone_is_named(tmp_path: Path) -> None:
    part_HWC = np.zeros((28, 28, 1), np.float32)
    with pytest.raises(VaeaugError, match=r"the image .*x\.png has changed during the run: .*add --resume"):
        Edit(tmp_path / "x.png", part_HWC, part_HWC, 0.0).pixels()


def test_detail_fades_only_where_it_changes(tmp_path: Path, noise: np.ndarray) -> None:
    before = np.full((28, 28, 1), 0.4)
    after = before.copy()
    after[:, 14:] = 0.8
    edited = _edit(tmp_path, noise, before, after, 0.3)[..., 0]
    assert np.array_equal(edited[:, :10], noise[:, :10])
    assert (edited[:, 18:] == 204).all()


def test_detail_of_others_is_what_their_decoded_images_lack(tmp_path: Path, noise: np.ndarray) -> None:
    """If the decoder shows all of the others, nothing is added; if it shows nothing, the weighted images."""
    still = np.full((28, 28, 1), 0.5, np.float32)
    others = [np.random.default_rng(seed).integers(100, 150, (28, 28), dtype=np.uint8) for seed in (1, 2)]
    paths = tuple(tmp_path / f"{number}.png" for number in range(2))
    for path, other in zip(paths, others, strict=True):
        Image.fromarray(other).save(path)
    Image.fromarray(noise).save(tmp_path / "x.png")
    weighted = 0.8 * (others[0].astype(np.float32) - others[1])[..., None]

    def edited(shown_HWC: np.ndarray) -> np.ndarray:
        detail = AddedDetail(paths, (0.8, -0.8), shown_HWC.astype(np.float32))
        return Edit(tmp_path / "x.png", still, still, 0.0, detail).pixels()[..., 0]

    assert np.array_equal(edited(weighted / 255), noise)
    assert np.array_equal(edited(np.zeros((28, 28, 1))), np.round(noise + weighted[..., 0]).astype(np.uint8))


def test_detail_of_others_takes_the_size_and_colours_of_the_image(tmp_path: Path, noise: np.ndarray) -> None:
    Image.fromarray(np.full((60, 40, 3), 90, np.uint8)).save(tmp_path / "colour.png")
    Image.fromarray(np.full((10, 10), 90, np.uint8)).save(tmp_path / "gray.png")
    Image.fromarray(noise).save(tmp_path / "x.png")
    still = np.zeros((8, 8, 3), np.float32)
    detail = AddedDetail((tmp_path / "colour.png", tmp_path / "gray.png"), (1.0, -1.0), still)
    assert np.array_equal(Edit(tmp_path / "x.png", still, still, 0.0, detail).pixels()[..., 0], noise)


@pytest.mark.parametrize("shape", [(28, 28), (50, 30), (50, 30, 3)])
def test_the_file_keeps_its_size_and_mode(tmp_path: Path, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    decoded = np.random.default_rng(1).random((8, 16, 3))
    assert _edit(tmp_path, image, decoded, decoded, 0.3).shape == (*shape[:2], 3 if len(shape) == 3 else 1)


def test_a_rotated_photo_is_edited_upright(tmp_path: Path) -> None:
    image = Image.fromarray(np.zeros((10, 30), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "x.jpg", exif=exif)
    still = np.zeros((8, 8, 1), np.float32)
    assert Edit(tmp_path / "x.jpg", still, still, 0.0).pixels().shape == (30, 10, 1)

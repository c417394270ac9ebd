"""Differentiable augmentation: what it does to an image, its gradient, and that real and fake are treated alike."""

import pytest
import torch
from torch import Tensor

from vaeaug.nn.diff_augment import Augmentation

SHAPES = [(8, 1, 8, 8), (8, 3, 13, 9), (4, 1, 28, 28), (2, 3, 40, 64)]
GEOMETRY = {"brightness": 0.0, "contrast": 0.0}


def draw(shape: tuple[int, ...], seed: int = 0, **options: float) -> Augmentation:
    return Augmentation.draw(torch.Size(shape), torch.Generator().manual_seed(seed), **options)


def shifted(x_CHW: Tensor, down: int, right: int) -> Tensor:
    """The image moved by whole pixels, black where nothing came in: written pixel by pixel."""
    out_CHW = torch.zeros_like(x_CHW)
    _, height, width = x_CHW.shape
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - right < width:
                out_CHW[:, row, column] = x_CHW[:, row - down, column - right]
    return out_CHW


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shift_moves_by_whole_pixels_and_at_most_an_eighth(shape: tuple[int, ...]) -> None:
    x_BCHW = torch.rand(shape)
    augment = draw(shape, cutout=0.0, **GEOMETRY)
    for x_CHW, out_CHW, shift in zip(x_BCHW, augment(x_BCHW), augment.shift_B2.tolist(), strict=True):
        down, right = (int(amount) for amount in shift)
        assert abs(down) <= round(shape[2] / 8)
        assert abs(right) <= round(shape[3] / 8)
        assert torch.allclose(out_CHW, shifted(x_CHW, down, right), atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_hole_is_a_rectangle_of_at_most_a_quarter(shape: tuple[int, ...]) -> None:
    ones_BCHW = draw(shape, translation=0.0, **GEOMETRY)(torch.ones(shape))
    for hole_HW in ones_BCHW[:, 0] == 0:
        rows, columns = hole_HW.any(dim=1), hole_HW.any(dim=0)
        assert torch.equal(hole_HW, rows[:, None] & columns[None])
        assert 0 < rows.sum() <= -(-shape[2] // 2)
        assert 0 < columns.sum() <= -(-shape[3] // 2)


def test_brightness_and_contrast_are_affine_around_the_mean() -> None:
    x_BCHW = torch.rand(16, 3, 8, 8)
    augment = draw(x_BCHW.shape, translation=0.0, cutout=0.0)
    out_BCHW = augment(x_BCHW)
    offset_B = (out_BCHW - x_BCHW).mean(dim=(1, 2, 3))
    factor_B = out_BCHW.std(dim=(1, 2, 3)) / x_BCHW.std(dim=(1, 2, 3))
    assert torch.allclose(offset_B, augment.brightness_B, atol=1e-5)
    assert torch.allclose(factor_B, augment.contrast_B, atol=1e-4)
    assert offset_B.abs().max() <= 0.25
    assert factor_B.min() >= 0.5
    assert factor_B.max() <= 1.5


def test_nothing_drawn_is_the_identity() -> None:
    x_BCHW = torch.rand(4, 1, 13, 9)
    assert torch.allclose(draw(x_BCHW.shape, translation=0.0, cutout=0.0, **GEOMETRY)(x_BCHW), x_BCHW, atol=1e-6)


def test_gradients_pass_to_the_image() -> None:
    x_BCHW = torch.rand(2, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(draw(x_BCHW.shape), (x_BCHW,))


def test_real_and_fake_are_treated_alike_and_the_seed_settles_how() -> None:
    real, fake = torch.rand(8, 1, 28, 28), torch.rand(8, 1, 28, 28)
    augment, again, other = draw(real.shape), draw(real.shape), draw(real.shape, seed=1)
    assert torch.equal(augment(real), again(real))
    assert not torch.equal(augment(real), other(real))
    hidden = augment(torch.ones_like(real)) == 0
    assert torch.equal(hidden, augment(real + 0.1) == 0)
    assert (augment(fake)[hidden] == 0).all()


def test_each_image_has_an_augmentation_of_its_own() -> None:
    x_BCHW = torch.rand(1, 1, 28, 28).expand(8, -1, -1, -1)
    assert len(draw(x_BCHW.shape)(x_BCHW).flatten(1).unique(dim=0)) == 8
    fewer = draw((3, 1, 28, 28))(x_BCHW[:3])
    assert torch.equal(fewer, draw(x_BCHW.shape)(x_BCHW)[:3])

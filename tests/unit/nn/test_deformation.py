"""Flows of velocity fields: known displacements, inverses, no folding."""

import pytest
import torch
from torch.nn.functional import interpolate

from vaeaug.nn import deformed, integrated, random_contrasts, resized_field


def _smooth_velocity(seed: int, size: float) -> torch.Tensor:
    points_B277 = size * torch.randn((4, 2, 7, 7), generator=torch.Generator().manual_seed(seed))
    return resized_field(points_B277, 40, 40)


def test_no_displacement_gives_the_very_image() -> None:
    x_BCHW = torch.rand(2, 3, 9, 14)
    torch.testing.assert_close(deformed(x_BCHW, torch.zeros(2, 2, 9, 14)), x_BCHW, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("axis", "side"), [(0, 3), (1, 2)])
def test_a_displacement_tells_where_pixels_are_taken_from(axis: int, side: int) -> None:
    """Channel 0 is to the right in fractions of the width, channel 1 down in fractions of the height."""
    x_BCHW = torch.rand(1, 1, 8, 12)
    displacement_B2HW = torch.zeros(1, 2, 8, 12)
    displacement_B2HW[:, axis] = 2 / x_BCHW.shape[side]
    moved = deformed(x_BCHW, displacement_B2HW)
    kept = x_BCHW.shape[side] - 2
    torch.testing.assert_close(moved.narrow(side, 0, kept), x_BCHW.narrow(side, 2, kept), atol=1e-5, rtol=0)
    border = x_BCHW.narrow(side, x_BCHW.shape[side] - 1, 1)
    torch.testing.assert_close(moved.narrow(side, kept + 1, 1), border, atol=1e-5, rtol=0)


def test_the_flow_of_a_constant_velocity_is_that_velocity() -> None:
    velocity_B2HW = torch.full((1, 2, 10, 10), 0.07)
    torch.testing.assert_close(integrated(velocity_B2HW), velocity_B2HW)


def test_the_flow_backwards_undoes_the_flow() -> None:
    velocity_B2HW = _smooth_velocity(0, 0.04)
    there, back = integrated(velocity_B2HW, 6), integrated(-velocity_B2HW, 6)
    both = back + deformed(there, back)
    inner = both[..., 8:-8, 8:-8]
    assert there.abs().max() > 0.03
    assert inner.abs().max() < 0.1 * there.abs().max()


@pytest.mark.parametrize("seed", range(5))
def test_a_flow_folds_nothing(seed: int) -> None:
    """The Jacobian stays positive where the same field as a displacement folds the image."""
    velocity_B2HW = _smooth_velocity(seed, 0.04)

    def least_determinant(displacement_B2HW: torch.Tensor) -> float:
        across, down = (40 * displacement_B2HW.diff(dim=axis)[:, :, :39, :39] for axis in (3, 2))
        determinant = (1 + across[:, 0]) * (1 + down[:, 1]) - across[:, 1] * down[:, 0]
        return float(determinant.min())

    assert least_determinant(velocity_B2HW) < 0
    assert least_determinant(integrated(velocity_B2HW)) > 0


@pytest.mark.parametrize(("height", "width"), [(14, 14), (28, 31), (3, 4), (7, 5)])
def test_a_field_is_resized_as_torch_does(height: int, width: int) -> None:
    field_BCHW = torch.randn(3, 2, 7, 5)
    expected = interpolate(field_BCHW, (height, width), mode="bicubic", align_corners=False)
    torch.testing.assert_close(resized_field(field_BCHW, height, width), expected, atol=1e-5, rtol=0)


def test_contrasts_have_the_covariance_of_the_images() -> None:
    x_ND = torch.randn((6, 3), generator=torch.Generator().manual_seed(1)) @ torch.tensor(
        [[2.0, 0.0, 0.0], [1.0, 0.5, 0.0], [0.0, 1.0, 1.0]]
    )
    sources_BK, weights_BK = random_contrasts(60_000, 6, 4, torch.Generator().manual_seed(0))
    assert weights_BK.sum(dim=1).abs().max() < 1e-5
    assert sources_BK.sort(dim=1).values.diff(dim=1).min() > 0  # no image twice
    sums_BD = torch.einsum("bk,bkd->bd", weights_BK, x_ND[sources_BK])
    torch.testing.assert_close(sums_BD.T.cov(), x_ND.T.cov(), atol=0.12, rtol=0.05)


def test_one_image_has_no_contrast() -> None:
    sources_BK, weights_BK = random_contrasts(5, 1, 4, torch.Generator().manual_seed(0))
    assert (sources_BK.tolist(), weights_BK.tolist()) == ([[0]] * 5, [[0.0]] * 5)

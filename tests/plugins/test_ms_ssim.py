"""MS-SSIM against closed forms and against another implementation."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from vaeaug_plugins.losses.ms_ssim import C1, MSSSIM, WEIGHTS, window_and_scales

from vaeaug import ImageSpec


def loss(channels: int, height: int, width: int, alpha: float = 0.84) -> MSSSIM:
    return MSSSIM(ImageSpec(channels, height, width), MSSSIM.Config(alpha=alpha)).eval()


def waves(side: int) -> tuple[Tensor, Tensor]:
    """Two images that resemble each other, (1, 1, side, side)."""
    along = torch.arange(side) / side
    rows, columns = along[:, None], along[None, :]
    x = 0.5 + 0.3 * torch.sin(20 * rows + 5 * columns) * torch.cos(30 * columns)
    m = 0.45 + 0.25 * torch.sin(20 * rows + 5 * columns + 0.3) * torch.cos(29 * columns)
    return x[None, None], m[None, None]


@pytest.mark.parametrize(
    ("side", "window", "scales"),
    [(8, 3, 2), (9, 3, 2), (10, 5, 2), (16, 7, 2), (22, 11, 2), (43, 11, 2), (44, 11, 3), (64, 11, 3), (176, 11, 5)],
)
def test_window_and_scales_follow_the_size(side: int, window: int, scales: int) -> None:
    assert window_and_scales(side) == (window, scales)


@pytest.mark.parametrize("side", range(8, 257))
def test_the_window_fits_at_every_scale(side: int) -> None:
    window, scales = window_and_scales(side)
    assert window % 2 == 1
    assert 3 <= window <= side >> (scales - 1)
    assert scales >= 2


# Computed once with pytorch-msssim 1.0.0 for `waves`: `ms_ssim` at 176, and below, which that refuses, its `_ssim` at
# each scale, multiplied with the paper's weights of so many scales divided by their sum.
@pytest.mark.parametrize(("side", "similarity"), [(8, 0.940467), (28, 0.815741), (64, 0.814672), (176, 0.800231)])
def test_it_is_the_ms_ssim_of_pytorch_msssim(side: int, similarity: float) -> None:
    x, m = waves(side)
    torch.testing.assert_close(loss(1, side, side).similarity(m, x), torch.tensor([[similarity]]), rtol=0, atol=5e-5)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 13, 9), (1, 28, 28), (3, 64, 48)])
def test_an_image_is_like_itself(shape: tuple[int, int, int]) -> None:
    x = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0)).clamp(0.01, 0.99)
    torch.testing.assert_close(loss(*shape)(x.logit(), x), torch.zeros(2), rtol=0, atol=1e-5 * x[0].numel())


@pytest.mark.parametrize(("a", "b", "rtol"), [(0.2, 0.7, 1e-3), (0.0, 0.9, 1e-4), (1.0, 0.05, 1e-4)])
def test_constant_images_differ_in_luminance_alone(a: float, b: float, rtol: float) -> None:
    raw, x = torch.full((1, 3, 28, 28), b).logit(), torch.full((1, 3, 28, 28), a)
    exponent = WEIGHTS[1] / (WEIGHTS[0] + WEIGHTS[1])  # of the coarser of two scales
    luminance = (2 * a * b + C1) / (a * a + b * b + C1)
    expected = 3 * 28 * 28 * (0.84 * (1 - luminance**exponent) + 0.16 * abs(a - b))
    # Mean square less squared mean is not quite 0 in float32, and by how much depends on the processor.
    torch.testing.assert_close(loss(3, 28, 28)(raw, x), torch.tensor([expected]), rtol=rtol, atol=0)


def test_without_ms_ssim_it_is_the_absolute_error() -> None:
    x, m = waves(28)
    torch.testing.assert_close(loss(1, 28, 28, alpha=0)(m.logit(), x), (m - x).abs().sum()[None])


@pytest.mark.parametrize("side", [8, 28, 64])
def test_gradients_are_finite_where_contrast_is_none_or_negative(side: int) -> None:
    x, _ = waves(side)
    flat = torch.full_like(x, 0.5)
    for image, decoded in ((flat, flat), (x, flat), (flat, x), (x, 1 - x)):
        raw = decoded.logit().requires_grad_()
        value = loss(1, side, side)(raw, image)
        value.sum().backward()
        assert value.isfinite().all()
        assert raw.grad is not None
        assert raw.grad.isfinite().all()
    assert loss(1, side, side)((1 - x).logit(), x) > 0.84 * 0.5 * side * side  # the reverse is not alike


def test_it_prefers_the_structure_to_the_brightness() -> None:
    # The point of SSIM: of two images with the same absolute error, the one that keeps the pattern is nearer.
    x, _ = waves(64)
    brighter, blurred = x + 0.1, x.mean().expand_as(x)
    blurred = x + (blurred - x) * 0.1 / (blurred - x).abs().mean()
    measure = loss(1, 64, 64)
    assert measure(brighter.logit(), x) < 0.5 * measure(blurred.clamp(0.01, 0.99).logit(), x)

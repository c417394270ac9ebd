"""The loss of the visible pixels alone, against closed forms; and holes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from vaeaug import ImageSpec, plugins
from vaeaug.contracts import parse_options
from vaeaug.inpainting.holes import KINDS, random_hole
from vaeaug.inpainting.visible import composite, visible_loss

SPEC = ImageSpec(channels=3, height=8, width=8)


def built(name: str, spec: ImageSpec = SPEC) -> Any:
    cls = plugins.load().loss(name).cls
    return cls(spec, parse_options(cls.Config, {}, name)).eval()


def case(loss: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Return raw output, images and masks in which from one to all pixels are visible."""
    generator = torch.Generator().manual_seed(0)
    raw = torch.randn((4, loss.raw_channels(3), 8, 8), generator=generator)
    x = torch.rand((4, 3, 8, 8), generator=generator)
    visible = (
        torch.rand((4, 1, 8, 8), generator=generator) < torch.tensor([0.02, 0.3, 0.7, 2.0]).view(4, 1, 1, 1)
    ).float()
    visible[0, 0, 3, 3] = 1
    return raw, x, visible


def closed_form(name: str, loss: Any, raw: Tensor, x: Tensor) -> Tensor:
    """Return the loss of each pixel, (B, 1, H, W)."""
    if name == "bce":
        values = binary_cross_entropy_with_logits(raw, x, reduction="none")
    elif name == "mse":
        values = (raw - x).square()
    elif name == "cross-entropy":
        target = (x * 31).round().long()
        values = cross_entropy(raw.unflatten(1, (3, 32)).transpose(1, 2), target, reduction="none")
    else:  # gaussian: N(x; sigmoid(raw), v), of a variance that is the same everywhere
        variance = loss.variance(torch.zeros(1))
        values = 0.5 * ((x - raw.sigmoid()).square() / variance + torch.log(2 * math.pi * torch.as_tensor(variance)))
    return values.sum(dim=1, keepdim=True)


@pytest.mark.parametrize("name", ["bce", "mse", "gaussian", "cross-entropy"])
def test_losses_that_are_sums_over_pixels_are_told_of_the_visible_ones_exactly(name: str) -> None:
    loss = built(name)
    raw, x, visible = case(loss)
    expected = (closed_form(name, loss, raw, x) * visible).sum(dim=(1, 2, 3))
    torch.testing.assert_close(visible_loss(loss, raw, x, visible), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", ["bce", "mse", "gaussian", "l1", "ms-ssim", "cross-entropy", "discretized-logistic"])
def test_under_every_loss_the_hole_has_no_influence_and_all_visible_is_the_loss(name: str) -> None:
    loss = built(name)
    raw, x, visible = case(loss)
    other_x, other_raw = torch.where(visible > 0, x, 1 - x), torch.where(visible > 0, raw, raw + 3)
    torch.testing.assert_close(visible_loss(loss, raw, x, visible), visible_loss(loss, other_raw, other_x, visible))
    torch.testing.assert_close(visible_loss(loss, raw, x, visible)[3], loss(raw, x)[3], rtol=1e-4, atol=1e-3)


def test_indexed_images_are_told_by_their_palette() -> None:
    spec = ImageSpec(channels=3, height=8, width=8, palette=((10, 0, 0), (0, 200, 0), (0, 0, 90)))
    loss = built("cross-entropy", spec)
    generator = torch.Generator().manual_seed(1)
    raw = torch.randn((2, 3, 8, 8), generator=generator)
    index = torch.randint(3, (2, 8, 8), generator=generator)
    x = torch.tensor(spec.palette)[index].permute(0, 3, 1, 2) / 255
    visible = (torch.rand((2, 1, 8, 8), generator=generator) < 0.5).float()
    expected = (cross_entropy(raw, index, reduction="none") * visible[:, 0]).sum(dim=(1, 2))
    torch.testing.assert_close(visible_loss(loss, raw, x, visible), expected, rtol=1e-4, atol=1e-3)


def test_a_composite_keeps_visible_pixels_bit_for_bit() -> None:
    _, x, visible = case(built("mse"))
    filled = composite(x, torch.full_like(x, 0.123), visible)
    assert torch.equal(filled[visible.expand_as(x) > 0], x[visible.expand_as(x) > 0])
    assert bool((filled[visible.expand_as(x) == 0] == 0.123).all())


@given(st.sampled_from(KINDS), st.integers(2, 40), st.integers(2, 40), st.integers(0, 10_000))
def test_a_hole_takes_some_pixels_and_leaves_some(kind: str, height: int, width: int, seed: int) -> None:
    hole = random_hole(kind, height, width, np.random.default_rng(seed))
    assert hole.shape == (height, width)
    assert hole.dtype == np.bool_
    assert hole.any()
    assert not hole.all()
    assert np.array_equal(hole, random_hole(kind, height, width, np.random.default_rng(seed)))


def test_holes_have_the_shapes_their_kinds_name() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        rectangle = random_hole("rectangle", 20, 30, rng)
        rows, columns = rectangle.any(axis=1), rectangle.any(axis=0)
        assert rectangle.sum() == rows.sum() * columns.sum()
        assert not random_hole("border", 20, 30, rng)[8:12, 13:17].all()
        assert random_hole("border", 20, 30, rng)[[0, -1]].all()
        half = random_hole("half", 20, 30, rng)
        assert (half == half[:1]).all() or (half == half[:, :1]).all()
        quarters = random_hole("quadrants", 20, 30, rng)
        assert (quarters[:10, :15] == quarters[0, 0]).all()
        assert quarters.mean() in (0.25, 0.5, 0.75)
        assert 0.4 < random_hole("scatter", 20, 30, rng).mean() < 0.97

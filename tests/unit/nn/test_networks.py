"""Patches, the residual MLP, and the networks of any image size."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vaeaug.nn import Decoder, Encoder, kl_standard_normal
from vaeaug.nn.patches import CODES, FromPatches, ToPatches, cosine_transform, lowest_frequencies, patch_size

sides = st.integers(8, 256)


@settings(max_examples=25, deadline=None)
@given(height=sides, width=sides, channels=st.sampled_from([1, 3]), raw_channels=st.sampled_from([1, 3, 6, 40]))
def test_any_size_from_8_to_256_works(height: int, width: int, channels: int, raw_channels: int) -> None:
    size = {"height": height, "width": width, "num_classes": 2}
    x_BCHW, y_B = torch.rand(2, channels, height, width), torch.tensor([0, 1])
    encoder = Encoder(channels=channels, features=6, **size)
    decoder = Decoder(features=6, channels=raw_channels, **size)
    features_BF = encoder(x_BCHW, y_B)
    assert features_BF.shape == (2, 6)
    assert decoder(features_BF, y_B).shape == (2, raw_channels, height, width)


@pytest.mark.parametrize(
    ("channels", "side", "millions"), [(1, 28, 0.75), (3, 32, 0.9), (3, 64, 0.9), (3, 128, 2.6), (3, 256, 2.6)]
)
def test_networks_are_small(channels: int, side: int, millions: float) -> None:
    pair = (
        Encoder(channels=channels, height=side, width=side, features=64),
        Decoder(features=32, channels=channels, height=side, width=side),
    )
    assert sum(p.numel() for network in pair for p in network.parameters()) < millions * 1e6


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 64, 64), (3, 13, 9), (1, 200, 96)])
def test_the_kl_starts_small(shape: tuple[int, int, int]) -> None:
    channels, height, width = shape
    torch.manual_seed(0)
    encoder = Encoder(channels=channels, height=height, width=width, features=64)
    for x_BCHW in (torch.rand(8, *shape), torch.zeros(8, *shape), torch.ones(8, *shape)):
        mean_BD, logvar_BD = encoder(x_BCHW, torch.zeros(8, dtype=torch.long)).chunk(2, dim=1)
        assert kl_standard_normal(mean_BD, logvar_BD).max() < 32  # at most a nat a latent dimension


@pytest.mark.parametrize("size", [1, 3, 8])
def test_the_cosine_transform_is_orthonormal(size: int) -> None:
    matrix = cosine_transform(size)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(size), atol=1e-5, rtol=0)


def test_frequencies_are_orthonormal_and_the_lowest_is_constant() -> None:
    basis = lowest_frequencies(3, 8, CODES).flatten(1)
    torch.testing.assert_close(basis @ basis.T, torch.eye(CODES), atol=1e-5, rtol=0)
    torch.testing.assert_close(basis[0], basis[0, :1].expand(3 * 8 * 8))


@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 40, 48), (3, 16, 16)])
def test_patches_and_back_is_the_identity_where_all_frequencies_are_kept(shape: tuple[int, int, int]) -> None:
    x_BCHW = torch.rand(2, *shape)
    back = FromPatches(*shape)(ToPatches(*shape)(x_BCHW) * patch_size(*shape) ** 0.5)
    torch.testing.assert_close(back, x_BCHW, atol=1e-4, rtol=0)


def test_patches_keep_smooth_colour_images() -> None:
    coarse = torch.rand(4, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    x_BCHW = torch.nn.functional.interpolate(coarse, size=(64, 48), mode="bicubic")
    back = FromPatches(3, 64, 48)(ToPatches(3, 64, 48)(x_BCHW) * patch_size(3, 64, 48) ** 0.5)
    assert (back - x_BCHW).square().mean() < 0.05 * x_BCHW.var()


def test_labels_are_ignored_without_classes() -> None:
    network = Encoder(channels=1, height=8, width=8, features=4)
    x_BCHW = torch.rand(2, 1, 8, 8)
    assert torch.equal(network(x_BCHW, torch.tensor([0, 0])), network(x_BCHW, torch.tensor([5, 7])))

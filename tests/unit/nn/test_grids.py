"""Grid encoders and decoders: any image size, a bounded number of patches, and patches that stay where they are."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vaeaug.nn import GridDecoder, GridEncoder, grid_patch
from vaeaug.nn.grids import grid_shape

sides = st.integers(8, 256)


@settings(max_examples=20, deadline=None)
@given(height=sides, width=sides, channels=st.sampled_from([1, 3]), raw_channels=st.sampled_from([1, 3, 40]))
def test_any_size_from_8_to_256_works(height: int, width: int, channels: int, raw_channels: int) -> None:
    patch = grid_patch(height, width, 64)
    size = {"height": height, "width": width, "patch": patch, "hidden": 8, "depth": 1}
    encoder = GridEncoder(channels=channels, features=3, **size)
    decoder = GridDecoder(features=3, channels=raw_channels, num_classes=2, **size)
    features = encoder(torch.rand(2, channels, height, width))
    assert features.shape == (2, *grid_shape(height, width, patch), 3)
    assert decoder(features, torch.tensor([0, 1])).shape == (2, raw_channels, height, width)


@settings(max_examples=100, deadline=None)
@given(height=sides, width=sides, most=st.integers(4, 1024))
def test_patches_are_the_smallest_that_few_enough_cover_the_image(height: int, width: int, most: int) -> None:
    patch = grid_patch(height, width, most)
    assert math.prod(grid_shape(height, width, patch)) <= most
    assert patch == 2 or math.prod(grid_shape(height, width, patch - 1)) > most


@pytest.mark.parametrize(("side", "patch"), [(8, 2), (28, 4), (32, 4), (64, 8), (128, 16), (256, 32)])
def test_common_sizes_have_at_most_eight_by_eight_patches(side: int, patch: int) -> None:
    assert grid_patch(side, side, 64) == patch


def test_without_layers_between_a_patch_is_read_and_written_where_it_is() -> None:
    size = {"height": 12, "width": 8, "patch": 4, "hidden": 16, "depth": 0}
    encoder, decoder = GridEncoder(channels=1, features=5, **size), GridDecoder(features=5, channels=1, **size)
    x = torch.rand(1, 1, 12, 8)
    other = x.clone()
    other[:, :, 4:8, 0:4] += 1
    moved = (encoder(other) - encoder(x)).abs().sum(dim=3)[0]
    assert moved[1, 0] > 0
    assert moved.sum() == moved[1, 0]
    y = torch.tensor([0])
    shown = (decoder(encoder(other), y) - decoder(encoder(x), y)).abs()[0, 0]
    assert shown[4:8, 0:4].sum() > 0
    torch.testing.assert_close(shown.sum(), shown[4:8, 0:4].sum())

"""Latents of any structure become columns of numbers, by one rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from vaeaug import Encoded
from vaeaug.errors import VaeaugError
from vaeaug.features.columns import Layout

B = 3


def columns(encoded: Encoded) -> dict[str, tuple[tuple[int, ...], str]]:
    return {column.name: (column.shape, column.dtype) for column in Layout.of(encoded).columns}


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(B, *shape, generator=torch.Generator().manual_seed(len(shape)))


def test_a_gaussian_posterior_is_its_mean_and_its_log_variance() -> None:
    z_BD, scale_BD = normal(4), normal(4).exp()
    encoded = Encoded(z_BD, z_BD, scale=scale_BD)
    assert columns(encoded) == {"mean": ((4,), "float32"), "logvar": ((4,), "float32")}
    arrays = Layout.of(encoded).arrays(encoded)
    np.testing.assert_array_equal(arrays["mean"], z_BD.numpy())
    np.testing.assert_allclose(np.exp(arrays["logvar"]), scale_BD.numpy() ** 2, rtol=1e-5)


def test_without_a_scale_there_is_no_logvar() -> None:
    z_BD = normal(4)
    assert columns(Encoded(z_BD, z_BD)) == {"mean": ((4,), "float32")}


def test_a_grid_that_the_features_are_made_of_is_not_written_twice() -> None:
    z_Bchw = normal(2, 3, 3)
    encoded = Encoded(z_Bchw, z_Bchw.flatten(1), scale=torch.ones_like(z_Bchw))
    assert columns(encoded) == {"mean": ((18,), "float32"), "logvar": ((18,), "float32")}


def test_a_latent_that_the_features_are_not_made_of_is_written_beside_them() -> None:
    z_Bchw = normal(2, 3, 3)
    encoded = Encoded(z_Bchw, z_Bchw.mean(dim=(2, 3)), scale=torch.ones_like(z_Bchw))
    assert columns(encoded) == {
        "mean": ((2,), "float32"),
        "mean/latent": ((2, 3, 3), "float32"),
        "logvar/latent": ((2, 3, 3), "float32"),
    }


def test_groups_are_counted_from_one_and_the_features_are_found_among_them() -> None:
    latent = (normal(5, 1, 1), normal(2, 2, 2))
    encoded = Encoded(latent, latent[0].flatten(1), scale=(latent[0].exp(), latent[1].exp()))
    assert list(columns(encoded)) == ["mean", "logvar", "mean/1", "logvar/1", "mean/2", "logvar/2"]
    arrays = Layout.of(encoded).arrays(encoded)
    np.testing.assert_array_equal(arrays["mean"], arrays["mean/1"])
    np.testing.assert_array_equal(arrays["logvar"], arrays["logvar/1"])
    np.testing.assert_array_equal(arrays["mean/2"], latent[1].flatten(1).numpy())


def test_names_are_the_variants_own_and_nest() -> None:
    latent: Any = {"shape": normal(3), "look": [normal(2), torch.zeros(B, 2, 2, dtype=torch.int64)]}
    assert columns(Encoded(latent, normal(7))) == {
        "mean": ((7,), "float32"),
        "mean/shape": ((3,), "float32"),
        "mean/look/1": ((2,), "float32"),
        "codes/look/2": ((2, 2), "int32"),
    }


def test_codes_are_whole_numbers_of_32_bits() -> None:
    codes_Bhw = torch.arange(B * 4).view(B, 2, 2)
    encoded = Encoded(codes_Bhw, normal(6))
    assert columns(encoded) == {"mean": ((6,), "float32"), "codes": ((2, 2), "int32")}
    np.testing.assert_array_equal(Layout.of(encoded).arrays(encoded)["codes"], codes_Bhw.flatten(1).numpy())
    with pytest.raises(VaeaugError, match="32 bits"):
        Layout.of(encoded).arrays(Encoded(codes_Bhw + 2**31, normal(6)))


def test_a_scale_of_zero_has_a_finite_logarithm() -> None:
    z_BD = normal(4)
    encoded = Encoded(z_BD, z_BD, scale=torch.zeros_like(z_BD))
    assert np.isfinite(Layout.of(encoded).arrays(encoded)["logvar"]).all()

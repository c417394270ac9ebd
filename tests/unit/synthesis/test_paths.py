"""Paths through latent space: their ends, their lengths, and codes that are exchanged one by one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vaeaug.contracts import leaves
from vaeaug.synthesis.paths import PATHS, is_discrete, latent_path


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(1, *shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("path", PATHS)
def test_a_path_ends_where_it_should_to_the_last_bit(path: str) -> None:
    start: Any = (normal(0, 5), {"grid": normal(1, 2, 3, 3), "codes": torch.zeros(1, 4, 4, dtype=torch.int64)})
    end: Any = (normal(2, 5), {"grid": normal(3, 2, 3, 3), "codes": torch.full((1, 4, 4), 7)})
    way = latent_path(start, end, torch.linspace(0, 1, 7), path)
    for a, b, between in zip(leaves(start), leaves(end), leaves(way), strict=True):
        assert between.shape == (7, *a.shape[1:])
        assert between.dtype == a.dtype
        assert torch.equal(between[:1], a)
        assert torch.equal(between[-1:], b)


def test_a_line_is_a_line() -> None:
    a, b = normal(0, 6), normal(1, 6)
    torch.testing.assert_close(latent_path(a, b, torch.tensor([0.25]), "linear"), 0.75 * a + 0.25 * b)


@given(st.integers(0, 1000), st.floats(0, 1))
def test_slerp_stays_on_the_sphere_where_both_ends_lie(seed: int, t: float) -> None:
    a, b = (z / z.norm() for z in (normal(seed, 64), normal(seed + 1, 64)))
    (z_1D,) = leaves(latent_path(a, b, torch.tensor([t]), "slerp"))
    assert float(z_1D.norm()) == pytest.approx(1, abs=1e-5)
    (line_1D,) = leaves(latent_path(a, b, torch.tensor([0.5]), "linear"))
    assert float(line_1D.norm()) < 0.9  # the middle of the line is nearer to the origin than any draw


def test_slerp_goes_evenly() -> None:
    a, b = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    (way,) = leaves(latent_path(a, b, torch.linspace(0, 1, 4), "slerp"))
    torch.testing.assert_close(torch.atan2(way[:, 1], way[:, 0]), torch.linspace(0, torch.pi / 2, 4))


def test_slerp_is_a_line_where_there_is_no_arc() -> None:
    zero, z_1D = torch.zeros(1, 4), normal(0, 4)
    for a, b in ((zero, z_1D), (z_1D, 2 * z_1D), (z_1D, -z_1D)):
        (way,) = leaves(latent_path(a, b, torch.tensor([0.5]), "slerp"))
        torch.testing.assert_close(way, (a + b) / 2)


def test_codes_are_exchanged_one_by_one_and_never_mixed() -> None:
    a, b = torch.zeros(1, 3, 4, dtype=torch.int64), torch.full((1, 3, 4), 9)
    (way,) = leaves(latent_path(a, b, torch.linspace(0, 1, 13), "slerp"))
    assert set(way.unique().tolist()) == {0, 9}
    assert (way == 9).flatten(1).sum(1).tolist() == list(range(13))
    assert ((way[1:] == 9) >= (way[:-1] == 9)).all()  # what is exchanged stays so
    assert is_discrete(a)
    assert not is_discrete((normal(0, 3), normal(1, 3)))


def test_the_command_line_offers_what_there_is() -> None:
    from vaeaug.workflows.pictures import picture_settings as interpolate_settings

    assert interpolate_settings.PATHS == PATHS

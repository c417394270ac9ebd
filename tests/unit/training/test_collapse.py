"""Active units (Burda et al. 2016): dimensions whose posterior mean varies over the images."""

import pytest
import torch

from vaeaug.training.collapse import ActiveUnits, active_units


def test_active_units_counts_the_dimensions_whose_mean_varies() -> None:
    generator = torch.Generator().manual_seed(0)
    deviations_D = torch.tensor([1.0, 0.5, 0.2, 0.05, 0.01, 0.0])  # variances 1, .25, .04 lie above 0.01
    features_ND = torch.randn(4000, 6, generator=generator) * deviations_D + 7
    assert active_units(features_ND) == ActiveUnits(active=3, total=6)


def test_a_single_image_has_no_active_unit_and_no_nan() -> None:
    assert active_units(torch.randn(1, 3)) == ActiveUnits(active=0, total=3)


@pytest.mark.parametrize(
    ("active", "total", "collapsed"), [(0, 1, True), (1, 1, False), (0, 16, True), (1, 32, True), (2, 32, False)]
)
def test_collapse_is_fewer_than_one_active_dimension_in_sixteen(active: int, total: int, collapsed: bool) -> None:
    units = ActiveUnits(active, total)
    assert units.collapsed is collapsed
    assert (units.advice(kl=True) is not None) is collapsed


def test_the_advice_names_the_numbers_and_a_remedy() -> None:
    advice = ActiveUnits(1, 32).advice(kl=True)
    assert advice is not None
    assert "1 of 32" in advice
    assert "--kl-warmup" in advice


def test_the_advice_on_an_objective_without_a_kl_names_none_of_its_options() -> None:
    advice = ActiveUnits(1, 32).advice(kl=False)
    assert advice is not None
    assert "1 of 32" in advice
    assert "kl" not in advice
    assert "posterior" not in advice

"""Every shipped plugin keeps the contract: a new one is tested the moment it has its entry-point line."""

import pytest
from shipped_plugins import LOSSES, MODULES, SAMPLERS, VARIANTS

from vaeaug.testing import check_loss, check_sampler, check_variant


def test_every_entry_point_brings_something() -> None:
    assert VARIANTS
    assert LOSSES
    assert SAMPLERS
    assert len(VARIANTS) + len(LOSSES) + len(SAMPLERS) >= len(MODULES)


@pytest.mark.parametrize("name", LOSSES)
def test_loss_keeps_the_contract(name: str) -> None:
    check_loss(LOSSES[name], **LOSSES[name].small_options)


@pytest.mark.parametrize("name", SAMPLERS)
def test_sampler_keeps_the_contract(name: str) -> None:
    check_sampler(SAMPLERS[name])


@pytest.mark.parametrize("name", VARIANTS)
def test_variant_keeps_the_contract(name: str) -> None:
    check_variant(VARIANTS[name])  # with its defaults; below with its small options


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_any_loss_goes_with_any_variant(variant: str, loss: str) -> None:
    small = LOSSES[loss].small_options
    check_variant(VARIANTS[variant], LOSSES[loss], loss_options=small, **VARIANTS[variant].small_options)


@pytest.mark.parametrize("name", [*VARIANTS, *LOSSES, *SAMPLERS])
def test_it_says_where_it_comes_from(name: str) -> None:
    cls = {**VARIANTS, **LOSSES, **SAMPLERS}[name]
    assert any(character.isdigit() for character in cls.reference), f"{name} states no paper and year"

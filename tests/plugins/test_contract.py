"""Every shipped plugin keeps the contract: a new one is tested the moment it has its entry-point line."""

import pytest
from shipped_plugins import LOSSES, MODULES, SAMPLERS, VARIANTS

from vaeaug.contracts import ImageSpec
from vaeaug.testing import check_loss, check_sampler, check_variant
from vaeaug.testing.objective import check_divergence, check_log_ratio
from vaeaug.testing.reference import PixelwiseGaussian, SquaredDistance
from vaeaug.testing.variant import CHECKS
from vaeaug.testing.variant_case import VariantCase

PAIRED_ON = ImageSpec(channels=3, height=13, width=9, num_classes=2)
"""The images of the pairs, odd and not square: each plugin is checked on all sizes by itself."""

PAIR_CHECKS = [check for check in CHECKS if check not in (check_divergence, check_log_ratio)]
"""All but those of the posterior, which computes without the loss."""


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
    """With its defaults, and more raw channels than the image has."""
    check_variant(VARIANTS[name], PixelwiseGaussian)


@pytest.mark.parametrize("name", VARIANTS)
def test_small_variant_keeps_the_contract(name: str) -> None:
    check_variant(VARIANTS[name], SquaredDistance, **VARIANTS[name].small_options)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_any_loss_goes_with_any_variant(variant: str, loss: str) -> None:
    small = LOSSES[loss].small_options
    case = VariantCase(VARIANTS[variant], PAIRED_ON, VARIANTS[variant].small_options, LOSSES[loss], small)
    for check in PAIR_CHECKS:
        check(case)


@pytest.mark.parametrize("name", [*VARIANTS, *LOSSES, *SAMPLERS])
def test_it_says_where_it_comes_from(name: str) -> None:
    cls = {**VARIANTS, **LOSSES, **SAMPLERS}[name]
    assert any(character.isdigit() for character in cls.reference), f"{name} states no paper and year"

"""Every shipped plugin keeps the contract: a new one is tested the moment it has its entry-point line."""

from importlib.metadata import entry_points
from typing import Any

import pytest

from vaeaug.testing import check_loss, check_variant

MODULES = [point.load() for point in sorted(entry_points(group="vaeaug")) if point.value.startswith("vaeaug_plugins.")]
VARIANTS = {
    cls.name: cls for module in MODULES if hasattr(module, "vaeaug_variants") for cls in module.vaeaug_variants()
}
# What cannot run with its defaults, for they would have to be downloaded.
LOSS_OPTIONS: dict[str, dict[str, Any]] = {"perceptual": {"network": "feature_networks:tiny", "side": 8}}
LOSSES = {cls.name: cls for module in MODULES if hasattr(module, "vaeaug_losses") for cls in module.vaeaug_losses()}


def test_the_registry_is_not_empty() -> None:
    assert {"vae", "beta-vae", "cvae"} <= set(VARIANTS)
    assert {"bce", "mse", "gaussian"} <= set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_loss_keeps_the_contract(name: str) -> None:
    check_loss(LOSSES[name], **LOSS_OPTIONS.get(name, {}))


@pytest.mark.parametrize("name", VARIANTS)
def test_variant_keeps_the_contract(name: str) -> None:
    check_variant(VARIANTS[name])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_any_loss_goes_with_any_variant(variant: str, loss: str) -> None:
    check_variant(VARIANTS[variant], LOSSES[loss], loss_options=LOSS_OPTIONS.get(loss, {}))


@pytest.mark.parametrize("name", [*VARIANTS, *LOSSES])
def test_it_says_where_it_comes_from(name: str) -> None:
    cls = {**VARIANTS, **LOSSES}[name]
    assert any(character.isdigit() for character in cls.reference), f"{name} states no paper and year"

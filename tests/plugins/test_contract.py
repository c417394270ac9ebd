"""Every shipped plugin keeps the contract: a new one is tested the moment it has its entry-point line."""

from importlib.metadata import entry_points
from typing import Any

import pytest

from vaeaug.testing import check_loss, check_sampler, check_variant

MODULES = [point.load() for point in sorted(entry_points(group="vaeaug")) if point.value.startswith("vaeaug_plugins.")]
VARIANTS = {
    cls.name: cls for module in MODULES if hasattr(module, "vaeaug_variants") for cls in module.vaeaug_variants()
}
# What cannot run with its defaults, for they would have to be downloaded.
LOSS_OPTIONS: dict[str, dict[str, Any]] = {"perceptual": {"network": "feature_networks:tiny", "side": 8}}
# Networks small enough that all pairs take a minute; each variant is checked with its defaults once.
TINY = {"width": 16, "latent_dim": 4}
VARIANT_OPTIONS: dict[str, dict[str, Any]] = {
    "ae": TINY,
    "beta-vae": TINY,
    "cvae": TINY,
    "hvae": {"width": 32, "latent_dim": 4},
    "iwae": {**TINY, "samples": 2},
    "vae": TINY,
    "vae-gan": {**TINY, "discriminator_width": 4},
    "vamp-vae": {**TINY, "pseudo_inputs": 3},
    "vq-vae": {"width": 16, "grid": 9, "prior_width": 16, "prior_depth": 1},
}
LOSSES = {cls.name: cls for module in MODULES if hasattr(module, "vaeaug_losses") for cls in module.vaeaug_losses()}
SAMPLERS = {
    cls.name: cls for module in MODULES if hasattr(module, "vaeaug_samplers") for cls in module.vaeaug_samplers()
}


def test_the_registry_is_not_empty() -> None:
    assert set(VARIANTS) == set(VARIANT_OPTIONS)
    assert {"bce", "cross-entropy", "discretized-logistic", "gaussian", "l1", "mse", "ms-ssim", "perceptual"} == set(
        LOSSES
    )


@pytest.mark.parametrize("name", LOSSES)
def test_loss_keeps_the_contract(name: str) -> None:
    check_loss(LOSSES[name], **LOSS_OPTIONS.get(name, {}))


def test_the_registry_has_samplers() -> None:
    assert SAMPLERS


@pytest.mark.parametrize("name", SAMPLERS)
def test_sampler_keeps_the_contract(name: str) -> None:
    check_sampler(SAMPLERS[name])


@pytest.mark.parametrize("name", VARIANTS)
def test_variant_keeps_the_contract(name: str) -> None:
    check_variant(VARIANTS[name])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_any_loss_goes_with_any_variant(variant: str, loss: str) -> None:
    options = {"loss_options": LOSS_OPTIONS.get(loss, {}), **VARIANT_OPTIONS[variant]}
    check_variant(VARIANTS[variant], LOSSES[loss], **options)


@pytest.mark.parametrize("name", [*VARIANTS, *LOSSES, *SAMPLERS])
def test_it_says_where_it_comes_from(name: str) -> None:
    cls = {**VARIANTS, **LOSSES, **SAMPLERS}[name]
    assert any(character.isdigit() for character in cls.reference), f"{name} states no paper and year"

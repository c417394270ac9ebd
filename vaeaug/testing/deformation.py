"""The checks of deformations, for variants that draw them and samplers that pass them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from vaeaug.testing.cases import seeded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vaeaug.contracts import Deformation
    from vaeaug.testing.variant_case import VariantCase


def deformation_faults(deformation: Deformation, count: int) -> Iterator[str]:
    """Yield what is wrong with the shapes and values of the deformations of `count` images."""
    displacement = deformation.displacement_B2HW
    if displacement.ndim != 4 or displacement.shape[:2] != (count, 2) or min(displacement.shape[2:]) < 2:
        yield f"displacement_B2HW has shape {tuple(displacement.shape)}; it must be ({count}, 2, H, W), H and W from 2"
        return
    if not displacement.isfinite().all():
        yield "displacement_B2HW is not finite"
    gain = deformation.log_gain_BHW
    if gain is None:
        return
    if gain.shape != (count, *displacement.shape[2:]):
        yield f"log_gain_BHW has shape {tuple(gain.shape)}; it must be {(count, *displacement.shape[2:])} or None"
    elif not gain.isfinite().all():
        yield "log_gain_BHW is not finite"


def check_deformation(case: VariantCase) -> None:
    """Check `deform` of a variant that has it: shapes, determinism, variety, and none at strength 0."""
    if not case.cls.deforms:
        return
    model, (x, y) = case.perturbed(), case.batch()
    with torch.no_grad():
        latent = model.encode(x, y).latent
        full = torch.ones(len(y))
        first, again, other = (model.deform(latent, y, full, seeded(seed)) for seed in (1, 1, 2))
        none = model.deform(latent, y, 0 * full, seeded(1))
    for fault in deformation_faults(first, len(y)):
        raise AssertionError(f"{case.name}: deform(): {fault}")
    same, different = (torch.equal(first.displacement_B2HW, each.displacement_B2HW) for each in (again, other))
    assert same, f"{case.name}: deform() gave two draws for one seed"
    assert not different, f"{case.name}: deform() ignores its generator"
    still = not none.displacement_B2HW.any() and (none.log_gain_BHW is None or not none.log_gain_BHW.any())
    assert still, f"{case.name}: deform() changes images at strength 0; scale the deformation by strength_B"

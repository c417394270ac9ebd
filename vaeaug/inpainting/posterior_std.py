"""How wide the posterior of a stored latent is, even if there is none."""

from __future__ import annotations

import torch
from torch import Tensor

from vaeaug.contracts import Latents
from vaeaug.contracts.latent import flatten

DETERMINISTIC_STD = 0.05  # the standard deviation given to a deterministic latent, in those of its class


def posterior_std(latents: Latents) -> Tensor:
    """Return the posterior's standard deviations, all leaves concatenated, (N, D); zero for codes."""
    if latents.scale is not None:
        return flatten(latents.scale)
    mode_ND = flatten(latents.latent)
    if not mode_ND.is_floating_point():
        return torch.zeros(mode_ND.shape)
    return (DETERMINISTIC_STD * mode_ND.std(dim=0, correction=0)).expand_as(mode_ND)

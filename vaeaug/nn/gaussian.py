"""The mathematics of Gaussian latents."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def standard_normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw from N(0, I) on the generator's device."""
    return torch.randn(shape, generator=generator, device=generator.device)


def reparameterize(mean_BD: Tensor, logvar_BD: Tensor, generator: torch.Generator) -> Tensor:
    """Draw z = mean + std * eps with eps ~ N(0, I), so that gradients reach both (Kingma & Welling 2014, sec. 2.4)."""
    eps_BD = standard_normal(tuple(mean_BD.shape), generator).to(mean_BD)
    return mean_BD + (0.5 * logvar_BD).exp() * eps_BD


def log_normal(z_BD: Tensor, mean_BD: Tensor, logvar_BD: Tensor) -> Tensor:
    """Return log N(z; mean, diag exp logvar) in nats, shape (B,)."""
    squares_BD = (z_BD - mean_BD).square() * (-logvar_BD).exp()
    return -0.5 * (math.log(2 * math.pi) + logvar_BD + squares_BD).sum(dim=1)


def kl_standard_normal(mean_BD: Tensor, logvar_BD: Tensor) -> Tensor:
    """Return KL(N(mean, diag exp logvar) || N(0, I)) in nats, shape (B,) (Kingma & Welling 2014, appendix B)."""
    return 0.5 * (mean_BD.square() + logvar_BD.exp() - 1 - logvar_BD).sum(dim=1)


def kl_gaussians(mean_BD: Tensor, logvar_BD: Tensor, prior_mean_BD: Tensor, prior_logvar_BD: Tensor) -> Tensor:
    """Return KL(N(mean, diag exp logvar) || N(prior_mean, diag exp prior_logvar)) in nats, shape (B,)."""
    offset_BD = mean_BD - prior_mean_BD
    return kl_standard_normal(
        offset_BD * (-0.5 * prior_logvar_BD).exp(), logvar_BD - prior_logvar_BD
    )  # the KL does not change when both are shifted and scaled alike

"""An inpainting encoder for continuous latents: a mixture of diagonal Gaussians.

c(z | x, m, y) = sum_j w_j N(z; mean_j, diag std_j^2), with w, mean and std from one network of (x, m, y).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from vaeaug.contracts import ImageSpec, Latent, Latents
from vaeaug.contracts.latent import flatten, unflatten
from vaeaug.inpainting.encoder import InpaintingEncoder, masked_input
from vaeaug.inpainting.posterior_std import posterior_std
from vaeaug.nn import Encoder, standard_normal
from vaeaug.nn.adamw import AdamW

LOG_STD = (-4.0, 2.0)  # of latents standardized a class: no narrower than deterministic latents are smeared to
REFINE_STEPS, REFINE_RATE = 16, 0.1
SHRINKAGE = 10  # images of all classes that count towards the standard deviations of each


class MixtureEncoder(InpaintingEncoder):
    """A mixture of Gaussians over all leaves of a latent concatenated, D values, standardized class by class."""

    kind = "mixture"
    mean_KD: Tensor
    std_KD: Tensor

    def __init__(self, spec: ImageSpec, like: Latent, *, components: int = 8, hidden: int = 256) -> None:
        super().__init__(spec)
        self.like, self.components, self.hidden = like, components, hidden
        self.dim = flatten(like).shape[1]
        self.network = Encoder(
            channels=spec.channels + 1,
            height=spec.height,
            width=spec.width,
            features=components * (2 * self.dim + 1),
            num_classes=spec.num_classes,
            hidden=hidden,
        )
        self.register_buffer("mean_KD", torch.zeros(spec.num_classes, self.dim))
        self.register_buffer("std_KD", torch.ones(spec.num_classes, self.dim))

    @torch.no_grad()
    def standardize(self, classes: Sequence[Latents]) -> None:
        """Set the means and standard deviations of each class, for small classes shrunk towards the overall ones."""
        moments = []
        for latents in classes:
            mode_ND, scale_ND = flatten(latents.latent), posterior_std(latents)
            variance_D = mode_ND.var(dim=0, correction=0) + scale_ND.square().mean(dim=0)
            moments.append((mode_ND.mean(dim=0), variance_D, len(mode_ND)))
        pooled_D = sum(variance * count for _, variance, count in moments) / sum(count for _, _, count in moments)
        for label, (mean_D, variance_D, count) in enumerate(moments):
            shrunk_D = (variance_D * count + pooled_D * SHRINKAGE) / (count + SHRINKAGE)
            self.mean_KD[label] = mean_D
            self.std_KD[label] = shrunk_D.clamp(min=1e-12).sqrt()

    def settings(self) -> dict[str, Any]:
        """See `InpaintingEncoder.settings`."""
        return {"components": self.components, "hidden": self.hidden}

    def moments(self, x_BCHW: Tensor, visible_B1HW: Tensor, y_B: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return log-weights (B, M), means (B, M, D) and log-stds (B, M, D) in standardized coordinates."""
        out_BMF = self.network(masked_input(x_BCHW, visible_B1HW), y_B).unflatten(1, (self.components, -1))
        logit_BM1, mean_BMD, log_std_BMD = out_BMF.split([1, self.dim, self.dim], dim=2)
        return log_softmax(logit_BM1[..., 0], dim=1), mean_BMD, log_std_BMD.clamp(*LOG_STD)

    def loss(
        self,
        x_BCHW: Tensor,
        visible_B1HW: Tensor,
        y_B: Tensor,
        z_BD: Tensor,
        generator: torch.Generator,  # noqa: ARG002
    ) -> Tensor:
        """See `InpaintingEncoder.loss`."""
        u_BD = (z_BD - self.mean_KD[y_B]) / self.std_KD[y_B]
        constant_B = 0.5 * self.dim * math.log(2 * math.pi) + self.std_KD[y_B].log().sum(dim=1)
        return constant_B + _energy(u_BD, *self.moments(x_BCHW, visible_B1HW, y_B))

    @torch.no_grad()
    def draw(self, x_CHW: Tensor, visible_1HW: Tensor, label: int, count: int, generator: torch.Generator) -> Latent:
        """See `InpaintingEncoder.draw`."""
        y_1 = torch.full((1,), label, device=x_CHW.device)
        log_weight_1M, mean_1MD, log_std_1MD = self.moments(x_CHW[None], visible_1HW[None], y_1)
        chosen_S = torch.multinomial(log_weight_1M[0].exp(), count, replacement=True, generator=generator)
        noise_SD = standard_normal((count, self.dim), generator)
        u_SD = mean_1MD[0, chosen_S] + log_std_1MD[0, chosen_S].exp() * noise_SD
        z_SD = self.mean_KD[label] + self.std_KD[label] * u_SD
        return unflatten(z_SD, self.like)

    def refine(
        self,
        latent: Latent,
        x_CHW: Tensor,
        visible_1HW: Tensor,
        label: int,
        visible_loss: Callable[[Latent], Tensor],
    ) -> Latent:
        """Take a few steps of Adam on the visible pixels' loss minus log c (Kim et al., Semi-Amortized VAEs, 2018)."""
        with torch.no_grad():
            moments = self.moments(x_CHW[None], visible_1HW[None], torch.full((1,), label, device=x_CHW.device))
        with torch.enable_grad():
            u_SD = ((flatten(latent) - self.mean_KD[label]) / self.std_KD[label]).detach().requires_grad_(True)
            optimizer = AdamW([u_SD], betas=(0.8, 0.95))
            for _ in range(REFINE_STEPS):
                z_SD = self.mean_KD[label] + self.std_KD[label] * u_SD
                energy_S = visible_loss(unflatten(z_SD, self.like)) + _energy(u_SD, *moments)
                (u_SD.grad,) = torch.autograd.grad(energy_S.sum(), u_SD)
                optimizer.step(REFINE_RATE)
        return unflatten(self.mean_KD[label] + self.std_KD[label] * u_SD.detach(), self.like)


def _energy(u_BD: Tensor, log_weight_BM: Tensor, mean_BMD: Tensor, log_std_BMD: Tensor) -> Tensor:
    """Return -log of the mixture's density except for a constant, (B,)."""
    squares_BMD = ((u_BD[:, None] - mean_BMD) * (-log_std_BMD).exp()).square()
    return -(log_weight_BM - (0.5 * squares_BMD + log_std_BMD).sum(dim=2)).logsumexp(dim=1)

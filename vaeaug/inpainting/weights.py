"""Importance weights of latents for an image of which a part is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vaeaug.contracts import Latent, leaves
from vaeaug.inpainting.visible import composite, visible_loss
from vaeaug.models.network import Network

BISECTIONS = 30


@dataclass(frozen=True, slots=True)
class WeightedCompletions:
    """N weighted completions of one image.

    Attributes:
        decoded_NCHW: the decoded images, including visible pixels.
        log_weight_N: log-weights in nats: their mean weight estimates p(visible pixels | class).
    """

    decoded_NCHW: Tensor
    log_weight_N: Tensor

    @property
    def evidence(self) -> Tensor:
        """The estimate of log p(visible pixels | class), shape ()."""
        return self.log_weight_N.logsumexp(dim=0) - math.log(len(self.log_weight_N))


def tempered(log_weight_N: Tensor, min_draws: float) -> Tensor:
    """Return weights (N,) that sum to 1, tempered until their effective number of draws is at least `min_draws`.

    They are softmax(b * log-weights) with the largest b <= 1 for which 1 / sum w^2 (Kong 1992) is at least `min_draws`.
    With b = 1, a single draw would often have all the weight.
    """
    low, high = 0.0, 1.0
    if float(1 / log_weight_N.softmax(dim=0).square().sum()) >= min_draws:
        return log_weight_N.softmax(dim=0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        enough = float(1 / (middle * log_weight_N).softmax(dim=0).square().sum()) >= min_draws
        low, high = (middle, high) if enough else (low, middle)
    return (low * log_weight_N).softmax(dim=0)


def weigh(
    network: Network, x_CHW: Tensor, visible_1HW: Tensor, label: int, latent: Latent, generator: torch.Generator
) -> WeightedCompletions:
    """Complete an image with each of N proposed latents, and weight the completions.

    Each completion is encoded again, so the proposal's density is not needed: z' ~ q(. | completion) has the weight
    p(x visible|z') p(z') / q(z'|completion), whose mean is p(x visible) (Burda et al. 2016, eq. 8). For a variant
    without `log_ratio` the weight is p(x visible|z), and the latents stay as proposed.

    Args:
        x_CHW: in [0, 1]; the content of the hole is ignored.
        visible_1HW: 1 where a pixel is visible, 0 where it is missing.
    """
    y_N = torch.full((len(leaves(latent)[0]),), label, device=x_CHW.device)
    raw_NRHW = network.variant.decode(latent, y_N)
    decoded_NCHW = network.loss.image(raw_NRHW)
    encoded = network.variant.encode(composite(x_CHW[None], decoded_NCHW, visible_1HW[None]), y_N, generator)
    log_ratio_N = encoded.log_ratio
    if log_ratio_N is None:
        log_ratio_N = torch.zeros(len(y_N), device=x_CHW.device)
    else:
        raw_NRHW = network.variant.decode(encoded.latent, y_N)
        decoded_NCHW = network.loss.image(raw_NRHW)
    visible_N1HW = visible_1HW.expand(len(y_N), -1, -1, -1)
    log_weight_N = -visible_loss(network.loss, raw_NRHW, x_CHW[None], visible_N1HW) - log_ratio_N
    return WeightedCompletions(decoded_NCHW, log_weight_N)

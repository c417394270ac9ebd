"""Importance weights of latents for an image of which a part is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vaeaug.contracts import Latent, leaves
from vaeaug.inpainting.visible import composite, visible_loss
from vaeaug.models.network import Network


@dataclass(frozen=True, slots=True)
class Weighted:
    """N completions of one image and what each weighs.

    Attributes:
        images_NCHW: completions, visible pixels as they were.
        decoded_NCHW: the same with visible pixels as they are decoded.
        log_weight_N: log-weights in nats: their mean weight estimates p(visible pixels | class).
    """

    images_NCHW: Tensor
    decoded_NCHW: Tensor
    log_weight_N: Tensor

    @property
    def evidence(self) -> Tensor:
        """The estimate of log p(visible pixels | class), shape ()."""
        return self.log_weight_N.logsumexp(dim=0) - math.log(len(self.log_weight_N))


def weigh(
    network: Network, x_CHW: Tensor, visible_1HW: Tensor, label: int, latent: Latent, generator: torch.Generator
) -> Weighted:
    """Complete an image with each of N proposed latents, and weight the completions.

    The proposal's own density is not needed, for each completion is encoded again: z' ~ q(. | completion) has the
    weight p(x visible|z') p(z') / q(z'|completion), whose mean is p(x visible) whatever was proposed (Burda et al.,
    Importance Weighted Autoencoders, 2016, eq. 8, with the completion in place of the image). A variant that does not
    tell `log_ratio` is weighted by p(x visible|z) alone, and its latents stay as proposed.

    Args:
        network: in eval mode.
        x_CHW: the image in [0, 1]; what it holds in the hole has no influence.
        visible_1HW: 1 where a pixel is visible, 0 where it is missing.
        label: the class.
        latent: the N proposals.
        generator: of the draws z'.
    """
    y_N = torch.full((len(leaves(latent)[0]),), label, device=x_CHW.device)
    raw_NRHW = network.variant.decode(latent, y_N)
    decoded_NCHW = network.loss.image(raw_NRHW)
    images_NCHW = composite(x_CHW[None], decoded_NCHW, visible_1HW[None])
    encoded = network.variant.encode(images_NCHW, y_N, generator)
    log_ratio_N = encoded.log_ratio
    if log_ratio_N is None:
        log_ratio_N = torch.zeros(len(y_N), device=x_CHW.device)
    else:
        raw_NRHW = network.variant.decode(encoded.latent, y_N)
        decoded_NCHW = network.loss.image(raw_NRHW)
        images_NCHW = composite(x_CHW[None], decoded_NCHW, visible_1HW[None])
    visible_N1HW = visible_1HW.expand(len(y_N), -1, -1, -1)
    log_weight_N = -visible_loss(network.loss, raw_NRHW, x_CHW[None], visible_N1HW) - log_ratio_N
    return Weighted(images_NCHW, decoded_NCHW, log_weight_N)

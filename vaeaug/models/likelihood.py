"""Bounds on the likelihood of images under a model, in nats."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vaeaug.errors import InputError
from vaeaug.models.network import Network
from vaeaug.nn.pixel_gaussian import PixelGaussian

DRAWS_PER_BATCH = 50


@torch.no_grad()
def iwae_bound(
    network: Network,
    x_BCHW: Tensor,
    y_B: Tensor,
    generator: torch.Generator,
    draws: int,
    residual: PixelGaussian | None = None,
) -> Tensor:
    """Return the importance-weighted bound -log 1/K sum_k p(x, z_k) / q(z_k|x) of each image, shape (B,), in nats.

    With one draw it is the negative ELBO; with more it falls towards -log p(x) (Burda et al. 2016, eq. 8). It is a
    likelihood if the loss is one.

    Args:
        network: in eval mode.
        x_BCHW: images in [0, 1].
        draws: K.
        residual: density of what the decoder leaves out (`PixelGaussians.residuals`), in place of the loss.

    Raises:
        InputError: if the variant has no importance weights (`Encoded.log_ratio`).
    """
    parts = []
    for start in range(0, draws, DRAWS_PER_BATCH):
        count = min(DRAWS_PER_BATCH, draws - start)
        x_KCHW, y_K = x_BCHW.repeat_interleave(count, dim=0), y_B.repeat_interleave(count)
        encoded = network.variant.encode(x_KCHW, y_K, generator)
        if encoded.log_ratio is None:
            raise InputError(
                f"the variant '{network.variant.name}' has no importance weights, so this bound cannot be computed"
            )
        raw_KRHW = network.variant.decode(encoded.latent, y_K)
        if residual is None:
            log_density_K = -network.loss(raw_KRHW, x_KCHW)
        else:
            log_density_K = residual.log_density(x_KCHW - network.loss.image(raw_KRHW))
        parts.append((log_density_K - encoded.log_ratio).view(len(x_BCHW), count))
    return math.log(draws) - torch.cat(parts, dim=1).logsumexp(dim=1)

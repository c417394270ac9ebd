"""Random contrasts: weighted sums of images of a class whose weights sum to 0."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vaeaug.nn.gaussian import standard_normal


def random_contrasts(count: int, images: int, others: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return B random contrasts of K of N images: indices of the images and their weights, each (B, K), on the CPU.

    The weights are w = (v - mean v) / sqrt(K - 1) with v from N(0, I). Over all choices of images, the covariance of
    sum_k w_k x_k is that of the images. One image has no contrast: its weight is 0.

    Args:
        count: B.
        images: N.
        others: K, if there are so many images.
    """
    others = min(others, images)
    order_BN = torch.rand((count, images), generator=generator, device=generator.device)
    weights_BK = standard_normal((count, others), generator).cpu()
    centred_BK = (weights_BK - weights_BK.mean(dim=1, keepdim=True)) / math.sqrt(max(others - 1, 1))
    return order_BN.topk(others).indices.cpu(), centred_BK

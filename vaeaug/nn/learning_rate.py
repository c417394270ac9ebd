"""The learning-rate schedule of the small networks that are trained in addition to a model."""

from __future__ import annotations

import math

from torch.optim import Optimizer


def set_cosine_rate(optimizer: Optimizer, peak: float, step: int, progress: float, *, warmup: int) -> None:
    """Set the learning rate: linear warm-up times cosine decay to 0 at progress 1 (Loshchilov & Hutter 2017, eq. 5)."""
    rate = peak * min(1, (step + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * min(progress, 1)))
    for group in optimizer.param_groups:
        group["lr"] = rate

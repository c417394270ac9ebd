"""Schedules over a training, as functions of the fraction that is over, in [0, 1].

A fraction, not a step, so that a schedule means the same whether the length is given in epochs, steps or seconds.
"""

from __future__ import annotations

import math

from vaeaug.training.config import TrainingConfig


def learning_rate(fraction: float, config: TrainingConfig) -> float:
    """Return the learning rate: a linear warm-up, then a cosine decay to 1 % of the peak."""
    if fraction < config.warmup:
        return config.learning_rate * max(fraction / config.warmup, 1e-3)
    rest = (fraction - config.warmup) / max(1 - config.warmup, 1e-9)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(rest, 1.0))))


def kl_weight(fraction: float, config: TrainingConfig) -> float:
    """Return the weight of the annealed terms, the KL part of the objective, in [0, 1].

    `linear` rises over the first `kl_warmup` of the training (Bowman et al. 2016), `cosine` smoothly so, `cyclical` in
    each of `kl_cycles` equal cycles (Fu et al. 2019, eq. 6); `none` is 1.
    """
    if config.kl_annealing == "none" or config.kl_warmup == 0:
        return 1.0
    if config.kl_annealing == "cyclical" and fraction < 1:
        fraction = fraction * config.kl_cycles % 1
    ramp = min(fraction / config.kl_warmup, 1.0)
    return 0.5 * (1 - math.cos(math.pi * ramp)) if config.kl_annealing == "cosine" else ramp

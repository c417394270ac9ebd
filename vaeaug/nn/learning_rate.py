"""Learning-rate schedules of the small networks that are trained in addition to a model."""

from __future__ import annotations

import math

WARMUP_FRACTION = 0.3  # of a cycle
FIRST_DIVISOR, LAST_DIVISOR = 25.0, 1e4  # peak / first rate, first / last rate
MAX_BETA1, MIN_BETA1 = 0.95, 0.85


def cosine_rate(peak: float, step: int, progress: float, *, warmup: int) -> float:
    """Return linear warm-up times cosine decay, which is 0 at progress 1 (Loshchilov & Hutter 2017, eq. 5)."""
    return peak * min(1, (step + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * min(progress, 1)))


def one_cycle(peak: float, step: int, steps: int) -> tuple[float, float]:
    """Return the learning rate and beta1 of a step of the 1cycle policy (Smith & Topin 2018, arXiv:1708.07120).

    They are those of `torch.optim.lr_scheduler.OneCycleLR` with its defaults. The rate rises to the peak in the first
    30 % of the steps while beta1 falls, and then both go back.
    """
    first = peak / FIRST_DIVISOR
    last = first / LAST_DIVISOR
    top, end = WARMUP_FRACTION * steps - 1, steps - 1
    if step <= top:
        progress = step / top
        return _cosine(first, peak, progress), _cosine(MAX_BETA1, MIN_BETA1, progress)
    progress = (step - top) / (end - top)
    return _cosine(peak, last, progress), _cosine(MIN_BETA1, MAX_BETA1, progress)


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) / 2 * (math.cos(math.pi * progress) + 1)

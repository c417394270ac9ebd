"""How long to train and on how large batches, from how many images there are."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from vaeaug.training.config import TrainingConfig

DEFAULT_IMAGES_SEEN = 250_000  # enough for the validation loss of a few hundred to a few thousand images to flatten
SHARED_SHARE = 0.5
MOST_STEPS = 10_000_000  # a time budget ends long before


@dataclass(frozen=True, slots=True)
class Plan:
    """The length of one training.

    Attributes:
        batch_size: images a step.
        steps: optimizer steps (with a time budget: at most).
        config: the knobs, with the time budget that this training has.
    """

    batch_size: int
    steps: int
    config: TrainingConfig


def plan(config: TrainingConfig, images: int) -> Plan:
    """Settle the batch size and the number of steps for a training set of `images` images."""
    batch_size = max(1, min(config.batch_size, images // 2))
    per_epoch = max(1, images // batch_size)
    limits = [config.steps, config.epochs and config.epochs * per_epoch]
    given = [limit for limit in limits if limit is not None]
    if not given:
        default = MOST_STEPS if config.time_budget else math.ceil(DEFAULT_IMAGES_SEEN / config.batch_size)
        given = [max(default, per_epoch)]
    return Plan(batch_size, min(given), config)


def share(config: TrainingConfig, part: float, epochs_part: float | None = None) -> TrainingConfig:
    """Return `config` with `part` of its steps and its time budget, and `epochs_part` (or `part`) of its epochs."""
    epochs_part = part if epochs_part is None else epochs_part
    return dataclasses.replace(
        config,
        steps=None if config.steps is None else max(1, round(config.steps * part)),
        epochs=None if config.epochs is None else max(1, round(config.epochs * epochs_part)),
        time_budget=None if config.time_budget is None else config.time_budget * part,
    )

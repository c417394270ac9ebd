"""The length of a training and its batch size, from the number of images."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from vaeaug.training.config import TrainingConfig

SHARED_FRACTION = 0.4
"""The part of a per-class training that goes to the shared run; the classes divide the rest."""

MAX_STEPS = 10_000_000  # a time budget ends long before

_VIEWS_PER_IMAGE = 100
_MIN_VIEWS, _MAX_VIEWS = 250_000, 1_000_000
_MIN_EPOCHS = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """The length of one training; with a time budget, `steps` is a maximum."""

    batch_size: int
    steps: int
    config: TrainingConfig


def plan(config: TrainingConfig, images: int) -> Plan:
    """Return the batch size and the number of steps for a training set of `images` images."""
    batch_size = max(1, min(config.batch_size, images // 2))
    per_epoch = max(1, images // batch_size)
    limits = [config.steps, config.epochs and config.epochs * per_epoch]
    return Plan(batch_size, min((limit for limit in limits if limit is not None), default=MAX_STEPS), config)


def with_length(config: TrainingConfig, images: int) -> TrainingConfig:
    """Return `config` with a number of steps, if no length is given: each image is seen about a hundred times.

    Between 250,000 and 1,000,000 images are seen, and each image at least ten times.
    """
    if config.steps is not None or config.epochs is not None or config.time_budget is not None:
        return config
    views = max(min(max(_VIEWS_PER_IMAGE * images, _MIN_VIEWS), _MAX_VIEWS), _MIN_EPOCHS * images)
    return dataclasses.replace(config, steps=math.ceil(views / config.batch_size))


def scaled(config: TrainingConfig, fraction: float, epochs_fraction: float | None = None) -> TrainingConfig:
    """Return `config` with a fraction of its steps, time budget and epochs."""
    epochs_fraction = fraction if epochs_fraction is None else epochs_fraction
    return dataclasses.replace(
        config,
        steps=None if config.steps is None else max(1, round(config.steps * fraction)),
        epochs=None if config.epochs is None else max(1, round(config.epochs * epochs_fraction)),
        time_budget=None if config.time_budget is None else config.time_budget * fraction,
    )

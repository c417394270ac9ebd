"""Validation during training: the history, which weights are kept, and when to stop."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaeaug.contracts import Variant, annealed_names, term_of
from vaeaug.seeds import seed_of
from vaeaug.training.batches import Batches, in_chunks
from vaeaug.training.checkpoint import TrainingProgress, TrainingState, copies, copy_into
from vaeaug.training.collapse import ActiveUnits, CodeCounter, CodeUse, active_units
from vaeaug.training.config import TrainingConfig
from vaeaug.training.history import ANNEALED
from vaeaug.training.objective import CONSISTENCY, checked_losses, consistency
from vaeaug.training.schedules import kl_weight, learning_rate

MIN_DRAWS = 64  # posterior draws a validation averages over at least: few images are drawn for more than once
MAX_DRAWS = 4096  # and at most
MAX_COUNTED_IMAGES = 10_000  # images that active units are counted on after training
VALIDATIONS = 25  # in a training
MIN_STEPS_BETWEEN = 10  # between two
MAX_COST = 0.05  # greatest share of the images seen that may be validation images


def validation_draws(count: int) -> int:
    """Return how many posterior draws a validation on `count` images makes; the images are taken in turn."""
    return 0 if count == 0 else min(max(count, MIN_DRAWS), MAX_DRAWS)


def steps_between(steps: int, batch_size: int, num_images: int) -> int:
    """Return how many steps lie between validations in a training of `steps` steps."""
    return min(max(steps // VALIDATIONS, min_steps_between(batch_size, num_images)), steps)


def min_steps_between(batch_size: int, num_images: int) -> int:
    """Return the least number of steps between validations on `num_images` images, so that they cost little."""
    return max(MIN_STEPS_BETWEEN, math.ceil(validation_draws(num_images) / MAX_COST / batch_size))


def validate(
    state: TrainingState,
    batches: Batches,
    validation: NDArray[np.int64],
    config: TrainingConfig,
    *,
    seed: int,
    train: dict[str, float],
    fraction: float,
) -> None:
    """Add a row to the history; keep the (averaged) weights if they are the best so far.

    Args:
        validation: indices of the validation images; without any, the current weights count as the best.
        train: means of the training terms since the last validation.
        fraction: of the training that is over.
    """
    progress = state.progress
    variant = state.variant
    current_parameters = copies(variant.parameters())
    if config.ema:
        state.load_average()
    row: dict[str, Any] = {
        "step": progress.step,
        "epoch": round(progress.step / batches.per_epoch, 2),
        "learning_rate": learning_rate(fraction, config) * progress.rate_factor,
        "kl_weight": kl_weight(fraction, config),
        ANNEALED: annealed_names(variant, train),
        "train": train,
    }
    total = None
    if len(validation):
        terms, units, codes = _evaluate(state, batches, validation, seed, config.consistency)
        total = sum(terms.values())
        row[ANNEALED] = annealed_names(variant, terms)
        if math.isfinite(total):  # else the training will find it not finite itself; history.jsonl stays JSON
            row |= {"validation": terms, "active_units": units.active}
            row |= {} if codes is None else {"codes_used": codes.used, "perplexity": round(codes.perplexity, 2)}
    progress.history.append(row)
    if _is_best(total, progress, variant):
        state.best = {name: tensor.detach().clone() for name, tensor in state.weights().items()}
        progress.best_loss, progress.best_step, progress.bad_checks = total, progress.step, 0
    elif kl_weight(fraction, config) == 1:
        progress.bad_checks += 1  # while the KL weight still rises, getting worse is no sign
    copy_into(variant.parameters(), current_parameters)


def _is_best(total: float | None, progress: TrainingProgress, variant: Variant) -> bool:
    if total is None:
        return True
    better = variant.adversarial or progress.best_loss is None or total < progress.best_loss - 1e-4
    return math.isfinite(total) and better


@torch.no_grad()
def _evaluate(
    state: TrainingState, batches: Batches, indices: NDArray[np.int64], seed: int, consistency_weight: float
) -> tuple[dict[str, float], ActiveUnits, CodeUse | None]:
    """Calibrate the loss, and return the means of the first group's terms and what is in use on held-out images.

    A term over a batch is averaged over batches, weighted by their number of images. Its value depends on the batch, so
    batches are no larger than in training and contain each image at most once. The consistency term is among the terms,
    so it takes part in choosing the weights to keep.
    """
    variant, loss = state.variant, state.loss
    variant.eval()
    loss.eval()
    generator = torch.Generator(device=batches.device).manual_seed(seed_of(seed, "validation"))
    sums: dict[str, float] = {}
    features: list[Tensor] = []
    codes = CodeCounter()
    count = validation_draws(len(indices))
    chosen_N = np.resize(indices, count)  # the images in turn
    over_batch = any(term.over_batch for term in variant.terms.values())
    size = min(batches.size, len(indices)) if over_batch else None
    chunks = in_chunks(batches.pixels_NHWC, batches.labels_N, chosen_N, batches.device, size)
    for number, (x_BCHW, y_B) in enumerate(chunks):
        terms = next(iter(checked_losses(variant, x_BCHW, y_B, loss, generator).values()))
        for name, value in terms.items():
            weighted = value * len(x_BCHW) if term_of(variant, name).over_batch else value.sum()
            sums[name] = sums.get(name, 0.0) + float(weighted)
        if consistency_weight:
            copies_BCHW = batches.augmented(x_BCHW, "validation", number)
            kl_B = consistency(variant, x_BCHW, copies_BCHW, y_B)
            sums[CONSISTENCY] = sums.get(CONSISTENCY, 0.0) + consistency_weight * float(kl_B.sum())
        if not features:  # the first few hundred images are enough for these
            first = next(in_chunks(batches.pixels_NHWC, batches.labels_N, chosen_N, batches.device))
            encoded = variant.encode(*first, generator)
            loss.calibrate(variant.decode(encoded.latent, first[1]), first[0])
            features.append(encoded.features_BD)
            codes.add(encoded.latent)
    means = {name: value / count for name, value in sums.items()}
    return means, active_units(features[0]), codes.use(variant.num_codes)


def reason_to_stop(progress: TrainingProgress, steps: int, config: TrainingConfig, *, out_of_time: bool) -> str | None:
    """Return why the training is over, or None."""
    if progress.step >= steps:
        return f"all {steps:,} steps done"
    if out_of_time:
        return f"the time budget of {round(config.time_budget or 0, 2):g} s is used up"
    if config.patience and progress.bad_checks >= config.patience:
        return f"no improvement on the validation images since step {progress.best_step:,}"
    return None


@torch.no_grad()
def latents_in_use(variant: Variant, batches: Batches) -> tuple[ActiveUnits, CodeUse | None]:
    """Count the active units and, for a discrete latent, the codes on (at most 10,000 of) the training images."""
    variant.eval()
    chosen = batches.indices[:: max(1, len(batches.indices) // MAX_COUNTED_IMAGES)]
    features: list[Tensor] = []
    codes = CodeCounter()
    for x_BCHW, y_B in in_chunks(batches.pixels_NHWC, batches.labels_N, chosen, batches.device):
        encoded = variant.encode(x_BCHW, y_B)
        features.append(encoded.features_BD)
        codes.add(encoded.latent)
    return active_units(torch.cat(features)), codes.use(variant.num_codes)


class Meter:
    """Means of the loss terms since its creation."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.count = 0

    def add(self, terms: dict[str, float]) -> None:
        """Take the terms of a step."""
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1

    def means(self) -> dict[str, float]:
        """Return the mean of every term; nothing before the first step."""
        return {name: value / self.count for name, value in self.sums.items()}

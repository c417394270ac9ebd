"""The training loop: one for every variant and every loss."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vaeaug.contracts import ReconstructionLoss, TrainingSet, Variant
from vaeaug.errors import DivergedError
from vaeaug.nn.adamw import AdamW
from vaeaug.progress import Tick
from vaeaug.seeds import seed_of
from vaeaug.training.batches import Batches
from vaeaug.training.checkpoint import Snapshot, TrainingProgress, TrainingState, copies
from vaeaug.training.collapse import ActiveUnits, CodeUse
from vaeaug.training.config import TrainingConfig
from vaeaug.training.objective import CONSISTENCY, checked_losses, consistency, take_gradients
from vaeaug.training.schedules import kl_weight, learning_rate
from vaeaug.training.validation import (
    VALIDATIONS,
    Meter,
    latents_in_use,
    min_steps_between,
    reason_to_stop,
    steps_between,
    validate,
)

MAX_ROLLBACKS = 3
CHECKPOINT_SECONDS = 5.0
EMA_EVERY = 4  # steps between updates of the moving average, whose decay is meant a step


@dataclass(frozen=True, slots=True)
class FitResult:
    """The result of a training.

    Attributes:
        best_step: the step whose weights were kept.
        validation_loss: in nats per image, including terms over a batch; None without validation images.
        units: latent dimensions in use on the training images.
        history: one row per validation, as in `history.jsonl`.
        seconds: including earlier runs.
        images: training images seen, with repetition.
        adversarial: whether the losses do not measure progress (`Variant.adversarial`).
    """

    stopped: str
    steps: int
    best_step: int
    validation_loss: float | None
    units: ActiveUnits
    history: list[dict[str, Any]]
    seconds: float
    images: int
    adversarial: bool = False
    codes: CodeUse | None = None

    @property
    def still_improving(self) -> bool:
        """Whether the last validation was the best by more than 2 % of the total improvement."""
        if self.adversarial:
            return False
        losses = [sum(row["validation"].values()) for row in self.history if "validation" in row]
        return len(losses) > 1 and min(losses[:-1]) - losses[-1] > 0.02 * (losses[0] - losses[-1]) > 0


def fit(
    variant: Variant,
    loss: ReconstructionLoss,
    batches: Batches,
    config: TrainingConfig,
    *,
    steps: int,
    validation: NDArray[np.int64],
    seed: int,
    checkpoint: Path | None = None,
    validate_every: int | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    report: Callable[[Tick], None] = lambda _: None,
) -> FitResult:
    """Train `variant` and `loss` in place; they end with the weights that were best on the validation images.

    Args:
        steps: number of steps (maximum, with a time budget).
        validation: indices of the validation images; without any, the last weights are kept.
        seed: for posterior draws. With `batches` it determines the result, bit for bit on the same machine.
        checkpoint: file to resume from if it exists; written at the first validation, at later ones if the last
            checkpoint is `checkpoint_seconds` old, and at the end.
        validate_every: steps between validations; by default so many that validations cost little.
        checkpoint_seconds: minimum time between checkpoints.
        report: progress callback, called at most ten times per second.

    Raises:
        DivergedError: if a loss term keeps becoming NaN or infinite.
        PluginError: if a term of the variant has the wrong shape.
    """
    state, groups = _begin(variant, loss, batches, config, checkpoint)
    interval = validate_every or steps_between(steps, batches.size, len(validation))
    min_interval = min_steps_between(batches.size, len(validation))
    generator = torch.Generator(device=batches.device)
    clock = _Clock(state.progress)
    meter = Meter()
    saved_at, reported_at = -math.inf, 0.0
    with torch.random.fork_rng(devices=[batches.device] if batches.device.type == "cuda" else []):
        if not state.progress.history:  # what a training starts from may be hard to beat
            validate(state, batches, validation, config, seed=seed, train={}, fraction=0.0)
        last_good = state.snapshot()
        checked = (state.progress.step, 0.0)  # step and progress of the last validation
        while state.progress.done is None:
            progress = state.progress
            fraction = progress.step / steps
            if config.time_budget is not None:
                fraction = max(fraction, clock.elapsed() / config.time_budget)
            _seed(generator, seed, progress.step)
            x_BCHW, y_B = batches.get(progress.step)
            copies_BCHW = batches.augmented(x_BCHW, "training", progress.step) if config.consistency else None
            terms, nonfinite = _step(state, groups, x_BCHW, copies_BCHW, y_B, generator, config, fraction)
            if nonfinite is not None:
                _roll_back(state, last_good, nonfinite, config)
                meter = Meter()
                continue
            meter.add(terms)
            progress.step += 1
            out_of_time = config.time_budget is not None and clock.elapsed() >= config.time_budget
            # A time budget says nothing of the number of steps, so its validations go by progress.
            due = progress.step - checked[0] >= min_interval and fraction - checked[1] >= 1 / VALIDATIONS
            if progress.step % interval == 0 or progress.step >= steps or out_of_time or (config.time_budget and due):
                checked = (progress.step, fraction)
                progress.elapsed = clock.elapsed()
                validate(
                    state, batches, validation, config, seed=seed, train=meter.means(), fraction=min(fraction, 1.0)
                )
                progress.done = reason_to_stop(progress, steps, config, out_of_time=out_of_time)
                meter, last_good = Meter(), state.snapshot()
                if checkpoint is not None and (progress.done or time.monotonic() - saved_at > checkpoint_seconds):
                    last_good.save(checkpoint)
                    saved_at = time.monotonic()
            if time.monotonic() - reported_at > 0.1:
                reported_at = time.monotonic()
                report(Tick(min(fraction, 1.0), clock.rate(progress.step) * batches.size, meter.means() or terms))
    report(Tick(1.0))
    state.load_weights(state.best or state.weights())
    variant.eval()
    loss.eval()
    units, codes = latents_in_use(variant, batches)
    return FitResult(
        stopped=state.progress.done or "",
        steps=state.progress.step,
        best_step=state.progress.best_step,
        validation_loss=state.progress.best_loss,
        units=units,
        history=state.progress.history,
        seconds=state.progress.elapsed,
        images=state.progress.step * batches.size,
        adversarial=variant.adversarial,
        codes=codes,
    )


def _begin(
    variant: Variant, loss: ReconstructionLoss, batches: Batches, config: TrainingConfig, checkpoint: Path | None
) -> tuple[TrainingState, dict[str, list[nn.Parameter]]]:
    """Return the state of a new training, or of the checkpoint if there is one, and the parameters by group."""
    variant.begin_training(TrainingSet(torch.from_numpy(batches.labels_N[batches.indices])))
    groups = {name: list(parameters) for name, parameters in variant.parameter_groups().items()}
    groups[next(iter(groups))] += [p for p in loss.parameters() if p.requires_grad]
    optimizers = {
        name: AdamW(parameters, betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=True)
        for name, parameters in groups.items()
    }
    state = TrainingState(variant, loss, optimizers, copies(variant.parameters()), {}, TrainingProgress())
    if checkpoint is not None and checkpoint.exists():
        state.restore(Snapshot.load(checkpoint))
    return state, groups


def _seed(generator: torch.Generator, seed: int, step: int) -> None:
    """Seed every source of randomness of a step by its number, so that a resumed training repeats its draws."""
    number = seed_of(seed, "step", step)
    generator.manual_seed(number)
    torch.default_generator.manual_seed(number)  # for dropout, which knows no generator
    if generator.device.type == "cuda":
        torch.cuda.manual_seed(number)


def _step(
    state: TrainingState,
    groups: Mapping[str, list[nn.Parameter]],
    x_BCHW: Tensor,
    copies_BCHW: Tensor | None,
    y_B: Tensor,
    generator: torch.Generator,
    config: TrainingConfig,
    fraction: float,
) -> tuple[dict[str, float], str | None]:
    """Take one optimizer step a group. Return the terms' means, and the name of one that is not finite, if any.

    Args:
        copies_BCHW: augmented copies of the images, for a consistency term.
    """
    variant, loss = state.variant, state.loss
    variant.train()
    loss.train()
    losses = checked_losses(variant, x_BCHW, y_B, loss, generator)
    means = {
        name if index == 0 else f"{group}/{name}": value.detach().mean().item()  # the first group is validated too
        for index, (group, terms) in enumerate(losses.items())
        for name, value in terms.items()
    }
    for name, mean in means.items():
        if not math.isfinite(mean):
            return means, name
    weight = kl_weight(fraction, config)
    take_gradients(variant, losses, groups, weight, config.free_bits)
    if copies_BCHW is not None:  # only now, because computing its losses may change buffers of a variant in place
        losses = checked_losses(variant, copies_BCHW, y_B, loss, generator)
        term = config.consistency * consistency(variant, x_BCHW, copies_BCHW, y_B).mean()
        means[CONSISTENCY] = term.item()
        if not math.isfinite(means[CONSISTENCY]):
            return means, CONSISTENCY
        take_gradients(variant, losses, groups, weight, config.free_bits, consistency_term=term)
    for group in losses:
        norm = _clip(groups[group], state.progress, group, config.clip)
        if not math.isfinite(norm):
            return means, f"gradient of {group}"
    rate = learning_rate(fraction, config) * state.progress.rate_factor
    for group in losses:
        state.optimizers[group].step(rate)
    if config.ema and state.progress.step % EMA_EVERY == 0:
        decay = min(config.ema, (1 + state.progress.step) / (10 + state.progress.step))  # the start is soon forgotten
        with torch.no_grad():
            torch._foreach_lerp_(state.average, list(variant.parameters()), 1 - decay**EMA_EVERY)
    return means, None


def _clip(parameters: list[nn.Parameter], progress: TrainingProgress, group: str, factor: float) -> float:
    """Scale gradients down to `factor` times their running average norm. Return the norm they had."""
    norm = float(torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]))
    average = progress.gradient_norms.get(group, norm)
    if factor and norm > factor * average:
        torch.nn.utils.clip_grads_with_norm_(parameters, factor * average, torch.tensor(norm))
    progress.gradient_norms[group] = 0.99 * average + 0.01 * min(norm, factor * average if factor else norm)
    return norm


def _roll_back(state: TrainingState, last_good: Snapshot, nonfinite: str, config: TrainingConfig) -> None:
    """Return to the last good state with half the learning rate, or give up."""
    step, rollbacks, factor = state.progress.step, state.progress.rollbacks, state.progress.rate_factor
    rate = config.learning_rate * factor
    if rollbacks >= MAX_ROLLBACKS:
        raise DivergedError(
            f"training stopped at step {step}: the loss term '{nonfinite}' is not finite, also after {rollbacks} "
            f"returns to the last good state and at a learning rate of {rate:.2g}; try --learning-rate {rate / 10:.1g}"
            ", or another --loss if the term is its own"
        )
    state.restore(last_good)
    state.progress.rollbacks = rollbacks + 1
    state.progress.rate_factor = factor / 2


class _Clock:
    def __init__(self, progress: TrainingProgress) -> None:
        self.before, self.first_step, self.start = progress.elapsed, progress.step, time.monotonic()

    def elapsed(self) -> float:
        return self.before + time.monotonic() - self.start

    def rate(self, step: int) -> float:
        return (step - self.first_step) / max(time.monotonic() - self.start, 1e-9)

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

from vaeaug.contracts import ReconstructionLoss, TrainingSet, Variant, annealed_names
from vaeaug.errors import DivergedError
from vaeaug.progress import Tick
from vaeaug.seeds import seed_of
from vaeaug.training.batches import Batches
from vaeaug.training.checkpoint import Course, Snapshot, TrainingState, copies
from vaeaug.training.collapse import ActiveUnits, CodeUse
from vaeaug.training.config import TrainingConfig
from vaeaug.training.objective import checked_losses, objective
from vaeaug.training.schedules import kl_weight, learning_rate
from vaeaug.training.validation import (
    VALIDATIONS,
    Meter,
    latents_in_use,
    least_between,
    reason_to_stop,
    steps_between,
    validate,
)

MOST_ROLLBACKS = 3
CHECKPOINT_SECONDS = 5.0
EMA_EVERY = 4  # steps between updates of the moving average, whose decay is meant a step


@dataclass(frozen=True, slots=True)
class FitResult:
    """What came of a training.

    Attributes:
        stopped: why it ended, in words.
        steps: optimizer steps taken.
        best_step: the step whose weights were kept.
        validation_loss: their loss on the validation images, in nats per image, terms over a batch included (None
            without validation images).
        units: latent dimensions in use on the training images.
        history: a row a validation, as in `history.jsonl`.
        seconds: time spent training, over all sittings.
        images: training images seen, with repetition.
        adversarial: whether the losses were a game (`Variant.adversarial`), so that they tell nothing of progress.
        codes: codes in use on the training images, of a discrete latent.
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
        """Whether the last validation was the best by far: by more than 2 % of all that was gained."""
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
        variant: the autoencoder, on the device of `batches`.
        loss: the reconstruction loss, there too.
        batches: the training images.
        config: the knobs.
        steps: how many steps the training has (with a time budget: at most).
        validation: indices of the validation images; without any, the last weights are kept.
        seed: of the posterior draws. With `batches` it settles the result, bit for bit on the same machine.
        checkpoint: file to go on from if it is there; written at the first validation, at later ones if the last time
            is `checkpoint_seconds` ago, and at the end.
        validate_every: steps between validations; if None, so many that validations cost little.
        checkpoint_seconds: least time between checkpoints.
        report: hears of every step, at most ten times a second.

    Raises:
        DivergedError: a loss term became NaN or infinite again and again.
        PluginError: if a term of the variant has the wrong shape.
    """
    state, groups = _begin(variant, loss, batches, config, checkpoint)
    every = validate_every or steps_between(steps, batches.size, len(validation))
    least = least_between(batches.size, len(validation))
    generator = torch.Generator(device=batches.device)
    clock = _Clock(state.course)
    meter = Meter()
    saved_at, told_at = -math.inf, 0.0
    with torch.random.fork_rng(devices=[batches.device] if batches.device.type == "cuda" else []):
        if not state.course.history:  # what a training starts from may be hard to beat
            validate(state, batches, validation, config, seed=seed, train={}, progress=0.0)
        good = state.snapshot()
        checked = (state.course.step, 0.0)  # step and progress of the last validation
        while state.course.done is None:
            course = state.course
            progress = course.step / steps
            if config.time_budget is not None:
                progress = max(progress, clock.elapsed() / config.time_budget)
            _seed(generator, seed, course.step)
            x_BCHW, y_B = batches.get(course.step)
            terms, broken = _step(state, groups, x_BCHW, y_B, generator, config, progress)
            if broken is not None:
                _roll_back(state, good, broken, config)
                meter = Meter()
                continue
            meter.add(terms)
            course.step += 1
            out_of_time = config.time_budget is not None and clock.elapsed() >= config.time_budget
            # A time budget says nothing of the number of steps, so its validations go by progress.
            due = course.step - checked[0] >= least and progress - checked[1] >= 1 / VALIDATIONS
            if course.step % every == 0 or course.step >= steps or out_of_time or (config.time_budget and due):
                checked = (course.step, progress)
                course.elapsed = clock.elapsed()
                validate(
                    state, batches, validation, config, seed=seed, train=meter.means(), progress=min(progress, 1.0)
                )
                course.done = reason_to_stop(course, steps, config, out_of_time=out_of_time)
                meter, good = Meter(), state.snapshot()
                if checkpoint is not None and (course.done or time.monotonic() - saved_at > checkpoint_seconds):
                    good.save(checkpoint)
                    saved_at = time.monotonic()
            if time.monotonic() - told_at > 0.1:
                told_at = time.monotonic()
                report(Tick(min(progress, 1.0), clock.rate(course.step) * batches.size, meter.means() or terms))
    report(Tick(1.0))
    state.load_weights(state.best or state.weights())
    variant.eval()
    loss.eval()
    units, codes = latents_in_use(variant, batches)
    return FitResult(
        stopped=state.course.done or "",
        steps=state.course.step,
        best_step=state.course.best_step,
        validation_loss=state.course.best_loss,
        units=units,
        history=state.course.history,
        seconds=state.course.elapsed,
        images=state.course.step * batches.size,
        adversarial=variant.adversarial,
        codes=codes,
    )


def _begin(
    variant: Variant, loss: ReconstructionLoss, batches: Batches, config: TrainingConfig, checkpoint: Path | None
) -> tuple[TrainingState, dict[str, list[nn.Parameter]]]:
    """Return the state of a new training, or that of the checkpoint if there is one, and the parameters by group."""
    variant.begin_training(TrainingSet(torch.from_numpy(batches.labels_N[batches.indices])))
    groups = {name: list(parameters) for name, parameters in variant.parameter_groups().items()}
    groups[next(iter(groups))] += [p for p in loss.parameters() if p.requires_grad]
    optimizers = {name: _adamw(parameters, config) for name, parameters in groups.items()}
    state = TrainingState(variant, loss, optimizers, copies(variant.parameters()), {}, Course())
    if checkpoint is not None and checkpoint.exists():
        state.restore(Snapshot.load(checkpoint))
    return state, groups


def _adamw(parameters: list[nn.Parameter], config: TrainingConfig) -> torch.optim.AdamW:
    """Return the optimizer of a group: AdamW (Loshchilov & Hutter 2019), fused: one pass over the weights a step."""
    return torch.optim.AdamW(
        parameters, lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=True
    )


def _seed(generator: torch.Generator, seed: int, step: int) -> None:
    """Seed every source of randomness of a step by its number, so that a resumed training draws what it would have."""
    number = seed_of(seed, "step", step)
    generator.manual_seed(number)
    torch.default_generator.manual_seed(number)  # for dropout, which knows no generator
    if generator.device.type == "cuda":
        torch.cuda.manual_seed(number)


def _step(
    state: TrainingState,
    groups: Mapping[str, list[nn.Parameter]],
    x_BCHW: Tensor,
    y_B: Tensor,
    generator: torch.Generator,
    config: TrainingConfig,
    progress: float,
) -> tuple[dict[str, float], str | None]:
    """Take one optimizer step a group. Return the terms' means, and the name of one that is not finite, if any."""
    variant, loss = state.variant, state.loss
    variant.train()
    loss.train()
    losses = checked_losses(variant, x_BCHW, y_B, loss, generator)
    means = {
        name if number == 0 else f"{group}/{name}": value.detach().mean().item()  # the first group is validated too
        for number, (group, terms) in enumerate(losses.items())
        for name, value in terms.items()
    }
    for name, mean in means.items():
        if not math.isfinite(mean):
            return means, name
    weight = kl_weight(progress, config)
    remaining = len(losses)
    for group, terms in losses.items():
        remaining -= 1
        total = objective(terms, annealed_names(variant, terms), weight, config.free_bits)
        gradients = torch.autograd.grad(total, groups[group], retain_graph=remaining > 0, allow_unused=True)
        for parameter, gradient in zip(groups[group], gradients, strict=True):
            parameter.grad = _laid_out_as(parameter, gradient)
    for group in losses:
        norm = _clip(groups[group], state.course, group, config.clip)
        if not math.isfinite(norm):
            return means, f"gradient of {group}"
    rate = learning_rate(progress, config) * state.course.rate_factor
    for group in losses:
        for parameters in state.optimizers[group].param_groups:
            parameters["lr"] = rate
        state.optimizers[group].step()
    if config.ema and state.course.step % EMA_EVERY == 0:
        decay = min(config.ema, (1 + state.course.step) / (10 + state.course.step))  # the start is soon forgotten
        with torch.no_grad():
            torch._foreach_lerp_(state.average, list(variant.parameters()), 1 - decay**EMA_EVERY)
    return means, None


def _laid_out_as(parameter: nn.Parameter, gradient: Tensor | None) -> Tensor | None:
    """Return the gradient in the parameter's memory layout, which `backward` would see to and `autograd.grad` does not.

    A convolution of channels-last images gives its weight's gradient channels last. The fused AdamW takes both for one
    layout (torch 2.14, CPU) and would move the wrong weights.
    """
    if gradient is None or gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)


def _clip(parameters: list[nn.Parameter], course: Course, group: str, factor: float) -> float:
    """Scale gradients down to `factor` times their running average norm. Return the norm they had."""
    norm = float(torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]))
    average = course.gradient_norms.get(group, norm)
    if factor and norm > factor * average:
        torch.nn.utils.clip_grads_with_norm_(parameters, factor * average, torch.tensor(norm))
    course.gradient_norms[group] = 0.99 * average + 0.01 * min(norm, factor * average if factor else norm)
    return norm


def _roll_back(state: TrainingState, good: Snapshot, broken: str, config: TrainingConfig) -> None:
    """Return to the last good state with half the learning rate, or give up.

    Raises:
        DivergedError: it was the fourth time.
    """
    step, rollbacks, factor = state.course.step, state.course.rollbacks, state.course.rate_factor
    rate = config.learning_rate * factor
    if rollbacks >= MOST_ROLLBACKS:
        raise DivergedError(
            f"training stopped at step {step}: the loss term '{broken}' is not finite, also after {rollbacks} returns "
            f"to the last good state and at a learning rate of {rate:.2g}; try --learning-rate {rate / 10:.1g}, "
            "or another --loss if the term is its own"
        )
    state.restore(good)
    state.course.rollbacks = rollbacks + 1
    state.course.rate_factor = factor / 2


class _Clock:
    """Seconds spent training, over all sittings, and the pace of this one."""

    def __init__(self, course: Course) -> None:
        self.before, self.first_step, self.start = course.elapsed, course.step, time.monotonic()

    def elapsed(self) -> float:
        return self.before + time.monotonic() - self.start

    def rate(self, step: int) -> float:
        """Return the steps a second of this sitting."""
        return (step - self.first_step) / max(time.monotonic() - self.start, 1e-9)

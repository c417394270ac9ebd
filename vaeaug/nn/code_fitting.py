"""Fitting a code prior: a bounded number of steps, stopped early by codes that are held out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from vaeaug.nn.adamw import AdamW
from vaeaug.nn.code_prior import CodePrior
from vaeaug.nn.learning_rate import cosine_rate

BATCH = 32
HELD_OUT_FRACTION = 0.1  # part of the images
MAX_HELD_OUT = 512  # of the images held out, at a check
CHECKS = 20
PATIENCE = 4  # checks without improvement
LEARNING_RATE, WARMUP, WEIGHT_DECAY = 4e-3, 20, 0.1
MASKED_FRACTION = 0.4  # part of the codes that the prior is not shown
MAX_EPOCHS = 30  # over the images: of few images, all there is to learn is learned by then


def code_nll(prior: CodePrior, codes_BT: Tensor, y_B: Tensor, input_BT: Tensor | None = None) -> Tensor:
    """Return -log p(code_t | codes before, y), in nats, (B, T); `input_BT` are the codes with some masked."""
    logits_BTK = prior(codes_BT if input_BT is None else input_BT, y_B)
    return cross_entropy(logits_BTK.transpose(1, 2), codes_BT, reduction="none")


def fit_code_prior(
    prior: CodePrior,
    codes_NT: Tensor,
    labels_N: Tensor,
    generator: torch.Generator,
    *,
    steps: int,
    seconds: float | None = None,
    clock: Callable[[], float] | None = None,
) -> None:
    """Train a code prior in place by maximum likelihood; it ends with the weights that are best on held-out codes.

    Because a transformer soon memorizes a few hundred grids, a tenth of the images is held out, and a part of the
    context codes is masked (word dropout, Bowman et al. 2016, sec. 3.1).

    Args:
        steps: maximum; few images take fewer (30 passes).
        seconds: time limit. The learning rate follows the steps or the time, whichever ends first.
        clock: returns the time in seconds; `time.monotonic` by default.
    """
    clock = clock or time.monotonic
    started = clock()
    device = generator.device
    codes_NT, labels_N = codes_NT.to(device), labels_N.to(device)
    order_N = torch.randperm(len(codes_NT), generator=generator, device=device)
    num_held_out = math.ceil(HELD_OUT_FRACTION * len(order_N)) if len(order_N) > 1 else 0
    held_out_M, train_N = order_N[:num_held_out][:MAX_HELD_OUT], order_N[num_held_out:]
    steps = min(steps, math.ceil(MAX_EPOCHS * len(train_N) / BATCH))
    interval = max(1, steps // CHECKS)

    prior.requires_grad_(True)
    optimizer = AdamW(prior.parameters(), betas=(0.9, 0.99), weight_decay=WEIGHT_DECAY, fused=True)
    best, best_loss, best_step = _copy(prior), math.inf, 0
    for step in range(steps + 1):
        progress = step / steps if seconds is None else max(step / steps, (clock() - started) / seconds)
        is_last = progress >= 1 and step > 0
        if step % interval == 0 or is_last:
            loss = (
                _held_out_nll(prior, codes_NT[held_out_M], labels_N[held_out_M]) if num_held_out else -step
            )  # else the last
            if loss < best_loss:
                best, best_loss, best_step = _copy(prior), loss, step
            if is_last or step - best_step >= PATIENCE * interval:
                break
        chosen_B = train_N[torch.randint(len(train_N), (BATCH,), generator=generator, device=device)]
        codes_BT, y_B = codes_NT[chosen_B], labels_N[chosen_B]
        masked_BT = torch.rand(codes_BT.shape, generator=generator, device=device) < MASKED_FRACTION
        with torch.enable_grad():
            optimizer.zero_grad()
            loss_BT = code_nll(prior, codes_BT, y_B, codes_BT.masked_fill(masked_BT, prior.codes))
            torch.autograd.backward(loss_BT.mean())
        torch.nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
        optimizer.step(cosine_rate(LEARNING_RATE, step, progress, warmup=WARMUP))
    prior.load_state_dict(best)
    optimizer.zero_grad()
    prior.requires_grad_(False)


@torch.no_grad()
def _held_out_nll(prior: CodePrior, codes_MT: Tensor, labels_M: Tensor) -> float:
    """Return the mean negative log-likelihood in nats a code."""
    pairs = zip(torch.split(codes_MT, BATCH), torch.split(labels_M, BATCH), strict=True)
    return float(torch.cat([code_nll(prior, codes, labels) for codes, labels in pairs]).mean())


def _copy(prior: CodePrior) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in prior.state_dict().items()}

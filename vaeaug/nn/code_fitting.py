"""Fitting a code prior: a bounded number of steps, stopped early by codes that are held out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from vaeaug.nn.code_prior import CodePrior
from vaeaug.nn.learning_rate import set_cosine_rate

BATCH = 32
HELD_OUT = 0.1  # part of the images
MOST_JUDGED = 512  # of the images held out, at a check
CHECKS = 20
PATIENCE = 4  # checks without improvement
RATE, WARMUP, WEIGHT_DECAY = 4e-3, 20, 0.1
UNSEEN = 0.4  # part of the codes that the prior is not shown
PASSES = 30  # over the images: of few images, all there is to learn is learned by then


def code_likelihood(prior: CodePrior, codes_BT: Tensor, y_B: Tensor, seen_BT: Tensor | None = None) -> Tensor:
    """Return -log p(code_t | codes before, y), in nats, (B, T).

    Args:
        y_B: class indices.
        seen_BT: the codes as the prior is shown them, if it is not shown all.
    """
    logits_BTK = prior(codes_BT if seen_BT is None else seen_BT, y_B)
    return cross_entropy(logits_BTK.transpose(1, 2), codes_BT, reduction="none")


def fit_code_prior(
    prior: CodePrior,
    codes_NT: Tensor,
    labels_N: Tensor,
    generator: torch.Generator,
    *,
    steps: int,
    seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Train a code prior in place by maximum likelihood; it ends with the weights that explain held-out codes best.

    A transformer soon memorizes a few hundred grids. So a tenth of the images is held out, and a part of the context
    codes is masked (word dropout, Bowman et al. 2016, sec. 3.1). The prior's parameters have no gradient before and
    after.

    Args:
        prior: on the generator's device.
        codes_NT: the codes of N images.
        generator: of the choice of images and of what is not shown.
        steps: optimizer steps at most; few images take fewer (30 passes).
        seconds: time that it may take, or None for no limit. The schedule of the learning rate is that of the steps
            or of the time, whichever ends first.
        clock: returns the time in seconds.
    """
    began = clock()
    device = generator.device
    codes_NT, labels_N = codes_NT.to(device), labels_N.to(device)
    order_N = torch.randperm(len(codes_NT), generator=generator, device=device)
    held_out = math.ceil(HELD_OUT * len(order_N)) if len(order_N) > 1 else 0
    judged_M, trained_N = order_N[:held_out][:MOST_JUDGED], order_N[held_out:]
    steps = min(steps, math.ceil(PASSES * len(trained_N) / BATCH))
    every = max(1, steps // CHECKS)

    prior.requires_grad_(True)
    optimizer = torch.optim.AdamW(prior.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=WEIGHT_DECAY, fused=True)
    best, best_loss, best_step = _copy(prior), math.inf, 0
    for step in range(steps + 1):
        progress = step / steps if seconds is None else max(step / steps, (clock() - began) / seconds)
        over = progress >= 1 and step > 0
        if step % every == 0 or over:
            judged = _judge(prior, codes_NT[judged_M], labels_N[judged_M]) if held_out else -step  # else the last
            if judged < best_loss:
                best, best_loss, best_step = _copy(prior), judged, step
            if over or step - best_step >= PATIENCE * every:
                break
        chosen_B = trained_N[torch.randint(len(trained_N), (BATCH,), generator=generator, device=device)]
        set_cosine_rate(optimizer, RATE, step, progress, warmup=WARMUP)
        codes_BT, y_B = codes_NT[chosen_B], labels_N[chosen_B]
        unseen_BT = torch.rand(codes_BT.shape, generator=generator, device=device) < UNSEEN
        with torch.enable_grad():
            optimizer.zero_grad()
            loss_BT = code_likelihood(prior, codes_BT, y_B, codes_BT.masked_fill(unseen_BT, prior.codes))
            torch.autograd.backward(loss_BT.mean())
        torch.nn.utils.clip_grad_norm_(prior.parameters(), 1.0)
        optimizer.step()
    prior.load_state_dict(best)
    optimizer.zero_grad()
    prior.requires_grad_(False)


@torch.no_grad()
def _judge(prior: CodePrior, codes_MT: Tensor, labels_M: Tensor) -> float:
    """Return the mean negative log-likelihood in nats a code."""
    pairs = zip(torch.split(codes_MT, BATCH), torch.split(labels_M, BATCH), strict=True)
    return float(torch.cat([code_likelihood(prior, codes, labels) for codes, labels in pairs]).mean())


def _copy(prior: CodePrior) -> dict[str, Tensor]:
    """Return a copy of the weights."""
    return {name: tensor.detach().clone() for name, tensor in prior.state_dict().items()}

"""Training an inpainting encoder for a model with fixed networks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from vaeaug.inpainting.encoder import InpaintingEncoder
from vaeaug.inpainting.encoder_store import build_inpainting_encoder
from vaeaug.inpainting.examples import Examples, decoded_examples, real_examples
from vaeaug.inpainting.holes import KINDS, random_hole
from vaeaug.models.store import StoredModel
from vaeaug.nn import standard_normal
from vaeaug.nn.adamw import AdamW
from vaeaug.nn.learning_rate import cosine_rate
from vaeaug.progress import Tick
from vaeaug.seeds import seed_of
from vaeaug.training.batches import as_images

STEPS = 4000
BATCH = 128
LEARNING_RATE, WARMUP, WEIGHT_DECAY, CLIP = 2e-3, 50, 0.05, 5.0
NUM_HOLES = 2048  # drawn once, and turned when used
DECODING_FRACTION = 0.2  # of a limited time, for the images that it learns from
MAX_NOISE = 0.1  # the most added to decoded images, which lack what real ones have besides


def train_inpainting_encoder(
    model: StoredModel,
    pixels_NHWC: NDArray[np.uint8] | None,
    labels_N: NDArray[np.int64] | None,
    *,
    steps: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    clock: Callable[[], float] | None = None,
    report: Callable[[Tick], None] = lambda _: None,
) -> InpaintingEncoder:
    """Train an inpainting encoder on random holes, by maximum likelihood of the full images' latents.

    The images are decoded from draws around the model's stored latents; real images, if given, are half of each batch.

    Args:
        pixels_NHWC: real images at the model's size, uint8, or None.
        labels_N: their classes; images with -1 (unknown) are left out.
        seconds: time limit, or None. The learning rate follows the steps or the time, whichever ends first.
        clock: returns the time in seconds; `time.monotonic` by default.
        report: progress callback, called at most ten times per second.
    """
    steps = steps or STEPS
    clock = clock or time.monotonic
    started = clock()
    decoding_seconds = None if seconds is None else DECODING_FRACTION * seconds
    sources = [decoded_examples(model, seed, steps * BATCH, seconds=decoding_seconds)]
    if pixels_NHWC is not None and labels_N is not None and (labels_N >= 0).any():
        sources.append(real_examples(model, pixels_NHWC, labels_N))
    encoder = build_inpainting_encoder(model, 1 + max(int(source.mode_ND.max()) for source in sources), seed)
    rng = np.random.default_rng(seed_of(seed, "holes"))
    spec = model.spec
    kinds = rng.integers(len(KINDS), size=NUM_HOLES)
    holes_MHW = torch.from_numpy(np.stack([random_hole(KINDS[k], spec.height, spec.width, rng) for k in kinds]))
    optimizer = AdamW(encoder.parameters(), betas=(0.9, 0.99), weight_decay=WEIGHT_DECAY, fused=True)
    generator = torch.Generator(device=model.device).manual_seed(seed_of(seed, "partial-steps"))
    training_started, reported_at, last_nll = clock(), 0.0, math.nan
    encoder.train()
    for step in range(steps):
        progress = step / steps if seconds is None else max(step / steps, (clock() - started) / seconds)
        if progress >= 1 and step > 0:
            break
        parts = [_batch(source, BATCH // len(sources), model.device, generator, rng) for source in sources]
        x_BCHW, y_B, z_BD = (torch.cat(column) for column in zip(*parts, strict=True))
        visible_B1HW = 1 - holes_MHW[rng.integers(NUM_HOLES, size=len(x_BCHW))][:, None].to(x_BCHW)
        if rng.random() < 0.5:
            visible_B1HW = visible_B1HW.flip(3)
        optimizer.zero_grad()
        nll = encoder.loss(x_BCHW, visible_B1HW, y_B, z_BD, generator).mean()
        label_nll = cross_entropy(encoder.class_logits(x_BCHW, visible_B1HW), y_B)
        torch.autograd.backward(nll + label_nll)
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), CLIP * math.sqrt(z_BD.shape[1]))
        optimizer.step(cosine_rate(LEARNING_RATE, step, progress, warmup=WARMUP))
        if clock() - reported_at > 0.1:
            reported_at, last_nll = clock(), nll.item()
            report(Tick(min(progress, 1.0), (step + 1) * BATCH / (reported_at - training_started), {"nll": last_nll}))
    report(Tick(1.0))
    return encoder.eval()


def _batch(
    source: Examples, size: int, device: torch.device, generator: torch.Generator, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    chosen = rng.integers(len(source), size=size)
    x_BCHW = as_images(source.pixels_NHWC[chosen], device)
    level_B111 = MAX_NOISE * torch.rand((size, 1, 1, 1), generator=generator, device=device)
    x_BCHW = x_BCHW + level_B111 * standard_normal(tuple(x_BCHW.shape), generator)
    z_BD = source.mode_ND[chosen].to(device)
    if z_BD.is_floating_point():
        z_BD = z_BD + source.scale_ND[chosen].to(device) * standard_normal(tuple(z_BD.shape), generator)
    return x_BCHW.clamp(0, 1), source.labels_N[chosen].to(device), z_BD

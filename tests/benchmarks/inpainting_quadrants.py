"""The part `quadrants` of `inpainting.py`: the likelihood of missing quarters of binary digits."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import digits
import numpy as np
import torch
from inpainting_models import trained

from vaeaug.inpainting.encoder_store import InpaintingEncoder
from vaeaug.inpainting.visible import visible_loss
from vaeaug.inpainting.weights import weigh
from vaeaug.models.likelihood import iwae_bound
from vaeaug.models.network import Network
from vaeaug.nn import log_normal

SEEN = {1: (2,), 2: (0, 2), 3: (0, 1, 2)}  # visible quarters, row by row: lower left, left half, all but lower right


def quadrants(task: dict[str, Any], results: Path) -> list[dict[str, Any]]:
    """Return the negative log-likelihood of the missing quarters of binary digits, a row a number of visible ones."""
    data = digits.load("mnist")
    rng = np.random.default_rng(task["seed"])
    seen = np.concatenate([data.train, data.validation])
    images = np.concatenate(
        [(rng.random(data.images[seen].shape) * 255 < data.images[seen]) for _ in range(task["copies"])]
    )
    tested = data.test[: task["images"]]
    test_x = np.random.default_rng(0).random(data.images[tested].shape) * 255 < data.images[tested]
    labels = np.zeros(len(images), np.int64)
    model, partial, seconds = trained(
        task,
        results,
        images.astype(np.uint8) * 255,
        labels,
        ("digit",),
        variant=task["variant"],
        loss="bce",
        epochs=task["epochs"],
    )
    network, rows, quarter_HW = model.network(0), [], np.arange(28) * 2 // 28
    quarter_HW = 2 * quarter_HW[:, None] + quarter_HW[None]
    for count, shown in SEEN.items():
        visible_1HW = torch.from_numpy(np.isin(quarter_HW, shown))[None].float()
        nll = []
        for number, pixels_HWC in enumerate(test_x):
            x_CHW = torch.from_numpy(pixels_HWC).permute(2, 0, 1).float()
            nll.append(conditional_nll(network, partial, x_CHW, visible_1HW, task["latents"], number))
        mean, ratio = np.mean(nll, axis=0)
        rows.append({**task, "seen": count, "nll": mean, "nll_ratio": ratio, **seconds})
        print(json.dumps(rows[-1]), flush=True)
    return rows


@torch.no_grad()
def conditional_nll(
    network: Network,
    partial: InpaintingEncoder,
    x_CHW: torch.Tensor,
    visible_1HW: torch.Tensor,
    latents: int,
    number: int,
) -> tuple[float, float]:
    """Return -log p(missing | visible) of an image in nats: with c as the prior, and as a ratio of likelihoods."""
    generator = torch.Generator().manual_seed(number)
    y_N, visible_N1HW = torch.zeros(latents, dtype=torch.int64), visible_1HW.expand(latents, -1, -1, -1)
    x_NCHW = x_CHW.expand(latents, -1, -1, -1)
    mode, drawn = network.variant.encode(x_NCHW, y_N), network.variant.encode(x_NCHW, y_N, generator)
    raw_NRHW = network.variant.decode(drawn.latent, y_N)
    log_q_N = log_normal(drawn.latent, mode.latent, 2 * mode.scale.log())
    log_c_N = -partial.loss(x_NCHW, visible_N1HW, y_N, drawn.latent, generator)
    log_p_N = -visible_loss(network.loss, raw_NRHW, x_NCHW, 1 - visible_N1HW)
    bound = math.log(latents) - float((log_p_N + log_c_N - log_q_N).logsumexp(dim=0))

    def explain(latent: Any) -> torch.Tensor:
        return visible_loss(network.loss, network.variant.decode(latent, y_N), x_NCHW, visible_N1HW)

    latent = partial.draw(x_CHW, visible_1HW, 0, latents, generator)
    latent = partial.refine(latent, x_CHW, visible_1HW, 0, explain)
    visible = float(weigh(network, x_CHW, visible_1HW, 0, latent, generator).evidence)
    whole = -float(iwae_bound(network, x_CHW[None], y_N[:1], generator, latents))
    return bound, visible - whole

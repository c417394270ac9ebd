"""The training data of an inpainting encoder: images and their latents under a trained model."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaeaug.contracts.latent import flatten, unflatten
from vaeaug.inpainting.posterior_std import posterior_std
from vaeaug.models.store import StoredModel
from vaeaug.nn import standard_normal
from vaeaug.seeds import seed_of
from vaeaug.training.batches import as_pixels, encode_images

MAX_IMAGES = 20_000
MAX_BYTES = 2**28  # of all images together, a byte each
BATCH = 256


@dataclass(frozen=True, slots=True)
class Examples:
    """Images and their posteriors, all leaves of a latent concatenated, on the CPU.

    Attributes:
        mode_ND: posterior modes; int64 codes where latents are discrete.
        scale_ND: posterior standard deviations; zero for codes and where the mode was decoded.
    """

    pixels_NHWC: NDArray[np.uint8]
    labels_N: Tensor
    mode_ND: Tensor
    scale_ND: Tensor

    def __len__(self) -> int:
        return len(self.labels_N)


def real_examples(model: StoredModel, pixels_NHWC: NDArray[np.uint8], labels_N: NDArray[np.int64]) -> Examples:
    """Return images of known class (at most as many as memory allows, evenly picked) as the model encodes them."""
    known = np.flatnonzero(labels_N >= 0)
    limit = _max_images(model)
    if len(known) > limit:
        known = known[np.linspace(0, len(known) - 1, limit).round().astype(np.int64)]
    chosen, parts = [], []
    for label in np.unique(labels_N[known]):
        indices = known[labels_N[known] == label]
        chosen.append(indices)
        parts.append(encode_images(model.network(int(label)).variant, pixels_NHWC, labels_N, indices))
    order = np.concatenate(chosen)
    return Examples(
        pixels_NHWC[order],
        torch.from_numpy(labels_N[order]),
        torch.cat([flatten(part.latent) for part in parts]),
        torch.cat([posterior_std(part) for part in parts]),
    )


@torch.no_grad()
def decoded_examples(
    model: StoredModel, seed: int, count: int = MAX_IMAGES, *, seconds: float | None = None
) -> Examples:
    """Return images decoded from draws around the stored latents of the model, equally many of each class.

    Args:
        count: maximum number of images, but at least one per class.
        seconds: time limit, divided among the classes; each gets at least 256 images (or its part of `count`).
    """
    per_class = math.ceil(min(count, _max_images(model)) / len(model.classes))
    started = time.monotonic()
    pixels, modes, labels = [], [], []
    for label in range(len(model.classes)):
        network, stored = model.network(label), model.latents(label).latents
        total = len(stored.labels_N)
        generator = torch.Generator(device=model.device).manual_seed(seed_of(seed, "decoded-examples", label))
        scale_ND = posterior_std(stored)
        for start in range(0, per_class, BATCH):
            chosen_B = torch.arange(start, min(per_class, start + BATCH)) % total
            mode_BD = flatten(stored.latent)[chosen_B].to(model.device)
            if mode_BD.is_floating_point():
                noise_BD = standard_normal(tuple(mode_BD.shape), generator)
                mode_BD = mode_BD + scale_ND[chosen_B].to(model.device) * noise_BD
            y_B = torch.full((len(chosen_B),), label, device=model.device)
            raw_BRHW = network.variant.decode(unflatten(mode_BD, stored.latent), y_B)
            pixels.append(as_pixels(network.loss.image(raw_BRHW)))
            modes.append(mode_BD.cpu())
            labels.append(y_B.cpu())
            if seconds is not None and time.monotonic() - started > seconds * (label + 1) / len(model.classes):
                break
    mode_ND = torch.cat(modes)
    return Examples(np.concatenate(pixels), torch.cat(labels), mode_ND, torch.zeros(mode_ND.shape))


def _max_images(model: StoredModel) -> int:
    """Return how many images are kept at most."""
    return max(len(model.classes), min(MAX_IMAGES, MAX_BYTES // model.spec.pixels))

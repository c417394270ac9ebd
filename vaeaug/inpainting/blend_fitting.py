"""Fitting the weights of a model's guesses to random holes in images that it was not trained on."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaeaug.contracts.latent import flatten, unflatten
from vaeaug.inpainting.complete import Completer
from vaeaug.inpainting.encoder import InpaintingEncoder
from vaeaug.inpainting.holes import KINDS, random_hole
from vaeaug.inpainting.pixel_blend import fit_weights, guesses
from vaeaug.inpainting.posterior_std import posterior_std
from vaeaug.models.pixel_gaussians import PixelGaussians
from vaeaug.models.store import StoredModel
from vaeaug.nn import standard_normal
from vaeaug.seeds import seed_of
from vaeaug.training.batches import as_images

MIN_IMAGES = 24  # real ones; with fewer, images are drawn


def fit_blend_weights(
    model: StoredModel,
    encoder: InpaintingEncoder,
    gaussians: PixelGaussians,
    held_out: tuple[NDArray[np.uint8], NDArray[np.int64]] | None,
    *,
    holes_per_kind: int,
    seed: int,
    end: float | None = None,
) -> None:
    """Fit the weights of an encoder's blend (`pixel_blend.fit_weights`).

    Where no real images are at hand, the model draws images: decoded ones with a draw of the residual, so that they
    have the detail that the decoder leaves out. They resemble the training images more than other real images do, so
    the decoder's weight is too large then.

    Args:
        encoder: of the model, trained.
        held_out: real images that the model was not trained on, uint8 (N, H, W, C) at its size, and labels; or None.
        holes_per_kind: random holes of each kind (`holes.KINDS`).
        end: time (`time.monotonic`) after which no further image is completed, or None.
    """
    rng = np.random.default_rng(seed_of(seed, "blend-weights"))
    if held_out is not None and len(held_out[1]) >= MIN_IMAGES:
        images = _held_out_images(*held_out, model.device, rng)
    else:
        images = _drawn_images(model, gaussians, seed, rng)
    holes = itertools.islice(_completed(model, encoder, gaussians, images, rng, end), holes_per_kind * len(KINDS))
    weights_FKE = fit_weights(holes)
    encoder.blend_weights_FKE.copy_(weights_FKE)


def _completed(
    model: StoredModel,
    encoder: InpaintingEncoder,
    gaussians: PixelGaussians,
    images: Iterator[tuple[Tensor, int]],
    rng: np.random.Generator,
    end: float | None,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield the guesses of one image after another, the image, and what was visible; all kinds of holes in turn."""
    completer = Completer(model, method="partial-encoder", encoder=encoder)
    for number, (x_CHW, label) in enumerate(images):
        if end is not None and time.monotonic() > end:
            return
        hole_HW = random_hole(KINDS[number % len(KINDS)], model.spec.height, model.spec.width, rng)
        visible_1HW = torch.from_numpy(~hole_HW)[None].to(x_CHW)
        decoded_CHW = completer.complete(x_CHW, visible_1HW, label, samples=1, seed=number).decoded_SCHW[0]
        guesses_ECHW = guesses(decoded_CHW.to(x_CHW), x_CHW, visible_1HW, gaussians)
        yield guesses_ECHW.clamp(0, 1).cpu(), x_CHW.cpu(), visible_1HW.cpu()


def _held_out_images(
    pixels_NHWC: NDArray[np.uint8], labels_N: NDArray[np.int64], device: torch.device, rng: np.random.Generator
) -> Iterator[tuple[Tensor, int]]:
    """Yield images (C, H, W) in [0, 1] with their labels, in random order, again and again."""
    while True:
        for row in rng.permutation(len(labels_N)):
            yield as_images(pixels_NHWC[row : row + 1], device)[0], int(labels_N[row])


@torch.no_grad()
def _drawn_images(
    model: StoredModel, gaussians: PixelGaussians, seed: int, rng: np.random.Generator
) -> Iterator[tuple[Tensor, int]]:
    """Yield decoded images with a residual, (C, H, W) in [0, 1], of random classes, with their labels."""
    generator = torch.Generator(device=model.device).manual_seed(seed_of(seed, "blend-weights"))
    while True:
        label = int(rng.integers(len(model.classes)))
        network, stored = model.network(label), model.latents(label).latents
        row = slice(chosen := int(rng.integers(len(stored.labels_N))), chosen + 1)
        latent_1D = flatten(stored.latent)[row].to(model.device)
        if latent_1D.is_floating_point():
            std_1D = posterior_std(stored)[row].to(model.device)
            latent_1D = latent_1D + std_1D * standard_normal(tuple(latent_1D.shape), generator)
        y_1 = torch.full((1,), label, device=model.device)
        decoded_1CHW = network.loss.image(network.variant.decode(unflatten(latent_1D, stored.latent), y_1))
        yield (decoded_1CHW + gaussians.residuals.draw(1, generator))[0].clamp(0, 1), label

"""Fitting the weights of a model's guesses to images that it draws itself: decoded ones with a residual added."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
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

IMAGES_PER_KIND = 16  # of holes


def fit_blend_weights(
    model: StoredModel, encoder: InpaintingEncoder, gaussians: PixelGaussians, *, seed: int, end: float | None = None
) -> Tensor:
    """Return the weights of the guesses (`pixel_blend.fit_weights`), fitted to random holes in drawn images.

    The true images need not be at hand: a model is used where its data are not. The images are draws of the model with
    a draw of its residual, so they have the detail that the decoder leaves out.

    Args:
        encoder: of the model, trained.
        end: time (`time.monotonic`) after which no further image is completed, or None.
    """
    return fit_weights(_completed(model, encoder, gaussians, seed, end))


def _completed(
    model: StoredModel, encoder: InpaintingEncoder, gaussians: PixelGaussians, seed: int, end: float | None
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield the guesses of one image after another, the image, and what was visible; all kinds of holes in turn."""
    completer = Completer(model, method="partial-encoder", encoder=encoder)
    rng = np.random.default_rng(seed_of(seed, "blend-weights"))
    generator = torch.Generator(device=model.device).manual_seed(seed_of(seed, "blend-weights"))
    for number in range(IMAGES_PER_KIND * len(KINDS)):
        if end is not None and time.monotonic() > end:
            return
        label = int(rng.integers(len(model.classes)))
        x_CHW = _draw(model, gaussians, label, rng, generator)
        hole_HW = random_hole(KINDS[number % len(KINDS)], model.spec.height, model.spec.width, rng)
        visible_1HW = torch.from_numpy(~hole_HW)[None].to(x_CHW)
        decoded_CHW = completer.complete(x_CHW, visible_1HW, label, samples=1, seed=number).decoded_SCHW[0]
        guesses_ECHW = guesses(decoded_CHW.to(x_CHW), x_CHW, visible_1HW, gaussians)
        yield guesses_ECHW.clamp(0, 1).cpu(), x_CHW.cpu(), visible_1HW.cpu()


@torch.no_grad()
def _draw(
    model: StoredModel, gaussians: PixelGaussians, label: int, rng: np.random.Generator, generator: torch.Generator
) -> Tensor:
    """Draw an image of a class with its residual, (C, H, W) in [0, 1]."""
    network, stored = model.network(label), model.latents(label).latents
    row = slice(chosen := int(rng.integers(len(stored.labels_N))), chosen + 1)
    latent_1D = flatten(stored.latent)[row].to(model.device)
    if latent_1D.is_floating_point():
        std_1D = posterior_std(stored)[row].to(model.device)
        latent_1D = latent_1D + std_1D * standard_normal(tuple(latent_1D.shape), generator)
    y_1 = torch.full((1,), label, device=model.device)
    decoded_1CHW = network.loss.image(network.variant.decode(unflatten(latent_1D, stored.latent), y_1))
    return (decoded_1CHW + gaussians.residuals.draw(1, generator))[0].clamp(0, 1)

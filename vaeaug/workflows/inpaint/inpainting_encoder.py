"""The inpainting encoder of a model: read, or trained on first use and kept with the model."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.cache import ImageCache
from vaeaug.dataset.image_cache import validation_split
from vaeaug.dataset.rules import MAX_MEGAPIXELS
from vaeaug.errors import InputError, VaeaugError
from vaeaug.inpainting import train_encoder
from vaeaug.inpainting.blend_fitting import fit_blend_weights
from vaeaug.inpainting.encoder_store import FILE, InpaintingEncoder, load_inpainting_encoder, save_inpainting_encoder
from vaeaug.inpainting.train_encoder import train_inpainting_encoder
from vaeaug.models.pixel_gaussians import load_pixel_gaussians
from vaeaug.models.store import StoredModel
from vaeaug.progress import Progress
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.image_data import read_for_model

LabelledPixels = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images at the model's size, uint8 (N, H, W, C), and their labels (N,)."""

HOLES_PER_KIND = 12  # that the weights of the blend are fitted to,
STEPS_PER_HOLE = 100  # and fewer after a short training, so that it stays short
BLEND_FRACTION = 0.1  # of a limited time, for these weights


def inpainting_encoder(
    model: StoredModel,
    method: str,
    data: Path | None,
    *,
    workers: int | None = None,
    skip_invalid: bool = False,
    max_megapixels: float = MAX_MEGAPIXELS,
    steps: int | None = None,
    progress: Progress,
) -> InpaintingEncoder | None:
    """Return the inpainting encoder of a model, or None if completions use none; train and store it if it is missing.

    It is trained with the seed of the model, so it does not depend on the run that needs it first. If the model's
    directory cannot be written to, the encoder is used in this run only.

    Args:
        method: `gibbs` and `gaussian` need no encoder; `auto` uses none if the variant's latents do not allow one.
        data: real images to train on, or None to train on images that the model decodes.
        steps: optimizer steps; chosen if None.

    Raises:
        InputError: if the encoder's file is damaged, if the data cannot be read, or if `method` requires an encoder and
            the latents do not allow one.
    """
    if method in ("gibbs", "gaussian"):
        return None
    encoder = load_inpainting_encoder(model)
    if encoder is not None:
        if data is not None:
            progress.say(f"{model.directory} has an inpainting encoder already, so --data has no effect")
        return encoder
    examples = held_out = None
    if data is not None:
        data_images = read_for_model(
            model,
            data,
            workers=workers,
            skip_invalid=skip_invalid,
            progress=progress,
            max_megapixels=max_megapixels,
        )
        cache, labels_N = data_images.cache, data_images.labels_N
        chosen = cache.indices("train", real=True)
        if not len(chosen):
            raise InputError(f"{data} has no real training images, and an inpainting encoder is trained on real ones")
        _, validation = validation_split(cache)  # if the model was trained on DATA, it was not fitted to these
        chosen, validation = np.setdiff1d(chosen, validation), validation[labels_N[validation] >= 0]
        examples = cache.pixels_NHWC[chosen], labels_N[chosen]
        held_out = cache.pixels_NHWC[validation], labels_N[validation]
    try:
        encoder = _train(model, examples, held_out, steps, progress)
    except InputError as error:
        if method != "auto":
            raise
        progress.say(f"{str(error).partition(';')[0]}, so --method is gibbs")
        return None
    try:
        save_inpainting_encoder(model, encoder)
    except VaeaugError as error:
        progress.say(
            f"the inpainting encoder is used only in this run, because it cannot be stored in the model: {error}"
        )
    else:
        progress.say(f"the inpainting encoder is stored in {model.directory / FILE}; the next run needs no training")
    return encoder


def add_inpainting_encoder(
    model: StoredModel, cache: ImageCache, progress: Progress, *, seconds: float | None = None
) -> None:
    """Train the inpainting encoder of a new model on its uint8 training images, and store it in the model.

    Images that validated the model are kept for the weights of the blend. If the variant's latents do not allow an
    encoder, a warning says so and nothing is written; the model is complete without.
    """
    training, held_out = (
        (cache.pixels_NHWC[indices], cache.labels_N[indices]) if len(indices) else None
        for indices in validation_split(cache)
    )
    try:
        save_inpainting_encoder(model, _train(model, training, held_out, None, progress, seconds))
    except InputError as error:
        progress.say(f"--inpainting has no effect: {str(error).partition(';')[0]}")


def resolved_method(method: str, encoder: InpaintingEncoder | None) -> str:
    """Return the method to use, given the encoder that `inpainting_encoder` returned for it."""
    return "gibbs" if encoder is None and method == "auto" else method


def fingerprint(encoder: InpaintingEncoder | None) -> str:
    """Return a hash of the weights of an inpainting encoder; empty for None."""
    if encoder is None:
        return ""
    state = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(encoder.state_dict().items()):
        state.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return state.hexdigest()


@one_thread()
def _train(
    model: StoredModel,
    examples: LabelledPixels | None,
    held_out: LabelledPixels | None,
    steps: int | None,
    progress: Progress,
    seconds: float | None = None,
) -> InpaintingEncoder:
    """Train the inpainting encoder of a model, with the seed of the model, and fit the weights of its blend."""
    progress.stage("Training the inpainting encoder")
    end = None if seconds is None else time.monotonic() + seconds
    encoder = train_inpainting_encoder(
        model,
        *(examples or (None, None)),
        steps=steps,
        seconds=None if seconds is None else (1 - BLEND_FRACTION) * seconds,
        seed=model.record.seed,
        report=progress.tick,
    )
    gaussians = load_pixel_gaussians(model)
    if gaussians is not None:
        progress.stage("Comparing the encoder with the Gaussians")
        holes = min(HOLES_PER_KIND, 1 + (steps or train_encoder.STEPS) // STEPS_PER_HOLE)
        fit_blend_weights(model, encoder, gaussians, held_out, holes_per_kind=holes, seed=model.record.seed, end=end)
    return encoder

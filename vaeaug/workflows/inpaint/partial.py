"""The partial encoder of a model: read, or trained on first use and kept with the model."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.rules import MAX_MEGAPIXELS
from vaeaug.errors import InputError, VaeaugError
from vaeaug.inpainting.partial_encoder import FILE, PartialEncoder, load_partial, save_partial
from vaeaug.inpainting.train_partial import train_partial
from vaeaug.models.store import StoredModel
from vaeaug.progress import Progress
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.read import read_for_model


def partial_encoder(
    model: StoredModel,
    method: str,
    data: Path | None,
    *,
    workers: int | None = None,
    skip_invalid: bool = False,
    max_megapixels: float = MAX_MEGAPIXELS,
    steps: int | None = None,
    progress: Progress,
) -> PartialEncoder | None:
    """Return the partial encoder of a model; where it has none yet, train it and keep it in the model's directory.

    Its seed is that of the model, so it is the same whichever run needs it first. A model that cannot be written to
    stays as it is, and the partial encoder serves this run alone.

    Args:
        model: the trained model.
        method: `gibbs` needs none; `auto` does without where the variant's latents allow none.
        data: real images to train on, or None for what the model decodes.
        workers: threads that decode them.
        skip_invalid: leave unreadable ones out.
        max_megapixels: real images of more millions of pixels are refused.
        steps: of its training; chosen if None.
        progress: hears how it goes.

    Returns:
        It, or None where completions are to do without.

    Raises:
        InputError: the file of the model is damaged, the data cannot be read, or there is no partial encoder for such
            latents and `method` asks for one.
    """
    if method == "gibbs":
        return None
    partial = load_partial(model)
    if partial is not None:
        if data is not None:
            progress.say(f"{model.directory} has a partial encoder already, so --data changes nothing")
        return partial
    pixels_NHWC = labels_N = None
    if data is not None:
        read = read_for_model(
            model,
            data,
            workers=workers,
            skip_invalid=skip_invalid,
            progress=progress,
            max_megapixels=max_megapixels,
        )
        chosen = read.cache.indices("train", real=True)
        if not len(chosen):
            raise InputError(f"{data} has no real training images, and a partial encoder learns from real ones only")
        pixels_NHWC, labels_N = read.cache.pixels_NHWC[chosen], read.labels_N[chosen]
    try:
        partial = _train(model, pixels_NHWC, labels_N, steps, progress)
    except InputError as error:
        if method != "auto":
            raise
        progress.say(f"{str(error).partition(';')[0]}, so --method is gibbs")
        return None
    try:
        save_partial(model, partial)
    except VaeaugError as error:
        progress.say(f"the partial encoder serves this run alone, for it cannot be kept in the model: {error}")
    else:
        progress.say(f"the partial encoder is kept in {model.directory / FILE}; the next run needs no training")
    return partial


def add_partial_encoder(
    model: StoredModel,
    pixels_NHWC: NDArray[np.uint8],
    labels_N: NDArray[np.int64],
    progress: Progress,
    *,
    seconds: float | None = None,
) -> None:
    """Train the partial encoder of a model that is being built, on its training images, and write it there.

    Where the variant's latents allow none, that is said and nothing is written: the model itself is as good.

    Args:
        model: the trained model.
        pixels_NHWC: its training images.
        labels_N: their classes.
        progress: hears how it goes.
        seconds: time that it may take, or None for no limit.
    """
    try:
        save_partial(model, _train(model, pixels_NHWC, labels_N, None, progress, seconds))
    except InputError as error:
        progress.say(f"--inpainting changes nothing: {str(error).partition(';')[0]}")


def fingerprint(partial: PartialEncoder | None) -> str:
    """Return what identifies a partial encoder, by its weights; empty of None."""
    if partial is None:
        return ""
    state = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(partial.state_dict().items()):
        state.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return state.hexdigest()


@one_thread()
def _train(
    model: StoredModel,
    pixels_NHWC: NDArray[np.uint8] | None,
    labels_N: NDArray[np.int64] | None,
    steps: int | None,
    progress: Progress,
    seconds: float | None = None,
) -> PartialEncoder:
    """Train the partial encoder of a model, with the model's own seed."""
    progress.stage("Training the partial encoder")
    return train_partial(
        model, pixels_NHWC, labels_N, steps=steps, seconds=seconds, seed=model.record.seed, report=progress.tick
    )

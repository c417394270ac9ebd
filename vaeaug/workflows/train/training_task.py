"""One training, as a task for a worker process: small values in, files out."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaeaug import plugins
from vaeaug.contracts import ImageSpec, Latents, tree_map
from vaeaug.dataset.augment import classical_pipeline, load_pipeline
from vaeaug.dataset.cache import ImageCache, open_cache
from vaeaug.dataset.image_cache import validation_split
from vaeaug.dataset.palette import nearest_colours
from vaeaug.models.latents import ClassLatents, save_latents
from vaeaug.models.network import Network, build_network
from vaeaug.progress import Tick
from vaeaug.seeds import seed_of
from vaeaug.staging import write_atomic
from vaeaug.training.batches import Augment, Batches, encode_images
from vaeaug.training.config import TrainingConfig
from vaeaug.training.loop import FitResult, fit
from vaeaug.training.plan import plan
from vaeaug.training.validation import latents_in_use
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.time_budget import task_seconds

RESULT = "result.json"
WEIGHTS = "weights.safetensors"
LATENTS = "latents.safetensors"


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """One training.

    Attributes:
        name: a class, or "all classes".
        label: the class to train on, or None for all classes.
        train_augment: file of an Albumentations pipeline, or None.
        start: weights to start from, or None.
        end: with a time budget, when all trainings have to be finished (`time.monotonic`).
        rounds: trainings that one process runs in sequence, including this one; they divide the remaining time.
    """

    name: str
    label: int | None
    cache: Path
    variant: str
    variant_options: dict[str, Any]
    loss: str
    loss_options: dict[str, Any]
    plugins_dirs: tuple[str, ...]
    config: TrainingConfig
    seed: int
    device: str
    train_augment: str | None
    directory: Path
    start: Path | None = None
    encode: bool = True
    end: float | None = None
    rounds: int = 1


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """The outcome of a training."""

    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    seconds: float
    images: int


@one_thread()
def run_training_task(task: TrainingTask, report: Callable[[Tick], None]) -> TrainingOutcome:
    """Train one network, or continue from its checkpoint; return immediately if it was finished before."""
    result = task.directory / RESULT
    if result.exists():
        return TrainingOutcome(**json.loads(result.read_text(encoding="utf-8")))
    task.directory.mkdir(parents=True, exist_ok=True)
    cache = open_cache(task.cache)
    training, validation = (_class_indices(cache.labels_N, part, task.label) for part in validation_split(cache))
    registry = plugins.load(task.plugins_dirs)
    _, height, width, channels = cache.pixels_NHWC.shape
    network = build_network(
        registry.variant(task.variant).cls,
        task.variant_options,
        registry.loss(task.loss).cls,
        task.loss_options,
        ImageSpec(channels, height, width, len(cache.classes), palette=cache.palette),
        task.seed,
    )
    if task.start is not None:
        network.load(task.start)
    device = torch.device(task.device)
    network.to(device)
    config, prior_end = task.config, None
    if task.end is not None:
        began = time.monotonic()
        seconds = task_seconds(task.end, task.rounds, began)
        prior = network.variant.prior_share if task.encode else 0.0
        config = dataclasses.replace(config, time_budget=(1 - prior) * seconds)
        prior_end = began + seconds
    length = plan(config, len(training))
    batches = Batches(
        pixels_NHWC=cache.pixels_NHWC,
        labels_N=cache.labels_N,
        indices=training,
        size=length.batch_size,
        seed=seed_of(task.seed, "batches", task.name),
        device=device,
        augment=None if config.consistency else _augmentation(task, cache),
        copy_augment=_augmentation(task, cache) if config.consistency else None,
    )
    if task.start is not None and not len(validation):
        return _finish(task, network, cache, _unchanged_result(network, batches), prior_end)
    fitted = fit(
        network.variant,
        network.loss,
        batches,
        config,
        steps=length.steps,
        validation=validation,
        seed=seed_of(task.seed, "fit", task.name),
        checkpoint=task.directory / "checkpoint.safetensors",
        report=report,
    )
    if task.start is not None and fitted.best_step == 0:
        stopped = f"{fitted.stopped}; it keeps the shared network, which was better"
        fitted = dataclasses.replace(fitted, stopped=stopped)
    return _finish(task, network, cache, fitted, prior_end)


def _augmentation(task: TrainingTask, cache: ImageCache) -> Augment | None:
    """Return the augmentation: the user's, or for a consistency term the classical one by default, or none.

    A user's may interpolate colours, so indexed images are mapped back to their palette.
    """
    palette = cache.palette
    if task.train_augment is None:
        if not task.config.consistency:
            return None
        _, height, width, channels = cache.pixels_NHWC.shape
        return classical_pipeline(height, width, channels, flip=False, indexed=palette is not None)
    pipeline = load_pipeline(Path(task.train_augment))
    if palette is None:
        return pipeline
    return lambda pixels_BHWC, seeds: nearest_colours(pipeline(pixels_BHWC, seeds), palette)


def _unchanged_result(network: Network, batches: Batches) -> FitResult:
    """Return the result for a class whose network is not trained further, because nothing could validate that."""
    units, codes = latents_in_use(network.variant, batches)
    stopped = "too few images for a network of its own: it keeps the shared one"
    return FitResult(stopped, 0, 0, None, units, [], 0.0, 0, codes=codes)


def _finish(
    task: TrainingTask, network: Network, cache: ImageCache, fitted: FitResult, prior_end: float | None
) -> TrainingOutcome:
    """Write the results of a training; the file with the outcome comes last.

    Args:
        prior_end: with a time budget, when the prior has to be fitted (`time.monotonic`).
    """
    if task.encode:
        _fit_prior_and_save_latents(task, network, cache, prior_end)
    network.save(task.directory / WEIGHTS)
    outcome = TrainingOutcome(
        metrics={
            "stopped": fitted.stopped,
            "steps": fitted.steps,
            "best_step": fitted.best_step,
            "validation_loss": fitted.validation_loss,
            "active_units": fitted.units.active,
            "latent_units": fitted.units.total,
            "still_improving": fitted.still_improving,
            **({} if fitted.codes is None else {"codes": fitted.codes.as_json()}),
        },
        history=fitted.history,
        seconds=fitted.seconds,
        images=fitted.images,
    )
    write_atomic(task.directory / RESULT, json.dumps(asdict(outcome)).encode())
    return outcome


def _class_indices(labels_N: np.ndarray, indices: np.ndarray, label: int | None) -> np.ndarray:
    return indices if label is None else indices[labels_N[indices] == label]


def _fit_prior_and_save_latents(
    task: TrainingTask, network: Network, cache: ImageCache, prior_end: float | None
) -> None:
    """Encode the real training images, including those held out for validation, fit the prior, and save the latents."""
    chosen = cache.indices("train", None if task.label is None else cache.classes[task.label])
    latents = encode_images(network.variant, cache.pixels_NHWC, cache.labels_N, chosen)
    if prior_end is not None:
        latents = dataclasses.replace(latents, seconds=max(prior_end - time.monotonic(), 0.1))
    device = next(network.variant.parameters()).device
    generator = torch.Generator(device=device).manual_seed(seed_of(task.seed, "fit_prior", task.name))
    network.variant.fit_prior(latents, generator)
    network.variant.eval()
    classes = {}
    for label in sorted(set(latents.labels_N.tolist())):
        rows = (latents.labels_N == label).nonzero()[:, 0]
        part = Latents(
            latent=tree_map(lambda leaf, rows=rows: leaf[rows], latents.latent),
            labels_N=latents.labels_N[rows],
            scale=None if latents.scale is None else tree_map(lambda leaf, rows=rows: leaf[rows], latents.scale),
        )
        sources = tuple(cache.files[chosen[row]].file_name for row in rows.tolist())
        classes[label] = ClassLatents(part, sources, cache.content_hash(cache.classes[label]))
    save_latents(task.directory / LATENTS, classes)

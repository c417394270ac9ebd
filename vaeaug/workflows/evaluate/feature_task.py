"""Features of images by a frozen network, computed once for all classifiers, as tasks for worker processes.

A task computes one view of a block of images: the images as they are, or one random draw of a classical augmentation.
Blocks are rows of a cache, so every image has the same features whichever classifiers are trained with it.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.classifier.classical import ClassicalPipeline
from vaeaug.dataset.cache import ImageCache, open_cache
from vaeaug.evaluation.embedding import Embedding
from vaeaug.seeds import seed_of
from vaeaug.staging import write_atomic
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.evaluate.classifier_choice import ClassifierChoice
from vaeaug.workflows.evaluate.image_subset import ImageSubset

BLOCK = 512
"""Images of a task."""


@dataclass(frozen=True, slots=True)
class Views:
    """How images are seen by the network: as they are, or augmented.

    Attributes:
        real: cache of the real images, whose colours the pipeline uses (`ClassicalPipeline.build`).
        pipeline: without mixup; None for the images as they are.
        count: random draws of the pipeline for each image; 1 for the images as they are.
    """

    real: Path
    pipeline: ClassicalPipeline | None = None
    count: int = 1

    @property
    def name(self) -> str:
        """What distinguishes their files."""
        return "plain" if self.pipeline is None else f"{self.pipeline.name}-{'flip' if self.pipeline.flip else 'same'}"


def views_of(real: ImageCache, pipeline: ClassicalPipeline | None, count: int) -> Views:
    """Return how images are seen; mixup is left out, because it mixes features."""
    if pipeline is None:
        return Views(real.directory)
    return Views(real.directory, dataclasses.replace(pipeline, mixup=False), count)


@dataclass(frozen=True, slots=True)
class FeatureTask:
    """One view of a block of the images of a split of a cache.

    Attributes:
        view: 0 ... `views.count` - 1.
        block: number of the block among the images of the split.
    """

    classifier: ClassifierChoice
    cache: Path
    split: str
    views: Views
    view: int
    block: int
    seed: int
    device: str
    file: Path


@one_thread()
def run_feature_task(task: FeatureTask, report: Callable[[float], None]) -> None:
    """Compute the features and write them, float32 (N, D).

    Args:
        report: receives 1 when it is done.
    """
    cache = open_cache(task.cache)
    rows_N = _rows(cache, task.split)[task.block * BLOCK : (task.block + 1) * BLOCK]
    pixels_NHWC = cache.pixels_NHWC[rows_N]
    pipeline = task.views.pipeline
    if pipeline is not None:
        real = open_cache(task.views.real)
        augment = pipeline.build(real.pixels_NHWC[_rows(real, "train")], indexed=real.palette is not None)
        names = (task.split, task.views.name, task.view)
        seeds = [seed_of(task.seed, "view", *names, int(row)) % 2**32 for row in rows_N]
        pixels_NHWC = augment(pixels_NHWC, seeds)
    weights = task.classifier.weights_file
    stat = None if weights is None else weights.stat()
    embedding = _frozen_network(task.classifier, task.device, task.seed, stat and (stat.st_mtime_ns, stat.st_size))
    buffer = io.BytesIO()
    np.save(buffer, embedding.compute(pixels_NHWC))
    write_atomic(task.file, buffer.getvalue(), durable=False)
    report(1.0)


@lru_cache(maxsize=1)
def _frozen_network(
    classifier: ClassifierChoice,
    device: str,
    seed: int,
    stamp: tuple[int, int] | None,  # noqa: ARG001 (a file that was written again is read again)
) -> Embedding:
    """Build the network once for all tasks of this process."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "frozen network"))  # of a callable that draws weights
        return classifier.embedding(torch.device(device))


@dataclass(frozen=True, slots=True)
class FeatureStore:
    """The files of features in a directory, and the tasks that write them."""

    classifier: ClassifierChoice
    directory: Path
    seed: int
    device: str

    def tasks(self, images: ImageSubset, views: Views) -> Iterator[FeatureTask]:
        """Yield the tasks for all views of some images that are not done yet."""
        for split in _splits(images):
            for view in range(views.count):
                for block in range(_blocks(images.cache, split)):
                    task = self._task(images.cache, split, views, view, block)
                    if not _is_done(task.file):
                        yield task

    def features(self, images: ImageSubset, views: Views) -> NDArray[np.float32]:
        """Return the features of some images, (N, V, D), from the files of done tasks."""
        parts, rows = [], []
        for split in _splits(images):
            rows.append(_rows(images.cache, split))
            blocks = range(_blocks(images.cache, split))
            views_VND = [
                np.concatenate([np.load(self._task(images.cache, split, views, view, block).file) for block in blocks])
                for view in range(views.count)
            ]
            parts.append(np.stack(views_VND, axis=1))
        rows_M = np.concatenate(rows)
        order_M = np.argsort(rows_M)
        chosen_N = order_M[np.searchsorted(rows_M[order_M], images.rows_N)]
        features_NVD: NDArray[np.float32] = np.concatenate(parts)[chosen_N]
        return features_NVD

    def _task(self, cache: ImageCache, split: str, views: Views, view: int, block: int) -> FeatureTask:
        name = f"features-{cache.directory.name}-{split}-{views.name}-{view}-{block:05}.npy"
        return FeatureTask(
            self.classifier,
            cache.directory,
            split,
            views,
            view,
            block,
            self.seed,
            self.device,
            self.directory / name,
        )


def _rows(cache: ImageCache, split: str) -> NDArray[np.int64]:
    return np.flatnonzero(cache.split_N == split)


def _blocks(cache: ImageCache, split: str) -> int:
    return -(-len(_rows(cache, split)) // BLOCK)


def _is_done(file: Path) -> bool:
    try:
        np.load(file, mmap_mode="r")
    except (OSError, ValueError, EOFError):  # after a power cut a file may be empty
        return False
    return True


def _splits(images: ImageSubset) -> list[str]:
    return [str(split) for split in np.unique(images.cache.split_N[images.rows_N])]

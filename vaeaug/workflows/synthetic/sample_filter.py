"""The filter of samples: its classifiers are trained in worker processes, one per fold, and kept until the run ends."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file, save

from vaeaug.classifier.fit import Classifier, ClassifierConfig, Source, fit_classifier
from vaeaug.classifier.folds import stratified_folds
from vaeaug.classifier.network import ConvClassifier
from vaeaug.cpus import cpu_count
from vaeaug.dataset.cache import ImageCache, open_cache
from vaeaug.engine.local import run_tasks
from vaeaug.export.pool import run_bounded
from vaeaug.progress import Progress, Tick
from vaeaug.seeds import seed_of
from vaeaug.staging import write_atomic
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.synthesis.filters import ClassifierFilter, Fold
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.run import Run
from vaeaug.workflows.sample_settings import AugmentSettings

FOLDS = 3
CONFIG = ClassifierConfig(steps=100, features=24)  # more agree no better: tests/benchmarks/filter_agreement.py
STEPS_PER_IMAGE, MIN_STEPS = 2, 60  # few images are soon memorized


class SampleFilter:
    """Decides which samples of a dataset's classes are kept."""

    def __init__(self, classifier_filter: ClassifierFilter, cache: ImageCache) -> None:
        self._classifier_filter = classifier_filter
        self._names_R = [cache.files[index].file_name for index in cache.indices("train", real=True)]
        self._shape_HWC = cache.pixels_NHWC.shape[1:]
        self._label = {name: label for label, name in enumerate(cache.classes)}
        self._position = {name: position for position, name in enumerate(self._names_R)}

    def verdicts(self, chunk: SampleChunk) -> list[str | None]:
        """Return for each sample the reason why it is dropped, or None if it is kept."""
        sources = [None if source is None else self._position.get(source) for source in chunk.sources]
        return self._classifier_filter.verdicts(self._pixels_at_size(chunk), self._label[chunk.label], sources)

    @one_thread()
    def nearest(self, label: str, images: Sequence[NDArray[np.uint8]]) -> list[str]:
        """Return the `file_name` of the most similar real image of the class, for each image."""
        if not images:
            return []
        positions_B = self._classifier_filter.nearest(self._at_size(images), self._label[label])
        return [self._names_R[position] for position in positions_B]

    def _pixels_at_size(self, chunk: SampleChunk) -> NDArray[np.uint8]:
        if chunk.edits is None and chunk.pixels_BHWC.shape[1:] == self._shape_HWC:
            return chunk.pixels_BHWC
        if chunk.edits is None:
            return self._at_size(chunk.pixels_BHWC)
        # In threads, because decoding and adding run outside the interpreter; kept, because the writer needs them too.
        with contextlib.closing(run_bounded(lambda edit: edit.eight_bit(), chunk.edits)) as edited:
            return self._at_size(edited)

    def _at_size(self, images: Iterable[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        return np.stack([_resized(image_HWC, self._shape_HWC) for image_HWC in images])


def _resized(image_HWC: NDArray[np.uint8], shape_HWC: tuple[int, ...]) -> NDArray[np.uint8]:
    height, width, channels = shape_HWC
    image = Image.fromarray(image_HWC[..., 0] if image_HWC.shape[2] == 1 else image_HWC)
    if channels == 1:
        image = image.convert("L")  # a palette of grays, read back from its file
    if image.size != (width, height):  # as the cache did it, or the way would tell a sample from a real image
        image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.broadcast_to(np.asarray(image, np.uint8).reshape(height, width, -1), (height, width, channels))


@dataclass(frozen=True, slots=True)
class FoldTask:
    """The training of the classifier of one fold, which it does not see."""

    cache: Path
    fold: int
    seed: int
    device: str
    path: Path


def dataset_filter(run: Run[AugmentSettings], cache: ImageCache) -> SampleFilter | None:
    """Return the filter that decides which samples are kept, or None to keep all."""
    if not run.settings.filter:
        return None
    return train_filter(
        cache,
        run.scratch / "judges",
        seed=run.settings.seed,
        device=run.device,
        workers=run.settings.workers,
        progress=run.progress,
    )


def train_filter(
    cache: ImageCache, directory: Path, *, seed: int, device: torch.device, workers: int | None, progress: Progress
) -> SampleFilter | None:
    """Return a filter for samples of a dataset's classes, or None without two classes that have real images.

    Classifiers that exist in `directory` are not trained again. There is one process per core if `workers` is None.
    """
    if len(cache.classes) < 2 or not all(len(cache.indices("train", name, real=True)) for name in cache.classes):
        return None
    directory.mkdir(exist_ok=True)
    tasks = [
        FoldTask(cache.directory, fold, seed, str(device), directory / f"fold-{fold}.safetensors")
        for fold in range(FOLDS)
    ]
    pending = [task for task in tasks if not task.path.exists()]
    if pending:
        progress.stage("Training the filter classifiers")
    fractions = dict.fromkeys(range(len(pending)), 0.0)

    def on_progress(number: int, fraction: float) -> None:
        fractions[number] = fraction
        progress.tick(Tick(sum(fractions.values()) / len(pending)))

    run_tasks(_run, pending, workers=min(workers or cpu_count(), FOLDS), on_message=on_progress)
    indices = cache.indices("train", real=True)
    pixels_NHWC, labels_N = cache.pixels_NHWC[indices], cache.labels_N[indices]
    fold_N = _folds(cache, seed)
    folds = [Fold(_load(cache, task, device), np.flatnonzero(fold_N == task.fold)) for task in tasks]
    with one_thread():
        return SampleFilter(ClassifierFilter(folds, pixels_NHWC, labels_N), cache)


@one_thread()
def _run(task: FoldTask, report: Callable[[float], None]) -> None:
    cache = open_cache(task.cache)
    indices = cache.indices("train", real=True)[_folds(cache, task.seed) != task.fold]
    steps = min(max(STEPS_PER_IMAGE * len(indices), MIN_STEPS), CONFIG.steps)
    classifier = fit_classifier(
        [Source(cache.pixels_NHWC[indices], cache.labels_N[indices])],
        len(cache.classes),
        seed=seed_of(task.seed, "judge", task.fold),
        config=dataclasses.replace(CONFIG, steps=steps, batch_size=min(CONFIG.batch_size, len(indices))),
        device=torch.device(task.device),
        report=report,
    )
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in classifier.network.state_dict().items()}
    write_atomic(task.path, save(weights))


def _folds(cache: ImageCache, seed: int) -> NDArray[np.int64]:
    indices = cache.indices("train", real=True)
    digests = [cache.files[index].digest for index in indices]
    return stratified_folds(cache.labels_N[indices], FOLDS, seed, digests=digests)


def _load(cache: ImageCache, task: FoldTask, device: torch.device) -> Classifier:
    _, height, width, channels = cache.pixels_NHWC.shape
    network = ConvClassifier(
        channels=channels,
        height=height,
        width=width,
        classes=len(cache.classes),
        features=CONFIG.features,
        dropout=CONFIG.dropout,
    )
    network.load_state_dict(load_file(task.path))
    return Classifier(network.to(device).eval())

"""The scores of a window of images, as a task for a worker process: small values in, files out."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vaeaug.anomaly.score_images import Scores, score_images
from vaeaug.dataset.cache import ImageCache, open_cache
from vaeaug.export.error_map import encode_error_map, map_name
from vaeaug.models.store import open_stored
from vaeaug.plugins import load
from vaeaug.staging import write_atomic
from vaeaug.workflows.device import one_thread

WINDOW = 512
"""Images per task: a fixed number, so that the tasks do not depend on the number of workers."""

NO_ERROR_MAPS = np.empty((0, 0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class ScoreTask:
    """The scoring of a window of images.

    Attributes:
        labels: indices of the images' classes in the model; -1 if the class is not known.
        draws: K of the importance-weighted bound.
        evidence: whether to compute the evidence of each class even if the class is known.
        maps: the directory to write error maps to, or None for no maps.
    """

    model: Path
    plugins_dirs: tuple[str, ...]
    device: str
    cache: Path
    start: int
    labels: tuple[int, ...]
    seed: int
    draws: int
    evidence: bool
    file: Path
    maps: Path | None


@one_thread()
def run_score_task(task: ScoreTask, report: Callable[[int], None]) -> None:
    """Score the images of a task. The file is written last: if it exists, the maps exist too."""
    # The command has checked that the user consents, if that is needed.
    model = open_stored(task.model, torch.device(task.device), load(task.plugins_dirs), allow_imports=True)
    cache = open_cache(task.cache)
    stop = task.start + len(task.labels)
    labels_N = np.array(task.labels, dtype=np.int64)
    scores = score_images(
        model,
        cache.pixels_NHWC[task.start : stop],
        labels_N,
        seed=task.seed,
        draws=task.draws,
        evidence=task.evidence,
    )
    if task.maps is not None:
        _write_maps(task.maps, cache, task.start, scores)
    buffer = io.BytesIO()
    kept = dataclasses.replace(scores, error_NHW=NO_ERROR_MAPS)
    np.savez(buffer, **{field.name: getattr(kept, field.name) for field in dataclasses.fields(Scores)})
    write_atomic(task.file, buffer.getvalue(), durable=False)
    report(len(task.labels))


def read_scores(file: Path) -> Scores:
    """Return the scores that a task wrote, without per-pixel errors, which would take as much space as the images.

    Raises:
        OSError, ValueError, KeyError, EOFError: if there is no such file, or if it is truncated.
    """
    with np.load(file, allow_pickle=False) as kept:
        return Scores(**{field.name: kept[field.name] for field in dataclasses.fields(Scores)})


def is_done(task: ScoreTask) -> bool:
    """Return whether the file of a task exists and is complete."""
    try:
        return len(read_scores(task.file).measured_as_N) == len(task.labels)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # after a power cut a file may be empty
        return False


def _write_maps(out: Path, cache: ImageCache, start: int, scores: Scores) -> None:
    for file, error_HW in zip(cache.files[start:], scores.error_NHW, strict=False):
        path = out / map_name(file.file_name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, encode_error_map(error_HW, file.height, file.width), durable=False)

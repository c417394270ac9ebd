"""Score images by a trained model: how strange each is, and which labels are suspicious."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaeaug.anomaly.columns import SCORE_COLUMNS
from vaeaug.anomaly.judgement import EVIDENCE, NOBODY, choose_judge, judge
from vaeaug.anomaly.label_densities import LEAST_IMAGES
from vaeaug.anomaly.score_images import Scores, score_images
from vaeaug.anomaly.table import ScoredImages, score_table, write_tables
from vaeaug.cpus import cpu_count
from vaeaug.engine.local import run_tasks
from vaeaug.errors import InputError
from vaeaug.models.store import StoredModel
from vaeaug.progress import SILENT, Progress, Tick
from vaeaug.staging import Staging, refuse_overlap
from vaeaug.workflows.device import choose_device, one_thread
from vaeaug.workflows.finished import finished_record
from vaeaug.workflows.model import open_stored
from vaeaug.workflows.name_list import name_list
from vaeaug.workflows.read import ModelData, read_for_model
from vaeaug.workflows.score.publish import Scored, write_root
from vaeaug.workflows.score.settings import ScoreSettings
from vaeaug.workflows.score.task import WINDOW, ScoreTask, is_done, read_scores, run_score_task
from vaeaug.workflows.settings import build, real_path


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """What `score` made.

    Attributes:
        out: the directory with `scores.parquet`, `scores.csv` and `gallery.html`.
        images: how many were scored.
        by: the column that is the score.
        judge: who judged the labels: `features`, `evidence` or `nobody`.
        suspicious: images whose label is less likely than another class.
        remarks: what the user should know.
    """

    out: Path
    images: int
    by: str
    judge: str
    suspicious: int
    remarks: tuple[str, ...]


@one_thread()
def score(
    model: str | Path, data: str | Path, out: str | Path, *, progress: Progress = SILENT, **settings: Any
) -> ScoreResult:
    """Write how strange each image of a dataset is to a trained model: a table, a page, and maps if wanted.

    Args:
        model: the directory of the model.
        data: images: class folders, splits, a folder of images, or one image. They are never written to.
        out: the directory to make; nothing, or an empty directory, must be there.
        progress: hears how it goes.
        **settings: the fields of `ScoreSettings`: `by`, `judge`, `draws`, `maps`, `gallery`, `seed`, `skip_invalid`,
            `allow_imports`, `labels`, `file_column`, `label_column`, `device`, `workers`, `resume`, `plugins_dirs`.

    Returns:
        What was made.

    Raises:
        InputError: the model, the data, an option or the place is not usable; nothing was changed.
        VaeaugError: the work failed; with `resume=True` it goes on where it was.
    """
    chosen: ScoreSettings = build(ScoreSettings, settings, "vaeaug.score")
    model, data, out = real_path(model), real_path(data), real_path(out)
    device = choose_device(chosen.device)
    stored = open_stored(model, device, chosen.plugins_dirs, allow_imports=chosen.allow_imports)
    stored.require_consent()
    by = chosen.by.replace("-", "_")
    if data.exists():
        refuse_overlap(data, out)
    refuse_overlap(model, out)
    request = {"model": stored.record.fingerprint, "data": str(data.resolve()), **chosen.request()}
    with Staging(out, request, resume=chosen.resume) as staging:
        read = read_for_model(
            stored,
            data,
            labels=chosen.label_options(),
            workers=chosen.workers,
            skip_invalid=chosen.skip_invalid,
            progress=progress,
            max_megapixels=chosen.max_megapixels,
        )
        staging.refuse_changed(dataset=read.cache.directory.name)  # it tells names too
        if (record := finished_record(staging, progress)) is not None:
            return ScoreResult(
                out=staging.final,
                images=record["images"],
                by=record["by"],
                judge=record["judge"],
                suspicious=record["suspicious_labels"],
                remarks=tuple(record["remarks"]),
            )
        who = choose_judge(chosen.judge, stored, read.labels_N)
        _refuse_missing(by, who, stored, read)
        tasks = _tasks(chosen, stored, read, staging, who, device)
        _run(tasks, chosen, device, progress)
        progress.stage("Writing the table and the page")
        images = _gathered(tasks, read, stored, who)
        write_tables(staging.content, score_table(images, by))
        remarks = _remarks(read, who)
        write_root(Scored(staging, stored, read, images, by, who, chosen, remarks))
        staging.publish()
    for remark in remarks:
        progress.say(remark)
    suspicious = int((images.judgement.label_surprise_N > 0).sum())
    return ScoreResult(staging.final, len(read.cache), by, who, suspicious, remarks)


def _refuse_missing(by: str, who: str, model: StoredModel, read: ModelData) -> None:
    """Refuse to rank by what there is not, before any work. One image is tried, and the loss with it.

    Raises:
        InputError: this model, or this data, has no such column.
    """
    if by == "label_surprise":
        if who == NOBODY or not (read.labels_N >= 0).any():
            raise InputError(
                "no label can be judged, so images cannot be ranked by label-surprise: it takes images in folders "
                f"named like classes of the model, such as {model.classes[0]}; choose another --by"
            )
        return
    tried = score_images(
        model, read.cache.pixels_NHWC[:1], np.zeros(1, np.int64), seed=0, draws=1, evidence=False
    ).measured_NP[0]
    missing = [name for name, value in zip(SCORE_COLUMNS, tried, strict=False) if np.isnan(value)]
    if by in missing:
        others = ", ".join(name.replace("_", "-") for name in SCORE_COLUMNS if name not in missing)
        raise InputError(
            f"the variant '{model.record.variant.name}' has no {by.replace('_', '-')}; choose another --by: {others}"
        )


def _tasks(
    settings: ScoreSettings, model: StoredModel, read: ModelData, staging: Staging, who: str, device: torch.device
) -> list[ScoreTask]:
    """Cut the images into tasks."""
    return [
        ScoreTask(
            model=model.directory,
            plugins_dirs=settings.plugins_dirs,
            device=str(device),
            cache=read.cache.directory,
            start=start,
            labels=tuple(map(int, read.labels_N[start : start + WINDOW])),
            seed=settings.seed,
            draws=settings.draws,
            evidence=who == EVIDENCE,
            file=staging.scratch / f"scores-{start // WINDOW:06}.npz",
            maps=staging.content if settings.maps else None,
        )
        for start in range(0, len(read.cache), WINDOW)
    ]


def _run(tasks: list[ScoreTask], settings: ScoreSettings, device: torch.device, progress: Progress) -> None:
    """Run the tasks that are not done yet."""
    progress.stage("Scoring images")
    pending = [task for task in tasks if not is_done(task)]
    total = sum(len(task.labels) for task in tasks)
    left = sum(len(task.labels) for task in pending)
    done, began = total - left, time.monotonic()

    def hear(_: int, images: int) -> None:
        nonlocal done
        done += images
        rate = (done - (total - left)) / max(time.monotonic() - began, 1e-9)
        progress.tick(Tick(done / total, rate))

    workers = settings.workers or (cpu_count() if device.type == "cpu" else 1)
    # A process takes seconds to start: few images are scored sooner in this one.
    run_tasks(run_score_task, pending, workers=min(workers, -(-len(pending) // 2)), hear=hear)


def _gathered(tasks: list[ScoreTask], read: ModelData, model: StoredModel, who: str) -> ScoredImages:
    """Gather a row an image from the files of the tasks, and judge the labels."""

    def parts() -> Iterator[Scores]:
        return (read_scores(task.file) for task in tasks)

    files = read.cache.files
    return ScoredImages(
        file_names=[file.file_name for file in files],
        splits=[file.split for file in files],
        labels=[file.label for file in files],
        synthetic=[file.synthetic for file in files],
        classes=model.classes,
        measured_NP=np.concatenate([scores.measured_NP for scores in parts()]),
        measured_as_N=np.concatenate([scores.measured_as_N for scores in parts()]),
        judgement=judge(parts, read.labels_N, model, who),
    )


def _remarks(read: ModelData, who: str) -> tuple[str, ...]:
    """Return the warnings."""
    remarks = []
    if read.unknown:
        named = name_list([repr(name) for name in read.unknown], 5)
        remarks.append(
            f"the model was not trained on the classes {named}: their images are scored as the most likely class of "
            "the model"
        )
    if (read.labels_N >= 0).any() and who == NOBODY:
        remarks.append(
            f"labels are not scored: this requires two classes with at least {LEAST_IMAGES} images each, or a "
            "conditional model (--judge evidence)"
        )
    if read.cache.invalid:
        remarks.append(f"unreadable images that were left out: {len(read.cache.invalid):,}")
    return tuple(remarks)

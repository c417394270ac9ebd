"""Score images by a trained model: how anomalous each one is, and which labels are suspicious."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaeaug.anomaly.columns import SCORE_COLUMNS
from vaeaug.anomaly.label_densities import MIN_IMAGES
from vaeaug.anomaly.label_scores import EVIDENCE, NOT_SCORED, choose_label_method, score_labels
from vaeaug.anomaly.score_images import Scores, score_images
from vaeaug.anomaly.table import ImageScores, score_table, write_tables
from vaeaug.cpus import cpu_count
from vaeaug.engine.local import run_tasks
from vaeaug.errors import InputError, name_list
from vaeaug.models.store import StoredModel
from vaeaug.progress import SILENT, Progress, Tick
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.image_data import ModelData, read_for_model
from vaeaug.workflows.run import Run, begin_run
from vaeaug.workflows.score.score_output import AnomalyScores, write_root
from vaeaug.workflows.score.score_settings import ScoreSettings
from vaeaug.workflows.score.score_task import WINDOW, ScoreTask, is_done, read_scores, run_score_task
from vaeaug.workflows.settings import build, expand_user


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """The result of `score`.

    Attributes:
        out: the directory with `scores.parquet`, `scores.csv` and `gallery.html`.
        images: number of scored images.
        by: the column that is the score.
        judge: how labels were scored: `features`, `evidence` or `nobody`.
        suspicious: number of images whose label is less likely than another class.
        warnings: the warnings.
    """

    out: Path
    images: int
    by: str
    judge: str
    suspicious: int
    warnings: tuple[str, ...]

    @classmethod
    def from_record(cls, out: Path, record: Mapping[str, Any]) -> ScoreResult:
        """Return the result of a finished run from its `vaeaug.json`."""
        return cls(
            out=out,
            images=record["images"],
            by=record["by"],
            judge=record["judge"],
            suspicious=record["suspicious_labels"],
            warnings=tuple(record["remarks"]),
        )


@one_thread()
def score(
    model: str | Path, data: str | Path, out: str | Path, *, progress: Progress = SILENT, **settings: Any
) -> ScoreResult:
    """Write per-image anomaly scores of a dataset: a table, a page, and optionally error maps.

    Args:
        model: the directory of the model.
        data: images: class folders, splits, a folder of images, or one image. They are never written to.
        out: the output directory: a path that does not exist, or an empty directory.
        **settings: the options of `vaeaug score`, with underscores; the fields of `ScoreSettings`.

    Raises:
        InputError: if the model, the data, an option or the output directory cannot be used; nothing was changed.
        VaeaugError: if the work failed; `resume=True` continues it.
    """
    run = begin_run(build(ScoreSettings, settings, "vaeaug.score"), progress)
    model, data, out = expand_user(model), expand_user(data), expand_user(out)
    stored = run.open_model(model, allow_imports=run.settings.allow_imports)
    stored.require_consent()
    resolved = {"model": stored.record.fingerprint, "data": str(data.resolve())}
    with run.writing(out, resolved, inputs=[data, model]) as run:
        images = read_for_model(
            stored,
            data,
            labels=run.settings.label_options(),
            workers=run.settings.workers,
            skip_invalid=run.settings.skip_invalid,
            progress=progress,
            max_megapixels=run.settings.max_megapixels,
        )
        # The name of the cache depends on the names of the images too.
        if (record := run.finished_record(dataset=images.cache.directory.name)) is not None:
            return ScoreResult.from_record(run.staging.final, record)
        by, label_method = (
            run.settings.by.replace("-", "_"),
            choose_label_method(run.settings.judge, stored, images.labels_N),
        )
        _check_column(by, label_method, stored, images)
        tasks = _tasks(run, stored, images, label_method)
        _run_tasks(run, tasks)
        progress.stage("Writing the table and the page")
        scores = AnomalyScores(stored, images, _gather_scores(tasks, images, stored, label_method), by, label_method)
        write_tables(run.content, score_table(scores.images, by))
        run.warn(*_warnings(images, label_method))
        write_root(run, scores)
        run.publish()
    return ScoreResult(run.staging.final, len(images.cache), by, label_method, scores.suspicious, tuple(run.warnings))


def _check_column(by: str, label_method: str, model: StoredModel, data: ModelData) -> None:
    """Check that images can be ranked by a column, before any work. One image is scored, so the loss is tried too."""
    if by == "label_surprise":
        if label_method == NOT_SCORED or not (data.labels_N >= 0).any():
            raise InputError(
                "no label can be scored, so images cannot be ranked by label-surprise; arrange the images in folders "
                f"named like the classes of the model, such as {model.classes[0]}, or choose another --by"
            )
        return
    tried_P = score_images(
        model, data.cache.pixels_NHWC[:1], np.zeros(1, np.int64), seed=0, draws=1, evidence=False
    ).measured_NP[0]
    missing = [name for name, value in zip(SCORE_COLUMNS, tried_P, strict=False) if np.isnan(value)]
    if by in missing:
        others = ", ".join(name.replace("_", "-") for name in SCORE_COLUMNS if name not in missing)
        raise InputError(
            f"the variant '{model.record.variant.name}' has no {by.replace('_', '-')}; choose another --by: {others}"
        )


def _tasks(run: Run[ScoreSettings], model: StoredModel, data: ModelData, label_method: str) -> list[ScoreTask]:
    settings = run.settings
    return [
        ScoreTask(
            model=model.directory,
            plugins_dirs=settings.plugins_dirs,
            device=str(run.device),
            cache=data.cache.directory,
            start=start,
            labels=tuple(map(int, data.labels_N[start : start + WINDOW])),
            seed=settings.seed,
            draws=settings.draws,
            evidence=label_method == EVIDENCE,
            file=run.scratch / f"scores-{start // WINDOW:06}.npz",
            maps=run.content if settings.maps else None,
        )
        for start in range(0, len(data.cache), WINDOW)
    ]


def _run_tasks(run: Run[ScoreSettings], tasks: list[ScoreTask]) -> None:
    run.progress.stage("Scoring images")
    pending = [task for task in tasks if not is_done(task)]
    total = sum(len(task.labels) for task in tasks)
    remaining = sum(len(task.labels) for task in pending)
    done, began = total - remaining, time.monotonic()

    def on_progress(_: int, images: int) -> None:
        nonlocal done
        done += images
        rate = (done - (total - remaining)) / max(time.monotonic() - began, 1e-9)
        run.progress.tick(Tick(done / total, rate))

    workers = run.settings.workers or (cpu_count() if run.device.type == "cpu" else 1)
    # A process takes seconds to start: few images are scored sooner in this one.
    run_tasks(run_score_task, pending, workers=min(workers, -(-len(pending) // 2)), on_message=on_progress)


def _gather_scores(tasks: list[ScoreTask], data: ModelData, model: StoredModel, label_method: str) -> ImageScores:
    def parts() -> Iterator[Scores]:
        return (read_scores(task.file) for task in tasks)

    files = data.cache.files
    return ImageScores(
        file_names=[file.file_name for file in files],
        splits=[file.split for file in files],
        labels=[file.label for file in files],
        synthetic=[file.synthetic for file in files],
        classes=model.classes,
        measured_NP=np.concatenate([scores.measured_NP for scores in parts()]),
        measured_as_N=np.concatenate([scores.measured_as_N for scores in parts()]),
        label_scores=score_labels(parts, data.labels_N, model, label_method),
    )


def _warnings(data: ModelData, label_method: str) -> Iterator[str]:
    if data.unknown:
        named = name_list([repr(name) for name in data.unknown], 5)
        yield (
            f"the model was not trained on the classes {named}: their images are scored as the most likely class of "
            "the model"
        )
    if (data.labels_N >= 0).any() and label_method == NOT_SCORED:
        yield (
            f"labels are not scored: this requires two classes with at least {MIN_IMAGES} images each, or a "
            "conditional model (--judge evidence)"
        )
    if data.cache.invalid:
        yield f"unreadable images that were left out: {len(data.cache.invalid):,}"

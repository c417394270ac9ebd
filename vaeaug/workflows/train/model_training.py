"""The trainings of a model: on all classes, then one per class, each as a task; and the model directory they make."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

import vaeaug
from vaeaug.contracts import parse_options
from vaeaug.cpus import cpu_count
from vaeaug.dataset.cache import ImageCache
from vaeaug.dataset.passed_over import PassedOver
from vaeaug.engine.local import may_start_processes, run_tasks
from vaeaug.export.class_format import class_formats
from vaeaug.models.latents import FILE as LATENTS
from vaeaug.models.latents import ClassLatents, load_latents, save_latents
from vaeaug.models.record import FILE, ClassRecord, ModelRecord, PluginRecord
from vaeaug.plugins import Provided
from vaeaug.progress import Progress, Tick
from vaeaug.staging import write_atomic
from vaeaug.training.config import TrainingConfig
from vaeaug.training.plan import SHARED_FRACTION, scaled, with_length
from vaeaug.workflows.run import Run
from vaeaug.workflows.time_budget import TimeBudget
from vaeaug.workflows.train.loss_choice import NamedPlugins, TrainingPlugins, choose_loss
from vaeaug.workflows.train.training_task import WEIGHTS, TrainingOutcome, TrainingTask, run_training_task
from vaeaug.workflows.train_settings import TrainSettings


def identity(cache: ImageCache) -> dict[str, str]:
    """Return what a resumed run compares of a dataset. Names count too, because they decide the order of training."""
    return {"dataset": cache.fingerprint, "names of the images": cache.content_hash()}


def train_into(
    run: Run[TrainSettings],
    directory: Path,
    scratch: Path,
    named: NamedPlugins,
    cache: ImageCache,
    budget: TimeBudget | None,
    unused: Sequence[PassedOver] = (),
) -> None:
    """Choose the loss, train the networks of a model, and write the model to a directory.

    Args:
        budget: the time budget, or None.

    Raises:
        InputError: if the plugins do not fit the images or each other (see `choose_loss`).
    """
    settings, progress = run.settings, run.progress
    training_plugins = choose_loss(run, named, cache)
    directory.mkdir(parents=True, exist_ok=True)
    config = with_length(settings.training(), len(cache.indices("train")))
    common: dict[str, Any] = {
        "cache": cache.directory,
        "variant": training_plugins.variant.name,
        "variant_options": dict(settings.variant_options),
        "loss": training_plugins.loss.name,
        "loss_options": dict(settings.loss_options),
        "plugins_dirs": settings.plugins_dirs,
        "seed": settings.seed,
        "device": str(run.device),
        "train_augment": settings.train_augment,
    }
    per_class = training_plugins.scope == "per-class" and len(cache.classes) > 1
    now = time.monotonic()
    end = None if budget is None else budget.training_end(now)
    first = TrainingTask(
        name="all classes",
        label=None,
        config=scaled(config, SHARED_FRACTION) if per_class else config,
        directory=scratch / "shared",
        encode=not per_class,
        end=None if end is None else now + (SHARED_FRACTION if per_class else 1) * (end - now),
        **common,
    )
    progress.stage("Training on all classes" if per_class else "Training")
    outcomes = run_tasks(run_training_task, [first], workers=1, on_message=lambda _, tick: progress.tick(tick))
    tasks = [first]
    if per_class:
        workers = min(settings.workers or cpu_count(), len(cache.classes)) if may_start_processes() else 1
        tasks += _class_tasks(first, cache, config, scratch, workers, {**common, "end": end})
        progress.stage(f"Training {len(cache.classes)} classes, one by one")
        total = _TotalProgress(len(cache.classes), progress)
        outcomes += run_tasks(run_training_task, tasks[1:], workers=workers, on_message=total.receive)
    _write_model(directory, cache, settings, training_plugins, tasks, outcomes, unused)


def _class_tasks(
    first: TrainingTask, cache: ImageCache, config: TrainingConfig, scratch: Path, workers: int, common: dict[str, Any]
) -> list[TrainingTask]:
    """Return one training per class, started from the shared weights; together they get the rest of the budget."""
    classes = len(cache.classes)
    class_fraction = 1 - SHARED_FRACTION
    class_config = scaled(config, class_fraction / classes, epochs_fraction=class_fraction)
    class_config = dataclasses.replace(class_config, kl_annealing="none")
    return [
        TrainingTask(
            name=name,
            label=label,
            config=class_config,
            directory=scratch / f"class-{label:04d}",
            start=first.directory / WEIGHTS,
            rounds=math.ceil((classes - label) / workers),
            **common,
        )
        for label, name in enumerate(cache.classes)
    ]


class _TotalProgress:
    """Adds up the progress of trainings that run in parallel."""

    def __init__(self, count: int, progress: Progress) -> None:
        self.ticks: dict[int, Tick] = {}
        self.count, self.progress = count, progress

    def receive(self, number: int, tick: Tick) -> None:
        """Receive the tick of a training; report the fraction of all, and the rate and mean losses of those running."""
        self.ticks[number] = tick
        done = sum(tick.done for tick in self.ticks.values()) / self.count
        running = [tick for tick in self.ticks.values() if tick.done < 1]
        terms = dict.fromkeys(name for tick in running for name in tick.numbers)
        numbers = {name: fmean(t.numbers[name] for t in running if name in t.numbers) for name in terms}
        self.progress.tick(Tick(done, sum(tick.rate or 0 for tick in running) or None, numbers))


def _write_model(
    directory: Path,
    cache: ImageCache,
    settings: TrainSettings,
    training_plugins: TrainingPlugins,
    tasks: list[TrainingTask],
    outcomes: list[TrainingOutcome],
    unused: Sequence[PassedOver],
) -> None:
    """Write the model directory from the results of the tasks; `model.json` comes last."""
    latents: dict[int, ClassLatents] = {}
    weights = dict.fromkeys(range(len(cache.classes)), WEIGHTS)
    metrics: dict[int, dict[str, Any]] = {}
    for task, outcome in zip(tasks, outcomes, strict=True):
        if not task.encode:
            continue
        labels = range(len(cache.classes)) if task.label is None else [task.label]
        latents |= {label: load_latents(task.directory / LATENTS, label) for label in labels}
        name = WEIGHTS if task.label is None else f"weights-{task.label:04d}.safetensors"
        shutil.copyfile(task.directory / WEIGHTS, directory / name)
        if task.label is not None:
            weights[task.label], metrics[task.label] = name, outcome.metrics
    save_latents(directory / LATENTS, latents)
    rows = [
        json.dumps({"training": task.name, **row}, ensure_ascii=False)
        for task, outcome in zip(tasks, outcomes, strict=True)
        for row in outcome.history
    ]
    (directory / "history.jsonl").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    fingerprint = _fingerprint([directory / name for name in (*dict.fromkeys(weights.values()), LATENTS)])
    _, height, width, channels = cache.pixels_NHWC.shape
    classes = []
    kinds = class_formats(cache)
    for label, name in enumerate(cache.classes):
        kind = kinds[name]
        classes.append(
            ClassRecord(
                name=name,
                images=len(cache.indices("train", name, real=True)),
                weights=weights[label],
                height=kind.height,
                width=kind.width,
                mode=kind.mode,
                metrics=metrics.get(label, {}),
                format=kind.encoding.format,
                jpeg=kind.encoding.tables,
                value_range=kind.value_range,
            )
        )
    held_out = settings.held_out()
    record = ModelRecord(
        variant=_plugin_record(training_plugins.variant, settings.variant_options, "variant"),
        loss=_plugin_record(training_plugins.loss, settings.loss_options, "loss"),
        scope=training_plugins.scope,
        channels=channels,
        height=height,
        width=width,
        classes=tuple(classes),
        seed=settings.seed,
        fingerprint=fingerprint,
        data_fingerprint=cache.training_fingerprint(),
        training={**dataclasses.asdict(settings.training()), "train_augment": _file_name(settings.train_augment)},
        metrics=outcomes[0].metrics,
        versions={"vaeaug": vaeaug.__version__, "torch": torch.__version__},
        loss_reason=training_plugins.reason,
        palette=cache.palette,
        table=cache.table,
        background=cache.rules.background,
        levels=cache.rules.levels,
        holdout=None if held_out is None else dataclasses.asdict(held_out),
        passed_over=tuple(entry.record() for entry in unused),
    )
    write_atomic(directory / FILE, record.to_json().encode())


def _file_name(path: str | Path | None) -> str | None:
    return None if path is None else Path(path).name


def _fingerprint(files: list[Path]) -> str:
    state = hashlib.blake2b(digest_size=16)
    for path in files:
        state.update(path.read_bytes())
    return state.hexdigest()


def _plugin_record(provided: Provided[Any], options: Any, kind: str) -> PluginRecord:
    config = parse_options(provided.cls.Config, options, f"{kind} '{provided.name}'")
    return PluginRecord(provided.name, dataclasses.asdict(config), provided.distribution, provided.version)

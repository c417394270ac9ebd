"""Train a model on a dataset."""

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
from vaeaug.dataset.scan import scan
from vaeaug.engine.local import may_start_processes, run_tasks
from vaeaug.export.kind import class_kinds
from vaeaug.models.latents import FILE as LATENTS
from vaeaug.models.latents import ClassLatents, load_latents, save_latents
from vaeaug.models.record import FILE, ClassRecord, ModelRecord, PluginRecord
from vaeaug.plugins import Provided
from vaeaug.progress import SILENT, Progress, Tick
from vaeaug.staging import Staging, refuse_overlap, write_atomic
from vaeaug.training.config import TrainingConfig
from vaeaug.training.plan import SHARED_SHARE, share, with_length
from vaeaug.workflows.data_warnings import data_warnings, passed_over
from vaeaug.workflows.device import choose_device
from vaeaug.workflows.finished import finished_record
from vaeaug.workflows.inpaint.partial import add_partial_encoder
from vaeaug.workflows.model import Model, load, open_stored
from vaeaug.workflows.read import read_for_training
from vaeaug.workflows.remarks import remarks_on
from vaeaug.workflows.settings import TrainModelSettings, TrainSettings, build, real_path
from vaeaug.workflows.time_budget import INPAINTING, TimeBudget, begin_budget
from vaeaug.workflows.train.prepare import Plugins, choose_loss, look_up
from vaeaug.workflows.train.task import WEIGHTS, TrainOutcome, TrainTask, run_train_task


def train(data: str | Path, model: str | Path, *, progress: Progress = SILENT, **settings: Any) -> Model:
    """Train a model on an image folder and keep it in a directory.

    Args:
        data: the dataset: class folders, split folders, or a Hugging Face imagefolder. It is never written to.
        model: the directory to make; nothing, or an empty directory, must be there.
        progress: hears how it goes.
        **settings: the fields of `TrainModelSettings`: `variant`, `loss`, `scope`, `epochs`, `seed`, `inpainting`, ...

    Returns:
        The trained model.

    Raises:
        InputError: the data, an option or the place for the model is not usable; nothing was changed.
        PluginError: the plugin of the variant or the loss is broken.
        VaeaugError: training failed; with `resume=True` it goes on where it was.
    """
    chosen: TrainModelSettings = build(TrainModelSettings, settings, "vaeaug.train")
    return train_chosen(data, model, chosen, begin_budget(chosen.time_budget, progress), progress)


def train_chosen(
    data: str | Path, model: str | Path, chosen: TrainModelSettings, budget: TimeBudget | None, progress: Progress
) -> Model:
    """Train a model and keep it in a directory; see `train`, whose settings and time budget these are."""
    data, model = real_path(data), real_path(model)
    named = look_up(chosen)
    chosen.held_out()  # refuses contradictions before any work
    device = choose_device(chosen.device)
    index = scan(data, options=chosen.label_options())
    refuse_overlap(data, model)
    request = {"data": str(data.resolve()), **chosen.request()}
    with Staging(model, request, resume=chosen.resume, record=FILE) as staging:
        read = read_for_training(index, chosen, progress)
        cache = read.cache
        for warning in data_warnings(read.index, cache, allow_leaks=chosen.allow_leaks):
            progress.say(warning)
        staging.refuse_changed(**identity(cache))
        if finished_record(staging, progress) is not None:
            return load(model, device=chosen.device, plugins_dirs=chosen.plugins_dirs)
        used = choose_loss(named, chosen, cache, progress)
        unused = passed_over(read.index, cache)
        if budget is not None and chosen.inpainting:
            budget = budget.reserving(INPAINTING * budget.seconds)
        train_into(staging.content, staging.scratch, cache, chosen, used, device, progress, budget, unused)
        if chosen.inpainting:
            stored = open_stored(staging.content, device, chosen.plugins_dirs, allow_imports=True)
            seconds = None if budget is None else budget.left(time.monotonic())
            train_indices = cache.indices("train")
            add_partial_encoder(
                stored, cache.pixels_NHWC[train_indices], cache.labels_N[train_indices], progress, seconds=seconds
            )
        staging.publish()
    trained = load(model, device=chosen.device, plugins_dirs=chosen.plugins_dirs)
    for remark in (*read.warnings, *remarks_on(trained.stored)):
        progress.say(remark)
    return trained


def identity(cache: ImageCache) -> dict[str, str]:
    """Return what a resumed run compares of a dataset; names too, since their order is that of the training."""
    return {"dataset": cache.fingerprint, "names of the images": cache.listing()}


def train_into(
    directory: Path,
    scratch: Path,
    cache: ImageCache,
    settings: TrainSettings,
    used: Plugins,
    device: torch.device,
    progress: Progress,
    budget: TimeBudget | None,
    unused: Sequence[PassedOver] = (),
) -> None:
    """Train the networks of a model and write it to `directory`; checkpoints and results so far go to `scratch`."""
    directory.mkdir(parents=True, exist_ok=True)
    config = with_length(settings.training(), len(cache.indices("train")))
    common: dict[str, Any] = {
        "cache": cache.directory,
        "variant": used.variant.name,
        "variant_options": dict(settings.variant_options),
        "loss": used.loss.name,
        "loss_options": dict(settings.loss_options),
        "plugins_dirs": settings.plugins_dirs,
        "seed": settings.seed,
        "device": str(device),
        "train_augment": settings.train_augment,
    }
    separate = used.scope == "per-class" and len(cache.classes) > 1
    now = time.monotonic()
    end = None if budget is None else budget.training_end(now)
    first = TrainTask(
        name="all classes",
        label=None,
        config=share(config, SHARED_SHARE) if separate else config,
        directory=scratch / "shared",
        encode=not separate,
        end=None if end is None else now + (SHARED_SHARE if separate else 1) * (end - now),
        **common,
    )
    progress.stage("Training on all classes" if separate else "Training")
    outcomes = run_tasks(run_train_task, [first], workers=1, hear=lambda _, tick: progress.tick(tick))
    tasks = [first]
    if separate:
        workers = min(settings.workers or cpu_count(), len(cache.classes)) if may_start_processes() else 1
        tasks += _class_tasks(first, cache, config, scratch, workers, {**common, "end": end})
        progress.stage(f"Training {len(cache.classes)} classes, one by one")
        board = _Board(len(cache.classes), progress)
        outcomes += run_tasks(run_train_task, tasks[1:], workers=workers, hear=board.hear)
    _write_model(directory, cache, settings, used, tasks, outcomes, unused)


def _class_tasks(
    first: TrainTask, cache: ImageCache, config: TrainingConfig, scratch: Path, workers: int, common: dict[str, Any]
) -> list[TrainTask]:
    """Return a training for every class, started from the shared weights; together they have the rest of the budget."""
    classes = len(cache.classes)
    rest = 1 - SHARED_SHARE
    part = share(config, rest / classes, epochs_part=rest)
    part = dataclasses.replace(part, kl_annealing="none")
    return [
        TrainTask(
            name=name,
            label=label,
            config=part,
            directory=scratch / f"class-{label:04d}",
            start=first.directory / WEIGHTS,
            rounds=math.ceil((classes - label) / workers),
            **common,
        )
        for label, name in enumerate(cache.classes)
    ]


class _Board:
    """Adds up the progress of trainings that run side by side."""

    def __init__(self, count: int, progress: Progress) -> None:
        self.ticks: dict[int, Tick] = {}
        self.count, self.progress = count, progress

    def hear(self, number: int, tick: Tick) -> None:
        """Take one training's tick and pass on how far all are, and the rate and mean losses of those that run."""
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
    used: Plugins,
    tasks: list[TrainTask],
    outcomes: list[TrainOutcome],
    unused: Sequence[PassedOver],
) -> None:
    """Gather what the tasks left into a model directory; `model.json` comes last."""
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
    _, height, width, channels = cache.pixels_NHWC.shape
    classes = []
    kinds = class_kinds(cache)
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
        variant=_plugin(used.variant, settings.variant_options, "variant"),
        loss=_plugin(used.loss, settings.loss_options, "loss"),
        scope=used.scope,
        channels=channels,
        height=height,
        width=width,
        classes=tuple(classes),
        seed=settings.seed,
        fingerprint=_fingerprint([directory / name for name in (*dict.fromkeys(weights.values()), LATENTS)]),
        data_fingerprint=cache.training_fingerprint(),
        training={**dataclasses.asdict(settings.training()), "train_augment": _name(settings.train_augment)},
        metrics=outcomes[0].metrics,
        versions={"vaeaug": vaeaug.__version__, "torch": torch.__version__},
        loss_reason=used.reason,
        palette=cache.palette,
        table=cache.table,
        background=cache.rules.background,
        levels=cache.rules.levels,
        holdout=None if held_out is None else dataclasses.asdict(held_out),
        passed_over=tuple(entry.record() for entry in unused),
    )
    write_atomic(directory / FILE, record.to_json().encode())


def _name(place: str | Path | None) -> str | None:
    """Return the name of a file, without places of this machine."""
    return None if place is None else Path(place).name


def _fingerprint(files: list[Path]) -> str:
    """Return a hash of the contents of files, in order."""
    state = hashlib.blake2b(digest_size=16)
    for path in files:
        state.update(path.read_bytes())
    return state.hexdigest()


def _plugin(provided: Provided[Any], options: Any, kind: str) -> PluginRecord:
    """Record where a variant or loss came from, with all its options."""
    config = parse_options(provided.cls.Config, options, f"{kind} '{provided.name}'")
    return PluginRecord(provided.name, dataclasses.asdict(config), provided.distribution, provided.version)

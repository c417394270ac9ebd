"""Train a model on a dataset."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from vaeaug.dataset.scan import scan
from vaeaug.models.pixel_gaussians import fit_pixel_gaussians, save_pixel_gaussians
from vaeaug.models.record import FILE
from vaeaug.progress import SILENT, Progress
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.image_data import TrainingData, read_for_training
from vaeaug.workflows.inpaint.inpainting_encoder import add_inpainting_encoder
from vaeaug.workflows.model import Model
from vaeaug.workflows.model_warnings import model_warnings
from vaeaug.workflows.run import Run, begin_run
from vaeaug.workflows.settings import build, expand_user
from vaeaug.workflows.time_budget import INPAINTING_FRACTION, TimeBudget, begin_budget
from vaeaug.workflows.train.loss_choice import NamedPlugins, named_plugins
from vaeaug.workflows.train.model_training import identity, train_into
from vaeaug.workflows.train_settings import TrainModelSettings


def train(data: str | Path, model: str | Path, *, progress: Progress = SILENT, **settings: Any) -> Model:
    """Train a model on an image folder and write it to a directory.

    Args:
        data: the dataset: class folders, split folders, or a Hugging Face imagefolder. It is never written to.
        model: the output directory: a path that does not exist, or an empty directory.
        **settings: the options of `vaeaug train`, with underscores; the fields of `TrainModelSettings`.

    Returns:
        The trained model.

    Raises:
        InputError: if the data, an option or the output directory cannot be used; nothing was changed.
        PluginError: if the plugin of the variant or the loss is broken.
        VaeaugError: if training failed; `resume=True` continues it.
    """
    chosen: TrainModelSettings = build(TrainModelSettings, settings, "vaeaug.train")
    budget = begin_budget(chosen.time_budget, progress)
    initial_run = begin_run(chosen, progress)
    data, model = expand_user(data), expand_user(model)
    named = named_plugins(initial_run)
    chosen.held_out()  # contradictory options are an error before any work
    index = scan(data, options=chosen.label_options())
    with initial_run.writing(model, {"data": str(data.resolve())}, inputs=[data], record=FILE) as run:
        train_model(run, named, read_for_training(index, chosen, progress), budget)
    return Model(initial_run.open_model(model), chosen.plugins_dirs)


def train_model(
    run: Run[TrainModelSettings], named: NamedPlugins, training_data: TrainingData, budget: TimeBudget | None
) -> None:
    """Train a model on a dataset and publish it, unless that was done before; inside `Run.writing`."""
    chosen = run.settings
    cache = training_data.cache
    for warning in training_data.warnings:
        run.progress.say(warning)
    if run.finished_record(**identity(cache)) is not None:
        return
    if budget is not None and chosen.inpainting:
        budget = budget.reserving(INPAINTING_FRACTION * budget.seconds)
    train_into(run, run.content, run.scratch, named, cache, budget, training_data.passed_over)
    stored = run.open_model(run.content, allow_imports=True)
    if cache.palette is None:  # there are no Gaussians of indexed colours
        with one_thread():
            gaussians = fit_pixel_gaussians(stored, cache.pixels_NHWC, cache.labels_N, cache.indices("train"))
        save_pixel_gaussians(stored, gaussians)
    if chosen.inpainting:
        seconds = None if budget is None else budget.left(time.monotonic())
        add_inpainting_encoder(stored, cache, run.progress, seconds=seconds)
    run.warn(*training_data.synthetic_warnings, *model_warnings(stored))
    run.publish()

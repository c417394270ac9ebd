"""Train a model on a dataset."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from vaeaug.dataset.cache import ImageCache
from vaeaug.dataset.scan import scan
from vaeaug.models.pixel_gaussians import fit_pixel_gaussians, save_pixel_gaussians
from vaeaug.models.record import FILE
from vaeaug.models.store import StoredModel
from vaeaug.progress import SILENT, Progress
from vaeaug.workflows.data_warnings import data_warnings, passed_over
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.image_data import read_for_training
from vaeaug.workflows.inpaint.inpainting_encoder import add_inpainting_encoder
from vaeaug.workflows.model import Model
from vaeaug.workflows.model_warnings import model_warnings
from vaeaug.workflows.run import Run, begin_run, check_disjoint
from vaeaug.workflows.settings import build, expand_user
from vaeaug.workflows.time_budget import INPAINTING_FRACTION, TimeBudget, begin_budget
from vaeaug.workflows.train.loss_choice import choose_loss, named_plugins
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
    return train_model(begin_run(chosen, progress), expand_user(data), expand_user(model), budget)


def train_model(initial_run: Run[TrainModelSettings], data: Path, model: Path, budget: TimeBudget | None) -> Model:
    """Train a model and write it to a directory; see `train`.

    Args:
        budget: the time budget, or None.
    """
    chosen, progress = initial_run.settings, initial_run.progress
    named = named_plugins(initial_run)
    chosen.held_out()  # contradictory options are an error before any work
    index = scan(data, options=chosen.label_options())
    check_disjoint(model, [data])
    with initial_run.writing(model, chosen.request(data=str(data.resolve())), record=FILE) as run:
        training_data = read_for_training(index, chosen, progress)
        cache = training_data.cache
        for warning in data_warnings(training_data.index, cache, allow_leaks=chosen.allow_leaks):
            progress.say(warning)
        if run.finished_record(**identity(cache)) is not None:
            return Model(run.open_model(model), chosen.plugins_dirs)
        training_plugins = choose_loss(run, named, cache)
        unused = passed_over(training_data.index, cache)
        if budget is not None and chosen.inpainting:
            budget = budget.reserving(INPAINTING_FRACTION * budget.seconds)
        train_into(run, run.content, run.scratch, cache, training_plugins, budget, unused)
        stored = run.open_model(run.content, allow_imports=True)
        _add_pixel_gaussians(stored, cache)
        if chosen.inpainting:
            seconds = None if budget is None else budget.left(time.monotonic())
            add_inpainting_encoder(stored, cache, progress, seconds=seconds)
        run.warn(*training_data.warnings, *model_warnings(stored))
        run.publish()
    return Model(run.open_model(model), chosen.plugins_dirs)


@one_thread()
def _add_pixel_gaussians(model: StoredModel, cache: ImageCache) -> None:
    """Fit the Gaussians of a model to its training images; there are none of indexed colours."""
    if cache.palette is None:
        gaussians = fit_pixel_gaussians(model, cache.pixels_NHWC, cache.labels_N, cache.indices("train"))
        save_pixel_gaussians(model, gaussians)

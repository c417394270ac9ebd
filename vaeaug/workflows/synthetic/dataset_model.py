"""The model, the sampler and the filter of an extended dataset."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from vaeaug.contracts import Sampler, SamplingCase
from vaeaug.dataset.cache import ImageCache
from vaeaug.errors import InputError
from vaeaug.models.record import FILE
from vaeaug.models.store import StoredModel
from vaeaug.plugins import Provided
from vaeaug.workflows.image_data import TrainingData
from vaeaug.workflows.run import Run
from vaeaug.workflows.sample_settings import AugmentSettings
from vaeaug.workflows.samplers import choose_sampler, drawing_samplers, editing_samplers, find_sampler
from vaeaug.workflows.settings import AUTO, expand_user
from vaeaug.workflows.synthetic.sample_filter import dataset_filter
from vaeaug.workflows.time_budget import TimeBudget, reserve_for_writing, writing_seconds
from vaeaug.workflows.train.loss_choice import NamedPlugins
from vaeaug.workflows.train.model_training import identity, train_into
from vaeaug.workflows.train.train_command import train_model
from vaeaug.workflows.train_settings import TrainModelSettings, TrainSettings


def trained_model(settings: AugmentSettings) -> Path | None:
    """Return the directory of the model of `--model`, if it is trained already."""
    directory = None if settings.model is None else expand_user(settings.model)
    return directory if directory is not None and (directory / FILE).exists() else None


def dataset_model(
    run: Run[AugmentSettings],
    named: NamedPlugins,
    training_data: TrainingData,
    counts: Mapping[str, int],
    budget: TimeBudget | None,
) -> StoredModel:
    """Return the model of a dataset: that of `--model`, or one that is trained for this dataset only.

    Args:
        counts: class -> number of synthetic images, for which time is reserved.

    Raises:
        InputError: if the model of `--model` is of another variant or loss than the named ones, makes images of other
            colours than the data have, or does not know a class.
    """
    if budget is not None:
        budget = _reserved(run, budget, training_data, counts)
    if run.settings.model is not None:
        return _named_model(run, expand_user(run.settings.model), named, training_data, budget)
    if budget is not None:  # what follows the training is done before it, or its time is estimated
        dataset_filter(run, training_data.cache)
    run.staging.check_unchanged(**identity(training_data.cache))
    directory = run.scratch / "model"
    if not (directory / FILE).exists():
        if named.sampler is not None and not named.sampler.cls.trains:
            run, named = _untrained(run), dataclasses.replace(named, scope="shared")
        train_into(run, directory, run.scratch / "training", named, training_data.cache, budget)
    return run.open_model(directory)


def was_trained_on(model: StoredModel, cache: ImageCache) -> bool:
    """Return whether a model was trained on the training images of the data, under their present names."""
    return all(
        model.latents(model.record.label(label)).content_hash == cache.content_hash(label) for label in cache.classes
    )


def named_sampler(run: Run[AugmentSettings]) -> Provided[Sampler] | None:
    """Return the sampler that the user named, or None for `auto`; with `keep_alpha` one that edits real images.

    Raises:
        InputError: if there is no such sampler or option, or if `keep_alpha` is set and the sampler draws new images.
    """
    samplers = run.registry.samplers
    requested = find_sampler(run.settings.sampler, run.settings.sampler_options, run.registry)
    if not run.settings.keep_alpha:
        return requested
    if requested is None:  # edited images have the transparency of their sources
        case = SamplingCase(is_continuous=True, has_originals=True, is_indexed=False)
        editing = [sampler for sampler in samplers.values() if sampler.cls.edits]
        recommended = [sampler for sampler in editing if sampler.cls.is_recommended_for(case)]
        requested = next(iter(recommended + editing), None)
    if requested is None or not requested.cls.edits:
        reason = "no sampler does that" if requested is None else f"the sampler '{requested.name}' draws new images"
        raise InputError(
            f"--keep-alpha takes transparency from edited real images, and {reason}; "
            f"use --sampler {editing_samplers(samplers)}, or leave out --keep-alpha"
        )
    return requested


def dataset_sampler(
    run: Run[AugmentSettings], requested: Provided[Sampler] | None, model: StoredModel, *, is_training_data: bool
) -> Provided[Sampler]:
    """Return the sampler of a dataset; `requested` is None for `auto`.

    Raises:
        InputError: if the sampler edits the training images of the model, and the data contain other images.
    """
    samplers = run.registry.samplers
    if requested is not None and requested.cls.edits and not is_training_data:
        others = drawing_samplers(samplers, model.latents(0).latents)
        raise InputError(
            f"the sampler '{requested.name}' edits the images that the model was trained on, but the data contain "
            f"others; give another --model directory to train a new one, or use --sampler {others}"
        )
    return choose_sampler(requested, samplers, model, has_originals=is_training_data)


def _untrained(run: Run[AugmentSettings]) -> Run[AugmentSettings]:
    """Return the run with the shortest training, one step, for a sampler that uses nothing that a variant learns."""
    run.progress.say(f"the sampler '{run.settings.sampler}' needs no trained model, so the training is skipped")
    return dataclasses.replace(run, settings=dataclasses.replace(run.settings, steps=1, epochs=None))


def _reserved(
    run: Run[AugmentSettings], budget: TimeBudget, training_data: TrainingData, counts: Mapping[str, int]
) -> TimeBudget:
    readable = {file.file_name for file in training_data.cache.files}
    paths: dict[str, list[Path]] = {label: [] for label in counts}
    for file in training_data.index.of("train"):
        if file.file_name in readable:
            paths[file.label].append(file.path)
    return reserve_for_writing(budget, writing_seconds(paths, counts, threads=1), sum(counts.values()), run.progress)


def _named_model(
    run: Run[AugmentSettings],
    directory: Path,
    named: NamedPlugins,
    training_data: TrainingData,
    budget: TimeBudget | None,
) -> StoredModel:
    """Return the model of a directory; if there is none, it is trained and stored there."""
    chosen = run.settings
    if (directory / FILE).exists():
        if chosen.ignored_by_a_model():
            flags = ", ".join(chosen.ignored_by_a_model())
            run.progress.say(f"the model {directory} is already trained, so these options have no effect: {flags}")
        model = run.open_model(directory)
        _check_model(chosen, directory, model, training_data.cache)
        return model
    training = {field.name: getattr(chosen, field.name) for field in dataclasses.fields(TrainSettings)}
    training_run = run.nested(TrainModelSettings(**training))
    data = training_data.index.root
    with training_run.writing(directory, {"data": str(data.resolve())}, inputs=[data], record=FILE) as model_run:
        train_model(model_run, dataclasses.replace(named, sampler=None), training_data, budget)
    return run.open_model(directory)


def _check_model(settings: AugmentSettings, directory: Path, model: StoredModel, cache: ImageCache) -> None:
    """Check that a trained model is of the named variant and loss, and can make images for the data."""
    record = model.record
    plugins = (("variant", settings.variant, record.variant), ("loss", settings.loss, record.loss))
    for flag, requested, recorded in plugins:
        if requested not in (None, AUTO, recorded.name):
            raise InputError(
                f"the model {directory} was trained with --{flag} {recorded.name}, not {requested}; "
                f"leave out --{flag}, or give another --model directory to train a new one"
            )
    channels = cache.pixels_NHWC.shape[3]
    if channels != record.channels:
        model_kind, data_kind = ("gray" if count == 1 else "colour" for count in (record.channels, channels))
        raise InputError(
            f"the model {settings.model} makes {model_kind} images, but the data contain {data_kind} images; "
            "give another --model directory to train a new one"
        )
    unknown = sorted(set(cache.classes) - set(model.classes))
    if unknown:
        raise InputError(
            f"the model {settings.model} was not trained on the class {unknown[0]!r} of the data; its "
            f"classes are {', '.join(model.classes)}; give another --model directory to train a new one"
        )

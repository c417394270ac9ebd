"""Extend a dataset: train if needed, sample, export, report."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaeaug import plugins
from vaeaug.contracts import Sampler
from vaeaug.dataset.cache import ImageCache
from vaeaug.dataset.index import DatasetIndex
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError
from vaeaug.export.carried import first_chunks
from vaeaug.export.kind import class_kinds
from vaeaug.export.manifest import Sources
from vaeaug.export.normalize import CopyRule
from vaeaug.export.real import RealImage, copy_real, place_real
from vaeaug.models.record import FILE
from vaeaug.models.store import StoredModel
from vaeaug.plugins import Provided
from vaeaug.progress import SILENT, Progress, Tick
from vaeaug.staging import Staging, refuse_overlap
from vaeaug.synthesis.pixel_limits import PixelLimits, pixel_limits
from vaeaug.workflows.augment.amount import check_amount, unfilled, wanted_counts
from vaeaug.workflows.augment.filtering import SampleFilter, train_filter
from vaeaug.workflows.augment.finished_run import finished_run
from vaeaug.workflows.augment.made import AugmentResult, Made
from vaeaug.workflows.augment.publish import finish
from vaeaug.workflows.augment.remarks import remarks_on_run
from vaeaug.workflows.augment.strength import bounded_options
from vaeaug.workflows.augment.write import EXAMPLES
from vaeaug.workflows.copies import copy_rules, copy_warnings, decoding_rules
from vaeaug.workflows.data_warnings import data_warnings, passed_over
from vaeaug.workflows.device import choose_device
from vaeaug.workflows.evaluate.augmented import discard_evaluation, evaluation_of, refuse_to_evaluate
from vaeaug.workflows.formats import format_warnings
from vaeaug.workflows.model import open_stored
from vaeaug.workflows.read import read_for_training
from vaeaug.workflows.samplers import (
    Samplers,
    changed_options,
    check_classes,
    choose_sampler,
    drawing_samplers,
    editing_samplers,
    find_sampler,
    sampler_config,
)
from vaeaug.workflows.settings import (
    AUTO,
    AugmentSettings,
    TrainModelSettings,
    TrainSettings,
    build,
    public_settings,
    real_path,
)
from vaeaug.workflows.time_budget import TimeBudget, begin_budget, reserve_for_writing, writing_seconds
from vaeaug.workflows.train.command import identity, train_chosen, train_into
from vaeaug.workflows.train.prepare import Named, choose_loss, look_up


def augment(data: str | Path, out: str | Path, *, progress: Progress = SILENT, **settings: Any) -> AugmentResult:
    """Extend a dataset with synthetic images of every class.

    Args:
        data: the dataset: class folders, split folders, or a Hugging Face imagefolder. It is never written to.
        out: the dataset directory to make; nothing, or an empty directory, must be there.
        progress: hears how it goes.
        **settings: the fields of `AugmentSettings`: `per_class`, `balance`, `ratio`, `sampler`, `sampler_options`,
            `model`, `synthetic_only`, `copy`, `link`, `keep_alpha`, `format`, `quality`, `evaluate`, and those of
            `vaeaug.train`. Without `per_class`, `balance` and `ratio` a class gets ten synthetic images for each real
            one up to 500, and one for each if it has more than 500 or if images have more pixels than 128 x 128 on
            average.

    Returns:
        What was made.

    Raises:
        InputError: the data, an option or the place is not usable; nothing was changed.
        PluginError: the plugin of the variant or the loss is broken.
        VaeaugError: the work failed; with `resume=True` it goes on where it was.
    """
    chosen: AugmentSettings = build(AugmentSettings, settings, "vaeaug.augment")
    chosen.counts({"": 0})  # refuses contradictions before any work
    chosen.check_format()
    samplers = plugins.load(chosen.plugins_dirs).samplers
    asked_sampler = _asked_sampler(chosen, samplers)
    budget = begin_budget(chosen.time_budget, progress)
    data, out = real_path(data), real_path(out)
    index = scan(data, options=chosen.label_options())
    named = _checked(chosen, asked_sampler, samplers, index, data, out)
    device = choose_device(chosen.device)
    request = {"data": str(data.resolve()), **chosen.request()}
    del request["evaluate"]  # the same images are made with it, so a resumed run may give it up or ask for it
    with Staging(out, request, resume=chosen.resume) as staging:
        read = read_for_training(index, chosen, progress, kept=True, model=_trained_model(chosen))
        index, cache = read.index, read.cache
        warnings = data_warnings(index, cache, allow_leaks=chosen.allow_leaks)
        check_amount(chosen, {label: len(cache.indices("train", label, real=True)) for label in cache.classes})
        if chosen.evaluate:
            refuse_to_evaluate(index, chosen)
        if (before := finished_run(data, chosen, staging, cache, _trained_model(chosen), progress)) is not None:
            return before
        if chosen.keep_alpha and cache.palette is not None:
            raise InputError(
                "--keep-alpha takes transparency from edited real images, and indexed images are not edited; "
                "leave it out"
            )
        model = _model(data, chosen, named, staging, index, cache, device, progress, budget)
        kinds = class_kinds(cache, asked=chosen.format, quality=chosen.quality, keep_alpha=chosen.keep_alpha)
        rules = copy_rules(cache, kinds, keep_alpha=chosen.keep_alpha, exact=chosen.copy == "exact")
        placed = _place(index, cache, rules, synthetic_only=chosen.synthetic_only)
        _refuse_unfit(chosen, cache, model)
        counts = wanted_counts(chosen, cache)
        originals = {file.file_name: file.path for file in index.of("train")}
        trained_on_them = _trained_on(model, cache)
        sampler = _sampler(asked_sampler, samplers, model, trained_on_them=trained_on_them)
        staging.refuse_changed(**identity(cache), model=model.record.fingerprint)
        keep = _filter(chosen, staging, cache, device, progress)
        progress.stage("Copying images")
        copy_real(
            placed,
            staging.content,
            link="hard" if chosen.link == "hard" else "copy",
            progress=lambda done, total: progress.tick(Tick(done / max(total, 1))),
        )
        made = Made(
            command="augment",
            staging=staging,
            model=model,
            counts=counts,
            kinds={label: kinds[label] for label in counts},
            decoding=decoding_rules(cache, keep_alpha=chosen.keep_alpha),
            real=placed,
            sources=Sources(index.files, placed),
            first=first_chunks(placed),
            originals=originals,
            examples={label: _examples(cache, label) for label in counts},
            settings=public_settings(chosen),
            sampler=sampler,
            sampler_options=changed_options(sampler.cls, chosen.sampler_options),
            seed=chosen.seed,
            remarks=[
                *warnings,
                *remarks_on_run(index, cache, model, same=trained_on_them),
                *unfilled(chosen, counts),
                *read.warnings,
                *copy_warnings(placed),
                *format_warnings({label: kinds[label] for label, count in counts.items() if count}),
            ],
            passed_over=passed_over(index, cache),
            keep=keep,
            limits=_limits(cache, counts)
            if sampler.cls.limits_changes(sampler_config(sampler.cls, chosen.sampler_options))
            else {},
            invalid=cache.invalid,
            held_out=read.held_out,
        )
        made = dataclasses.replace(made, class_options=bounded_options(made, progress))
        discard_evaluation(staging)
        evaluate = evaluation_of(index, chosen, staging, placed, progress) if chosen.evaluate else None
        return finish(made, threads=chosen.workers, progress=progress, evaluate=evaluate)


def _checked(
    chosen: AugmentSettings,
    asked_sampler: Provided[Sampler] | None,
    samplers: Samplers,
    index: DatasetIndex,
    data: Path,
    out: Path,
) -> Named:
    """Return the plugins of a run whose options go together and with the data, as far as file names tell.

    Raises:
        InputError: if they do not, or if the output overlaps the input.
        PluginError: if a plugin is broken.
    """
    refuse_overlap(data, out)
    if chosen.evaluate and chosen.time_budget is not None:
        raise InputError(
            "--time-budget cannot bound --evaluate: with fewer classifiers or steps it would measure something else; "
            f"leave out --evaluate, and then run: vaeaug evaluate {data} {out}"
        )
    if not chosen.balance:  # the files bound the number of real images from above; balancing compares classes
        check_amount(chosen, index.counts("train"))
    if chosen.held_out() is None and chosen.evaluate:
        refuse_to_evaluate(index, chosen)
    named = look_up(chosen)
    if chosen.model is not None:
        refuse_overlap(real_path(chosen.model), out)
    if asked_sampler is not None:
        check_classes(asked_sampler, samplers, named.variant.cls, scope=named.scope, classes=len(index.classes))
    return dataclasses.replace(named, sampler=asked_sampler)


def _model(
    data: Path,
    chosen: AugmentSettings,
    named: Named,
    staging: Staging,
    index: DatasetIndex,
    cache: ImageCache,
    device: torch.device,
    progress: Progress,
    budget: TimeBudget | None,
) -> StoredModel:
    """Return the model of the run, trained if there is none yet."""
    if budget is not None:
        budget = _reserved(budget, chosen, index, cache, progress)
    if chosen.model is not None:
        return _named_model(data, chosen, device, progress, budget)
    if budget is not None:  # what comes after the training is done before it, or estimated
        _filter(chosen, staging, cache, device, progress)
    return _model_of_its_own(chosen, named, staging, cache, device, progress, budget)


def _sampler(
    asked: Provided[Sampler] | None, samplers: Samplers, model: StoredModel, *, trained_on_them: bool
) -> Provided[Sampler]:
    """Return the sampler.

    Raises:
        InputError: if it edits the images that the model was trained on, and these are others.
    """
    if asked is not None and asked.cls.edits and not trained_on_them:
        others = drawing_samplers(samplers, model.latents(0).latents)
        raise InputError(
            f"the sampler '{asked.name}' edits the images that the model was trained on, and these are others; "
            f"give --model another place to train a new one, or use --sampler {others}"
        )
    sampler = choose_sampler(asked, samplers, model, has_originals=trained_on_them)
    return sampler


def _training_settings(chosen: AugmentSettings) -> dict[str, Any]:
    """Return the part of the settings that `train` takes."""
    return {name: getattr(chosen, name) for name in TrainSettings.__dataclass_fields__}


def _trained_model(chosen: AugmentSettings) -> Path | None:
    """Return the directory of the model of `--model`, if it is trained already."""
    place = None if chosen.model is None else real_path(chosen.model)
    return place if place is not None and (place / FILE).exists() else None


def _reserved(
    budget: TimeBudget, chosen: AugmentSettings, index: DatasetIndex, cache: ImageCache, progress: Progress
) -> TimeBudget:
    """Return the time budget with what the images take to make kept back from the training."""
    counts = wanted_counts(chosen, cache)
    readable = {file.file_name for file in cache.files}
    paths: dict[str, list[Path]] = {label: [] for label in counts}
    for file in index.of("train"):
        if file.file_name in readable:
            paths[file.label].append(file.path)
    return reserve_for_writing(budget, writing_seconds(paths, counts, threads=1), sum(counts.values()), progress)


def _named_model(
    data: Path, chosen: AugmentSettings, device: torch.device, progress: Progress, budget: TimeBudget | None
) -> StoredModel:
    """Return the model of `--model`, trained first where there is none yet.

    Raises:
        InputError: it is of another variant or loss than asked for.
    """
    place = real_path(str(chosen.model))
    if not (place / FILE).exists():
        train_chosen(data, place, TrainModelSettings(**_training_settings(chosen)), budget, progress)
    elif chosen.ignored_by_a_model():
        flags = ", ".join(chosen.ignored_by_a_model())
        progress.say(f"the model {place} is already trained, so these options have no effect: {flags}")
    model = open_stored(place, device, chosen.plugins_dirs)
    record = model.record
    for flag, asked, found in (("variant", chosen.variant, record.variant), ("loss", chosen.loss, record.loss)):
        if asked not in (None, AUTO, found.name):
            raise InputError(
                f"the model {place} was trained with --{flag} {found.name}, not {asked}; "
                f"leave out --{flag}, or give --model another place to train a new one"
            )
    return model


def _model_of_its_own(
    chosen: AugmentSettings,
    named: Named,
    staging: Staging,
    cache: ImageCache,
    device: torch.device,
    progress: Progress,
    budget: TimeBudget | None,
) -> StoredModel:
    """Return a model trained for this output alone."""
    staging.refuse_changed(**identity(cache))
    directory = staging.scratch / "model"
    if not (directory / FILE).exists():
        used = choose_loss(named, chosen, cache, progress)
        train_into(directory, staging.scratch / "training", cache, chosen, used, device, progress, budget)
    return open_stored(directory, device, chosen.plugins_dirs)


def _filter(
    chosen: AugmentSettings, staging: Staging, cache: ImageCache, device: torch.device, progress: Progress
) -> SampleFilter | None:
    """Return what decides which samples are kept, or None where all are."""
    if not chosen.filter:
        return None
    directory = staging.scratch / "judges"
    return train_filter(cache, directory, seed=chosen.seed, device=device, workers=chosen.workers, progress=progress)


def _asked_sampler(chosen: AugmentSettings, samplers: Samplers) -> Provided[Sampler] | None:
    """Return the sampler that is named, or None for `auto`; with `keep_alpha` one that edits real images.

    Raises:
        InputError: if there is no such sampler or option, or if `keep_alpha` is set and the sampler draws new images.
    """
    asked = find_sampler(chosen.sampler, chosen.sampler_options, chosen.plugins_dirs)
    if not chosen.keep_alpha:
        return asked
    if asked is None:  # edited images have the transparency of their sources
        asked = next((sampler for sampler in samplers.values() if sampler.cls.edits), None)
    if asked is None or not asked.cls.edits:
        drawn = "no sampler does that" if asked is None else f"the sampler '{asked.name}' draws new images"
        raise InputError(
            f"--keep-alpha takes transparency from edited real images, and {drawn}; "
            f"use --sampler {editing_samplers(samplers)}, or leave out --keep-alpha"
        )
    return asked


def _place(
    index: DatasetIndex, cache: ImageCache, rules: Mapping[str, CopyRule], *, synthetic_only: bool
) -> tuple[RealImage, ...]:
    """Return the images of DATA that go into the output: all but, on request, the real training images."""
    invalid = {image.file_name for image in cache.invalid}
    files = (file for file in index.files if file.file_name not in invalid)
    placed = place_real(files, index.layout, rules)
    return tuple(image for image in placed if not synthetic_only or image.split != "train" or image.synthetic)


def _refuse_unfit(chosen: AugmentSettings, cache: ImageCache, model: StoredModel) -> None:
    """Refuse a model that cannot make images for the data.

    Raises:
        InputError: it makes gray images and the data are in colour, or the reverse; or it does not know a class.
    """
    channels = cache.pixels_NHWC.shape[3]
    if channels != model.record.channels:
        makes, has = ("gray" if count == 1 else "colour" for count in (model.record.channels, channels))
        raise InputError(
            f"the model {chosen.model} makes {makes} images, and the data are in {has}; "
            "give --model another place to train a new one"
        )
    unknown = sorted(set(cache.classes) - set(model.classes))
    if unknown:
        raise InputError(
            f"the model {chosen.model} was not trained on the class {unknown[0]!r} of the data; it knows "
            f"{', '.join(model.classes)}; give --model another place to train a new one"
        )


def _trained_on(model: StoredModel, cache: ImageCache) -> bool:
    """Tell whether the model was trained on the training images of the data, under the names that they have."""
    return all(model.latents(model.record.label(label)).listing == cache.listing(label) for label in cache.classes)


def _limits(cache: ImageCache, counts: Mapping[str, int]) -> dict[str, PixelLimits]:
    """Return how far the pixels of each class that gets images may be changed."""
    wanted = [label for label, count in counts.items() if count]
    return {label: pixel_limits(cache.pixels_NHWC, cache.indices("train", label, real=True)) for label in wanted}


def _examples(cache: ImageCache, label: str) -> list[str]:
    """Return the `file_name` of some real training images of a class, spread evenly."""
    indices = cache.indices("train", label, real=True)
    chosen = np.linspace(0, len(indices) - 1, min(EXAMPLES, len(indices))).round().astype(int)
    return [cache.files[index].file_name for index in indices[chosen]]

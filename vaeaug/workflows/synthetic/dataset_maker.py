"""Make an extended dataset, with synthetic images of every class: for `augment`, and for the folds of `evaluate`."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vaeaug.dataset.cache import ImageCache
from vaeaug.dataset.scan import scan
from vaeaug.engine.local import kept_workers
from vaeaug.errors import InputError
from vaeaug.export.class_format import class_formats
from vaeaug.export.manifest import Sources
from vaeaug.export.real import first_numbers
from vaeaug.models.record import read_record
from vaeaug.synthesis.generate import CHUNK
from vaeaug.synthesis.pixel_limits import PixelLimits, pixel_limits
from vaeaug.workflows.copies import copy_images, copy_warnings, decoding_rules
from vaeaug.workflows.format_warnings import format_warnings
from vaeaug.workflows.image_data import read_for_training
from vaeaug.workflows.run import Run
from vaeaug.workflows.sample_settings import AugmentSettings
from vaeaug.workflows.samplers import changed_options, check_classes, sampler_config
from vaeaug.workflows.settings import expand_user, public_settings
from vaeaug.workflows.synthetic.change_strength import reduced_strength_options
from vaeaug.workflows.synthetic.class_counts import check_counts, count_warnings, requested_counts
from vaeaug.workflows.synthetic.dataset_evaluation import Evaluation, discard_evaluation, verdict_of
from vaeaug.workflows.synthetic.dataset_model import (
    dataset_model,
    dataset_sampler,
    named_sampler,
    trained_model,
    was_trained_on,
)
from vaeaug.workflows.synthetic.dataset_output import write_dataset
from vaeaug.workflows.synthetic.dataset_warnings import dataset_warnings
from vaeaug.workflows.synthetic.sample_files import EXAMPLES
from vaeaug.workflows.synthetic.sample_filter import dataset_filter
from vaeaug.workflows.synthetic.synthetic_dataset import AugmentResult, SyntheticDataset
from vaeaug.workflows.time_budget import begin_budget
from vaeaug.workflows.train.loss_choice import named_plugins
from vaeaug.workflows.train.model_training import identity


def make_dataset(
    initial_run: Run[AugmentSettings], data: Path, out: Path, evaluation: Evaluation | None = None
) -> AugmentResult:
    """Make an extended dataset; see `vaeaug.augment`.

    `evaluation` measures whether the synthetic images help, before OUT is published.

    Raises:
        InputError: if the data, an option or the output directory cannot be used; nothing was changed.
        PluginError: if the plugin of the variant, the loss or the sampler is broken.
        VaeaugError: if the work failed; `resume=True` continues it.
    """
    chosen = initial_run.settings
    chosen.check()
    sampler = named_sampler(initial_run)
    budget = begin_budget(chosen.time_budget, initial_run.progress)
    index = scan(data, options=chosen.label_options())
    if not chosen.balance:  # the files bound the number of real images from above; balancing compares classes
        check_counts(chosen, index.counts("train"))
    if chosen.held_out() is None and evaluation is not None:
        evaluation.check(index)
    named = named_plugins(initial_run, sampler)
    if sampler is not None:
        samplers = initial_run.registry.samplers
        check_classes(sampler, samplers, named.variant.cls, scope=named.scope, classes=len(index.classes))
    inputs = [data, *([] if chosen.model is None else [expand_user(chosen.model)])]
    with initial_run.writing(out, {"data": str(data.resolve())}, inputs=inputs) as run:
        training_data = read_for_training(
            index, chosen, run.progress, copies_synthetic=True, model=trained_model(chosen)
        )
        index, cache = training_data.index, training_data.cache
        run.warn(*training_data.warnings)
        check_counts(chosen, {label: len(cache.indices("train", label, real=True)) for label in cache.classes})
        if evaluation is not None:
            evaluation.check(index)
        if run.staging.finished is not None:
            return _finished_result(run, data, cache)
        if chosen.keep_alpha and cache.palette is not None:
            raise InputError(
                "--keep-alpha takes transparency from edited real images, and indexed images are not edited; "
                "leave out --keep-alpha"
            )
        counts = requested_counts(chosen, cache)
        with kept_workers():
            model = dataset_model(run, named, training_data, counts, budget)
            is_training_data = was_trained_on(model, cache)
            sampler = dataset_sampler(run, sampler, model, is_training_data=is_training_data)
            run.staging.check_unchanged(**identity(cache), model=model.record.fingerprint)
            sample_filter = dataset_filter(run, cache)
        kinds = class_formats(
            cache, requested_format=chosen.format, quality=chosen.quality, keep_alpha=chosen.keep_alpha
        )
        copied_images = copy_images(run, index, cache, kinds)
        run.warn(
            *dataset_warnings(index, cache, model, is_training_data=is_training_data, uses_model=sampler.cls.trains),
            *count_warnings(chosen, counts),
            *training_data.synthetic_warnings,
            *copy_warnings(copied_images),
            *format_warnings({label: kinds[label] for label, count in counts.items() if count}),
        )
        limits_changes = sampler.cls.limits_changes(sampler_config(sampler.cls, chosen.sampler_options))
        dataset = SyntheticDataset(
            command="augment",
            run=run,
            model=model,
            counts=counts,
            kinds={label: kinds[label] for label in counts},
            decoding=decoding_rules(cache, keep_alpha=chosen.keep_alpha),
            real=copied_images,
            sources=Sources(index.files, copied_images),
            first={label: -(-number // CHUNK) for label, number in first_numbers(copied_images).items()},
            originals={file.file_name: file.path for file in index.of("train")},
            examples={label: _examples(cache, label) for label in counts},
            settings=public_settings(chosen),
            sampler=sampler,
            sampler_options=changed_options(sampler.cls, chosen.sampler_options),
            seed=chosen.seed,
            passed_over=training_data.passed_over,
            sample_filter=sample_filter,
            limits=_limits(cache, counts) if limits_changes else {},
            invalid=cache.invalid,
            held_out=training_data.held_out,
        )
        dataset = dataclasses.replace(dataset, class_options=reduced_strength_options(dataset))
        discard_evaluation(run.content)
        return write_dataset(
            dataset, None if evaluation is None else functools.partial(evaluation.evaluate, run, index, copied_images)
        )


def _finished_result(run: Run[AugmentSettings], data: Path, cache: ImageCache) -> AugmentResult:
    model, out = trained_model(run.settings), run.staging.final
    run.staging.check_unchanged(
        **identity(cache), **({} if model is None else {"model": read_record(model).fingerprint})
    )
    verdict = verdict_of(out)
    if run.settings.evaluate and verdict is None:
        raise InputError(f"{out} is complete, without --evaluate; to evaluate it, run: vaeaug evaluate {data} {out}")
    record = run.finished_record()
    assert record is not None  # noqa: S101 (it is finished)
    return AugmentResult.from_record(out, record, verdict)


def _limits(cache: ImageCache, counts: Mapping[str, int]) -> dict[str, PixelLimits]:
    labels = [label for label, count in counts.items() if count]
    return {label: pixel_limits(cache.pixels_NHWC, cache.indices("train", label, real=True)) for label in labels}


def _examples(cache: ImageCache, label: str) -> list[str]:
    indices = cache.indices("train", label, real=True)
    chosen = np.linspace(0, len(indices) - 1, min(EXAMPLES, len(indices))).round().astype(int)
    return [cache.files[index].file_name for index in indices[chosen]]

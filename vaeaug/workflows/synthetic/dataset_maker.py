"""Make an extended dataset, with synthetic images of every class: for `augment`, and for the folds of `evaluate`."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vaeaug.dataset.cache import ImageCache
from vaeaug.dataset.index import DatasetIndex
from vaeaug.dataset.scan import scan
from vaeaug.engine.local import kept_workers
from vaeaug.errors import InputError
from vaeaug.export.class_format import class_formats
from vaeaug.export.manifest import Sources
from vaeaug.export.normalize import CopyRule
from vaeaug.export.real import RealImage, copy_real, place_real
from vaeaug.export.sample_numbers import first_chunks
from vaeaug.models.record import read_record
from vaeaug.progress import Tick
from vaeaug.synthesis.pixel_limits import PixelLimits, pixel_limits
from vaeaug.workflows.copies import copy_rules, copy_warnings, decoding_rules
from vaeaug.workflows.data_warnings import data_warnings, passed_over
from vaeaug.workflows.format_warnings import format_warnings
from vaeaug.workflows.image_data import read_for_training
from vaeaug.workflows.run import Run, check_disjoint
from vaeaug.workflows.sample_settings import AugmentSettings
from vaeaug.workflows.samplers import changed_options, check_classes, sampler_config
from vaeaug.workflows.settings import expand_user, public_settings
from vaeaug.workflows.synthetic.change_strength import reduced_strength_options
from vaeaug.workflows.synthetic.class_counts import check_counts, count_warnings, requested_counts
from vaeaug.workflows.synthetic.dataset_evaluation import Evaluation, discard_evaluation, verdict_of
from vaeaug.workflows.synthetic.dataset_model import (
    check_model,
    dataset_filter,
    dataset_model,
    dataset_sampler,
    named_sampler,
    trained_model,
    was_trained_on,
)
from vaeaug.workflows.synthetic.dataset_output import write_dataset
from vaeaug.workflows.synthetic.dataset_warnings import dataset_warnings
from vaeaug.workflows.synthetic.sample_files import EXAMPLES
from vaeaug.workflows.synthetic.synthetic_dataset import AugmentResult, SyntheticDataset
from vaeaug.workflows.time_budget import begin_budget
from vaeaug.workflows.train.loss_choice import NamedPlugins, named_plugins
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
    chosen, progress = initial_run.settings, initial_run.progress
    chosen.counts({"": 0})  # contradictory options are an error before any work
    chosen.check_format()
    sampler = named_sampler(initial_run)
    budget = begin_budget(chosen.time_budget, progress)
    index = scan(data, options=chosen.label_options())
    named = dataclasses.replace(_checked_plugins(initial_run, index, data, out, evaluation), sampler=sampler)
    if sampler is not None:
        samplers = initial_run.registry.samplers
        check_classes(sampler, samplers, named.variant.cls, scope=named.scope, classes=len(index.classes))
    with initial_run.writing(out, chosen.request(data=str(data.resolve()))) as run:
        training_data = read_for_training(index, chosen, progress, copies_synthetic=True, model=trained_model(chosen))
        index, cache = training_data.index, training_data.cache
        run.warn(*data_warnings(index, cache, allow_leaks=chosen.allow_leaks))
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
        with kept_workers():
            model = dataset_model(run, data, named, training_data, budget)
            check_model(chosen, cache, model)
            counts = requested_counts(chosen, cache)
            is_training_data = was_trained_on(model, cache)
            sampler = dataset_sampler(run, sampler, model, is_training_data=is_training_data)
            run.staging.check_unchanged(**identity(cache), model=model.record.fingerprint)
            sample_filter = dataset_filter(run, cache)
        kinds = class_formats(
            cache, requested_format=chosen.format, quality=chosen.quality, keep_alpha=chosen.keep_alpha
        )
        rules = copy_rules(cache, kinds, keep_alpha=chosen.keep_alpha, exact=chosen.copy == "exact")
        copied_images = _copied_images(index, cache, rules, synthetic_only=chosen.synthetic_only)
        _copy(run, copied_images)
        run.warn(
            *dataset_warnings(index, cache, model, is_training_data=is_training_data),
            *count_warnings(chosen, counts),
            *training_data.warnings,
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
            first=first_chunks(copied_images),
            originals={file.file_name: file.path for file in index.of("train")},
            examples={label: _examples(cache, label) for label in counts},
            settings=public_settings(chosen),
            sampler=sampler,
            sampler_options=changed_options(sampler.cls, chosen.sampler_options),
            seed=chosen.seed,
            passed_over=passed_over(index, cache),
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


def _checked_plugins(
    run: Run[AugmentSettings], index: DatasetIndex, data: Path, out: Path, evaluation: Evaluation | None
) -> NamedPlugins:
    """Check the options against each other and against the files of DATA, and return the named plugins."""
    chosen = run.settings
    check_disjoint(out, [data])
    if evaluation is not None and chosen.time_budget is not None:
        raise InputError(
            "--time-budget and --evaluate cannot be combined: with fewer classifiers or steps the evaluation would "
            f"measure something else; leave out --evaluate, and then run: vaeaug evaluate {data} {out}"
        )
    if not chosen.balance:  # the files bound the number of real images from above; balancing compares classes
        check_counts(chosen, index.counts("train"))
    if chosen.held_out() is None and evaluation is not None:
        evaluation.check(index)
    named = named_plugins(run)
    if chosen.model is not None:
        check_disjoint(out, [expand_user(chosen.model)])
    return named


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


def _copied_images(
    index: DatasetIndex, cache: ImageCache, rules: Mapping[str, CopyRule], *, synthetic_only: bool
) -> tuple[RealImage, ...]:
    """Return the images of DATA that are copied to the output: all but, on request, the real training images."""
    invalid = {image.file_name for image in cache.invalid}
    files = (file for file in index.files if file.file_name not in invalid)
    located = place_real(files, index.layout, rules)
    return tuple(image for image in located if not synthetic_only or image.split != "train" or image.synthetic)


def _copy(run: Run[AugmentSettings], images: Sequence[RealImage]) -> None:
    run.progress.stage("Copying images")
    copy_real(
        images,
        run.content,
        link="hard" if run.settings.link == "hard" else "copy",
        progress=lambda done, total: run.progress.tick(Tick(done / max(total, 1))),
    )


def _limits(cache: ImageCache, counts: Mapping[str, int]) -> dict[str, PixelLimits]:
    labels = [label for label, count in counts.items() if count]
    return {label: pixel_limits(cache.pixels_NHWC, cache.indices("train", label, real=True)) for label in labels}


def _examples(cache: ImageCache, label: str) -> list[str]:
    indices = cache.indices("train", label, real=True)
    chosen = np.linspace(0, len(indices) - 1, min(EXAMPLES, len(indices))).round().astype(int)
    return [cache.files[index].file_name for index in indices[chosen]]

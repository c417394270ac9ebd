"""Write synthetic images from a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vaeaug import plugins
from vaeaug.export.kind import recorded_kind
from vaeaug.export.manifest import Sources
from vaeaug.progress import SILENT, Progress
from vaeaug.staging import Staging, refuse_overlap
from vaeaug.workflows.augment.amount import check_amount, unfilled
from vaeaug.workflows.augment.made import AugmentResult, Made, result_of
from vaeaug.workflows.augment.publish import finish
from vaeaug.workflows.device import choose_device
from vaeaug.workflows.finished import finished_record
from vaeaug.workflows.formats import format_warnings
from vaeaug.workflows.model import open_stored
from vaeaug.workflows.remarks import remarks_on
from vaeaug.workflows.samplers import changed_options, choose_sampler, find_sampler
from vaeaug.workflows.settings import SampleModelSettings, build, public_settings, real_path


def sample(model: str | Path, out: str | Path, *, progress: Progress = SILENT, **settings: Any) -> AugmentResult:
    """Write synthetic images of a trained model as a dataset directory.

    Args:
        model: the directory of the model.
        out: the dataset directory to make; nothing, or an empty directory, must be there.
        progress: hears how it goes.
        **settings: the fields of `SampleModelSettings`: `per_class`, `balance`, `ratio`, `sampler`, `sampler_options`,
            `format`, `quality`, `seed`, `classes`, `variant_options` (those that only change what is drawn), `device`,
            `workers`, `resume`, `plugins_dirs`. `balance` and `ratio` count the images it was trained on.

    Returns:
        What was made.

    Raises:
        InputError: the model, an option or the place is not usable; nothing was changed.
        VaeaugError: the work failed; with `resume=True` it goes on where it was.
    """
    chosen: SampleModelSettings = build(SampleModelSettings, settings, "vaeaug.sample")
    model, out = real_path(model), real_path(out)
    chosen.check_format()
    chosen.counts({"": 0})  # refuses contradictions before any work
    stored = open_stored(model, choose_device(chosen.device), chosen.plugins_dirs, chosen.variant_options)
    for name in chosen.classes:
        stored.record.label(name)
    asked = find_sampler(chosen.sampler, chosen.sampler_options, chosen.plugins_dirs)
    sampler = choose_sampler(asked, plugins.load(chosen.plugins_dirs).samplers, stored)
    options = changed_options(sampler.cls, chosen.sampler_options)
    refuse_overlap(model, out)
    real = {entry.name: entry.images for entry in stored.record.classes}
    drawn = {name: count for name, count in chosen.counts(real).items() if not chosen.classes or name in chosen.classes}
    check_amount(chosen, real, drawn)
    wanted: dict[str, Any] = {"counts": drawn, "sampler": sampler.name, "sampler_options": options, "seed": chosen.seed}
    if chosen.variant_options:
        wanted["variant_options"] = stored.options
    kinds = {
        entry.name: recorded_kind(stored.record, entry, asked=chosen.format, quality=chosen.quality)
        for entry in stored.record.classes
    }
    if (chosen.format, chosen.quality) != ("auto", None):
        wanted |= {"format": chosen.format, "quality": chosen.quality}
    request = {"model": stored.record.fingerprint, **wanted}
    with Staging(out, request, resume=chosen.resume) as staging:
        if (record := finished_record(staging, progress)) is not None:
            return result_of(staging.final, record)
        made = Made(
            command="sample",
            staging=staging,
            model=stored,
            counts=drawn,
            kinds=kinds,
            decoding=stored.record.rules(),
            real=(),
            sources=Sources((), ()),
            first={},
            originals={},
            examples={},
            settings={**public_settings(chosen), **wanted},
            sampler=sampler,
            sampler_options=options,
            seed=chosen.seed,
            remarks=[
                *remarks_on(stored),
                *unfilled(chosen, drawn),
                *format_warnings({name: kinds[name] for name, count in drawn.items() if count}),
            ],
        )
        return finish(made, threads=chosen.workers, progress=progress)

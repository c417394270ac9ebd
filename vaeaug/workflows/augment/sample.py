"""Write synthetic images from a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vaeaug.dataset.image_cache import NativeShape
from vaeaug.dataset.palette import IndexedColours
from vaeaug.errors import InputError
from vaeaug.export.manifest import Sources
from vaeaug.models.record import ClassRecord, ModelRecord
from vaeaug.progress import SILENT, Progress
from vaeaug.staging import Staging, refuse_overlap
from vaeaug.synthesis.generate import changed_options, sampler_config, sampler_name
from vaeaug.workflows.augment.made import AugmentResult, Made
from vaeaug.workflows.augment.publish import finish
from vaeaug.workflows.device import choose_device
from vaeaug.workflows.model import open_stored
from vaeaug.workflows.remarks import remarks_on
from vaeaug.workflows.settings import SampleModelSettings, build, public_settings, real_path


def sample(model: str | Path, out: str | Path, *, progress: Progress = SILENT, **settings: Any) -> AugmentResult:
    """Write synthetic images of a trained model as a dataset directory.

    Args:
        model: the directory of the model.
        out: the dataset directory to make; nothing, or an empty directory, must be there.
        progress: hears how it goes.
        **settings: the fields of `SampleModelSettings`: `per_class`, `balance`, `ratio`, `sampler`, `sampler_options`,
            `seed`, `classes`, `variant_options` (those that only change what is drawn), `device`, `workers`, `resume`,
            `plugins_dirs`. `balance` and `ratio` count the images it was trained on.

    Returns:
        What was made.

    Raises:
        InputError: the model, an option or the place is not usable; nothing was changed.
        VaeaugError: the work failed; with `resume=True` it goes on where it was.
    """
    chosen: SampleModelSettings = build(SampleModelSettings, settings, "vaeaug.sample")
    model, out = real_path(model), real_path(out)
    chosen.counts({"": 0})  # refuses contradictions before any work
    stored = open_stored(model, choose_device(chosen.device), chosen.plugins_dirs, chosen.variant_options)
    for name in chosen.classes:
        stored.record.label(name)
    sampler_config(chosen.sampler, chosen.sampler_options)
    sampler = sampler_name(chosen.sampler, stored)
    options = changed_options(sampler, chosen.sampler_options)
    refuse_overlap(model, out)
    counts = chosen.counts({entry.name: entry.images for entry in stored.record.classes})
    if chosen.classes:
        counts = {name: count for name, count in counts.items() if name in chosen.classes}
    if not any(counts.values()):
        raise InputError("this makes no images at all; ask for some with --per-class N or --ratio R")
    wanted: dict[str, Any] = {"counts": counts, "sampler": sampler, "sampler_options": options, "seed": chosen.seed}
    if chosen.variant_options:
        wanted["variant_options"] = stored.options
    request = {"model": stored.record.fingerprint, **wanted}
    with Staging(out, request, resume=chosen.resume) as staging:
        made = Made(
            command="sample",
            staging=staging,
            model=stored,
            counts=counts,
            shapes={entry.name: _shape(stored.record, entry) for entry in stored.record.classes},
            real=(),
            sources=Sources((), ()),
            first={},
            originals={},
            examples={},
            settings={**public_settings(chosen), **wanted},
            sampler=sampler,
            sampler_options=options,
            seed=chosen.seed,
            remarks=remarks_on(stored),
        )
        return finish(made, threads=chosen.workers, progress=progress)


def _shape(record: ModelRecord, entry: ClassRecord) -> NativeShape:
    """Return what images of a class of the model are written as."""
    if record.palette is not None and record.table is not None:
        return NativeShape(entry.height, entry.width, "P", IndexedColours(record.palette, record.table))
    return NativeShape(entry.height, entry.width, "RGB" if entry.mode == "RGB" else "L")

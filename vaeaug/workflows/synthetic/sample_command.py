"""Write synthetic images from a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vaeaug.export.class_format import recorded_format
from vaeaug.export.manifest import Sources
from vaeaug.progress import SILENT, Progress
from vaeaug.workflows.format_warnings import format_warnings
from vaeaug.workflows.model_warnings import model_warnings
from vaeaug.workflows.run import begin_run
from vaeaug.workflows.sample_settings import SampleModelSettings
from vaeaug.workflows.samplers import changed_options, choose_sampler, find_sampler
from vaeaug.workflows.settings import build, expand_user, public_settings
from vaeaug.workflows.synthetic.class_counts import check_counts, class_counts, count_warnings
from vaeaug.workflows.synthetic.dataset_output import write_dataset
from vaeaug.workflows.synthetic.synthetic_dataset import AugmentResult, SyntheticDataset


def sample(model: str | Path, out: str | Path, *, progress: Progress = SILENT, **settings: Any) -> AugmentResult:
    """Write synthetic images of a trained model as a dataset directory.

    Args:
        model: the directory of the model.
        out: the output directory: a path that does not exist, or an empty directory.
        **settings: the options of `vaeaug sample`, with underscores; the fields of `SampleModelSettings`.

    Raises:
        InputError: if the model, an option or the output directory cannot be used; nothing was changed.
        VaeaugError: if the work failed; `resume=True` continues it.
    """
    chosen: SampleModelSettings = build(SampleModelSettings, settings, "vaeaug.sample")
    model, out = expand_user(model), expand_user(out)
    chosen.check()
    run = begin_run(chosen, progress)
    stored = run.open_model(model, chosen.variant_options)
    for name in chosen.classes:
        stored.record.label(name)
    requested = find_sampler(chosen.sampler, chosen.sampler_options, run.registry)
    sampler = choose_sampler(requested, run.registry.samplers, stored)
    options = changed_options(sampler.cls, chosen.sampler_options)
    real = {entry.name: entry.images for entry in stored.record.classes}
    counts = {
        name: count
        for name, count in class_counts(chosen, real).items()
        if not chosen.classes or name in chosen.classes
    }
    check_counts(chosen, real, counts)
    resolved: dict[str, Any] = {
        "counts": counts,
        "sampler": sampler.name,
        "sampler_options": options,
        "seed": chosen.seed,
    }
    if chosen.variant_options:
        resolved["variant_options"] = stored.options
    kinds = {
        entry.name: recorded_format(stored.record, entry, requested_format=chosen.format, quality=chosen.quality)
        for entry in stored.record.classes
    }
    if (chosen.format, chosen.quality) != ("auto", None):
        resolved |= {"format": chosen.format, "quality": chosen.quality}
    with run.writing(out, {"model": stored.record.fingerprint, **resolved}, inputs=[model]) as run:
        if (record := run.finished_record()) is not None:
            return AugmentResult.from_record(run.staging.final, record)
        run.warn(
            *model_warnings(stored),
            *count_warnings(chosen, counts),
            *format_warnings({name: kinds[name] for name, count in counts.items() if count}),
        )
        dataset = SyntheticDataset(
            command="sample",
            run=run,
            model=stored,
            counts=counts,
            kinds=kinds,
            decoding=stored.record.rules(),
            real=(),
            sources=Sources((), ()),
            first={},
            originals={},
            examples={},
            settings={**public_settings(chosen), **resolved},
            sampler=sampler,
            sampler_options=options,
            seed=chosen.seed,
        )
        return write_dataset(dataset)

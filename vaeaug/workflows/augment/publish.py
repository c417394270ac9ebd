"""The files at the root of a dataset directory: manifest, record, card, report. Shared by `augment` and `sample`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from vaeaug.export.card import CardData, ClassCount, counts_entry, write_card
from vaeaug.export.layout import make_missing_folders
from vaeaug.export.manifest import Listed, manifest_rows, write_manifest
from vaeaug.export.origin import Drawn
from vaeaug.export.record import RECORD, command_record, write_record
from vaeaug.pages.dataset_report import write_report
from vaeaug.pages.evaluation_results import EvaluationPart
from vaeaug.progress import Progress
from vaeaug.workflows.augment.made import AugmentResult, Made, Written
from vaeaug.workflows.augment.report import report_of, settings_of
from vaeaug.workflows.augment.strength import remarks_on_strength
from vaeaug.workflows.augment.write import write_synthetic
from vaeaug.workflows.copies import copies_record
from vaeaug.workflows.name_list import name_list
from vaeaug.workflows.samplers import plugin_entry


def finish(
    made: Made, *, threads: int | None, progress: Progress, evaluate: Callable[[Path], EvaluationPart] | None = None
) -> AugmentResult:
    """Write the synthetic images and all that stands at the root, and move everything to its place.

    Args:
        made: what to make; its real images are there already.
        threads: how many encode images; chosen from their size if None.
        progress: hears how it goes.
        evaluate: is given the directory when all is in it but the report, may add to it, and returns what it found.
    """
    written = write_synthetic(made, threads=threads, progress=progress)
    remarks = [*made.remarks, *remarks_on_strength(made), *_unfilled(made, written)]
    counts = class_counts(made, written)
    make_missing_folders(made.out, [count.label for count in counts])
    write_root(made, written, counts, remarks)
    found = None if evaluate is None else evaluate(made.out)
    write_report(made.out / "report.html", report_of(made, written, counts, remarks, found))
    made.staging.publish()
    for remark in remarks:
        progress.say(remark)
    verdict = None if found is None else found.verdict
    return AugmentResult(made.staging.final, tuple(counts), made.sampler.name, tuple(remarks), written.dropped, verdict)


def class_counts(made: Made, written: Written) -> list[ClassCount]:
    """Return how many images of each class and kind the output has, by class."""
    by_split = Counter((image.split, image.label) for image in made.real if not image.synthetic)
    carried = Counter(image.label for image in made.real if image.synthetic)
    labels = sorted({*made.counts, *(image.label for image in made.real)})
    return [
        ClassCount(
            label=label,
            real=by_split["train", label],
            synthetic=written.counts.get(label, 0) + carried[label],
            carried=carried[label],
            val=by_split["val", label],
            test=by_split["test", label],
        )
        for label in labels
    ]


def _unfilled(made: Made, written: Written) -> list[str]:
    """Return a warning about classes with fewer images than requested because too many samples were dropped."""
    short = [
        f"{label} has {written.counts[label]:,} of {wanted:,}"
        for label, wanted in made.counts.items()
        if written.counts[label] < wanted
    ]
    if not short:
        return []
    return [
        f"the filter dropped too many samples to fill some classes: {name_list(short, 10)}; train longer (--steps), "
        "use another --sampler, or turn the filter off with --no-filter"
    ]


def write_root(made: Made, written: Written, counts: Sequence[ClassCount], remarks: Sequence[str]) -> None:
    """Write all at the root but the report. The same work gives the same bytes: no times, no places of this machine."""
    record = made.model.record
    listed = Listed()
    rows = manifest_rows(made.real, made.sources, made.journal, made.seed)
    write_manifest(made.out / "manifest.csv", listed.seen(rows))
    write_record(
        made.out / RECORD,
        command_record(
            made.command,
            made.settings,
            model=record,
            sampler=made.sampler.name,
            **plugin_entry(made.sampler),
            sampler_options=dict(made.sampler_options),
            class_sampler_options={label: dict(options) for label, options in made.class_options.items()},
            seed=made.seed,
            counts={entry.label: counts_entry(entry) for entry in counts},
            normalized=copies_record(made.real),
            dropped=written.dropped,
            passed_over=made.passed_over,
            invalid=made.invalid,
            remarks=remarks,
        ),
    )
    settings = settings_of(made, written)
    card = CardData(
        made.staging.final.name,
        counts,
        settings,
        warnings=tuple(remarks),
        origin=made.edited or Drawn(),
        rewritten=sum(bool(image.reasons) for image in made.real),
        suffixes=listed.suffixes,
        sources=listed.sources,
        held_out=made.held_out,
    )
    write_card(made.out / "README.md", card)

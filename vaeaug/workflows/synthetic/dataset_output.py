"""The files at the root of a dataset directory: manifest, record, card and report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from vaeaug.errors import name_list
from vaeaug.export.card import CardData, ClassCount, counts_entry, write_card
from vaeaug.export.layout import make_missing_folders
from vaeaug.export.manifest import ManifestFacts, manifest_rows, write_manifest
from vaeaug.export.record import RECORD, command_record, write_record
from vaeaug.export.synthesis_method import Generated
from vaeaug.pages.dataset_report import write_report
from vaeaug.pages.evaluation_results import EvaluationResults
from vaeaug.workflows.copies import copies_record
from vaeaug.workflows.samplers import plugin_entry
from vaeaug.workflows.synthetic.change_strength import strength_warnings
from vaeaug.workflows.synthetic.report_content import report_content, settings_shown
from vaeaug.workflows.synthetic.sample_files import write_samples
from vaeaug.workflows.synthetic.synthetic_dataset import AugmentResult, SyntheticDataset, WrittenSamples


def write_dataset(
    dataset: SyntheticDataset, evaluate: Callable[[Path], EvaluationResults] | None = None
) -> AugmentResult:
    """Write the synthetic images and the files at the root, and publish the dataset.

    `evaluate` receives the directory when only its report is missing, may add files to it, and returns the results for
    the report.
    """
    run = dataset.run
    written = write_samples(dataset)
    run.warn(*strength_warnings(dataset), *_unfilled_warnings(dataset, written))
    counts = class_counts(dataset, written)
    make_missing_folders(dataset.out, [count.label for count in counts])
    write_root(dataset, written, counts)
    evaluation = None if evaluate is None else evaluate(dataset.out)
    write_report(dataset.out / "report.html", report_content(dataset, written, counts, evaluation))
    return AugmentResult(
        out=run.publish(),
        counts=tuple(counts),
        sampler=dataset.sampler.name,
        warnings=tuple(run.warnings),
        dropped=written.dropped,
        verdict=None if evaluation is None else evaluation.verdict,
    )


def class_counts(dataset: SyntheticDataset, written: WrittenSamples) -> list[ClassCount]:
    """Return the numbers of images of each class, by kind."""
    by_split = Counter((image.split, image.label) for image in dataset.real if not image.synthetic)
    carried = Counter(image.label for image in dataset.real if image.synthetic)
    labels = sorted({*dataset.counts, *(image.label for image in dataset.real)})
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


def _unfilled_warnings(dataset: SyntheticDataset, written: WrittenSamples) -> list[str]:
    """Return a warning about classes with fewer images than requested because too many samples were dropped."""
    short = [
        f"{label} has {written.counts[label]:,} of {requested:,}"
        for label, requested in dataset.counts.items()
        if written.counts[label] < requested
    ]
    if not short:
        return []
    train_longer = "train longer (--steps), " if dataset.sampler.cls.trains else ""
    return [
        f"the filter dropped too many samples to fill some classes: {name_list(short, 10)}; {train_longer}"
        "use another --sampler, or turn the filter off with --no-filter"
    ]


def write_root(dataset: SyntheticDataset, written: WrittenSamples, counts: Sequence[ClassCount]) -> None:
    """Write the files at the root but the report. The same work gives the same bytes: no times, no paths."""
    record = dataset.model.record
    listed = ManifestFacts()
    rows = manifest_rows(dataset.real, dataset.sources, dataset.journal, dataset.seed)
    write_manifest(dataset.out / "manifest.csv", listed.observe(rows))
    write_record(
        dataset.out / RECORD,
        command_record(
            dataset.command,
            dataset.settings,
            model=record,
            sampler=dataset.sampler.name,
            **plugin_entry(dataset.sampler),
            sampler_options=dict(dataset.sampler_options),
            class_sampler_options={label: dict(options) for label, options in dataset.class_options.items()},
            seed=dataset.seed,
            counts={entry.label: counts_entry(entry) for entry in counts},
            normalized=copies_record(dataset.real),
            dropped=written.dropped,
            passed_over=dataset.passed_over,
            invalid=dataset.invalid,
            warnings=dataset.run.warnings,
        ),
    )
    card = CardData(
        dataset.run.title,
        counts,
        settings_shown(dataset, written),
        warnings=tuple(dataset.run.warnings),
        method=dataset.edited or Generated(),
        rewritten=sum(bool(image.reasons) for image in dataset.real),
        suffixes=listed.suffixes,
        sources=listed.sources,
        held_out=dataset.held_out,
        trained=dataset.sampler.cls.trains,
    )
    write_card(dataset.out / "README.md", card)

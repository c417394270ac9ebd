"""The files at the root of a dataset directory: manifest, record, card, report. Shared by `augment` and `sample`."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import vaeaug
from vaeaug.evaluation.evaluation_part import EvaluationPart
from vaeaug.evaluation.report import write_report
from vaeaug.export.card import CardData, ClassCount, write_card
from vaeaug.export.manifest import manifest_rows, write_manifest
from vaeaug.export.origin import Drawn
from vaeaug.export.record import write_record
from vaeaug.progress import Progress
from vaeaug.workflows.augment.made import AugmentResult, Made, Written
from vaeaug.workflows.augment.report import report_of, settings_of
from vaeaug.workflows.augment.write import write_synthetic
from vaeaug.workflows.copies import copies_record


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
    remarks = [*made.remarks, *_unfilled(made, written)]
    counts = class_counts(made, written)
    write_root(made, written, counts, remarks)
    found = None if evaluate is None else evaluate(made.out)
    write_report(made.out / "report.html", report_of(made, written, counts, remarks, found))
    made.staging.publish()
    for remark in remarks:
        progress.say(remark)
    verdict = None if found is None else found.verdict
    return AugmentResult(made.staging.final, tuple(counts), made.sampler, tuple(remarks), written.dropped, verdict)


def class_counts(made: Made, written: Written) -> list[ClassCount]:
    """Return how many images of each class and kind the output has, by class."""
    by_split = Counter((image.split, image.label) for image in made.real)
    labels = sorted({*made.counts, *(image.label for image in made.real)})
    return [
        ClassCount(
            label=label,
            real=by_split["train", label],
            synthetic=written.counts.get(label, 0),
            val=by_split["val", label],
            test=by_split["test", label],
        )
        for label in labels
    ]


def _unfilled(made: Made, written: Written) -> list[str]:
    """Return a remark on classes that have fewer images than asked for, because too many samples were dropped."""
    short = [
        f"{label} has {written.counts[label]:,} of {wanted:,}"
        for label, wanted in made.counts.items()
        if written.counts[label] < wanted
    ]
    if not short:
        return []
    return [
        f"most samples of some classes were dropped, so these are not full: {', '.join(short)}; "
        "a longer training (--steps), another --sampler or --no-filter gives more"
    ]


def write_root(made: Made, written: Written, counts: Sequence[ClassCount], remarks: Sequence[str]) -> None:
    """Write all at the root but the report. The same work gives the same bytes: no times, no places of this machine."""
    record = made.model.record
    write_manifest(made.out / "manifest.csv", manifest_rows(made.real, made.journal, made.seed))
    write_record(
        made.out / "vaeaug.json",
        {
            "vaeaug": vaeaug.__version__,
            "model": {
                "variant": dataclasses.asdict(record.variant),
                "loss": dataclasses.asdict(record.loss),
                "scope": record.scope,
                "image": {"channels": record.channels, "height": record.height, "width": record.width},
                "seed": record.seed,
                "training": record.training,
                "metrics": record.metrics,
                "classes": {entry.name: entry.metrics for entry in record.classes},
                "versions": record.versions,
                "fingerprint": record.fingerprint,
                "data_fingerprint": record.data_fingerprint,
            },
            "sampler": made.sampler,
            "sampler_options": dict(made.sampler_options),
            "seed": made.seed,
            "settings": dict(made.settings),
            "counts": {entry.label: dataclasses.asdict(entry) for entry in counts},
            "normalized": copies_record(made.real),
            "dropped": written.dropped,
            "remarks": list(remarks),
        },
    )
    settings = settings_of(made, written)
    card = CardData(
        made.staging.final.name,
        counts,
        settings,
        warnings=tuple(remarks),
        origin=made.edited or Drawn(),
        rewritten=sum(bool(image.reasons) for image in made.real),
    )
    write_card(made.out / "README.md", card)

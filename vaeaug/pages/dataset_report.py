"""`report.html` of `augment`, `sample` and `evaluate`: one self-contained page about synthetic images.

Its order: the effect on a classifier if it was measured, samples, counts, similarity to real images, dropped samples,
training curves, settings.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vaeaug.export.card import ClassCount
from vaeaug.export.synthesis_method import Edited
from vaeaug.pages.class_samples import SampleRow, samples_section
from vaeaug.pages.dropped_samples import dropped_pictures, dropped_table
from vaeaug.pages.embedded_images import Images
from vaeaug.pages.evaluation_results import EvaluationResults, evaluation_section
from vaeaug.pages.html_page import write_page
from vaeaug.pages.training_curves import History, training_section

COLLAPSE_ROWS = 24
"""Number of rows from which on a table is collapsed."""


@dataclass(frozen=True, slots=True)
class ReportData:
    """The content of the page. Empty parts and None are left out.

    Attributes:
        summary: the result in one sentence; replaced by the verdict if there is one.
        histories: one per training; several with one network per class.
        units: name of a training -> (active, all) latent dimensions.
        codes: name of a training -> number of codes in use, in words.
        nearest: whether each real image of `samples` is the one most similar to the synthetic image at its position.
        facts: short figures for the top of the page: name -> value.
        dropped: class -> cause -> number of dropped samples; `rejected` has some of them.
        linked_files: name of a file next to the page -> what it contains, as the rest of a sentence.
        edited: set if the synthetic images are edits of real ones.
    """

    title: str
    summary: str
    counts: Sequence[ClassCount]
    samples: Sequence[SampleRow] = ()
    histories: Sequence[History] = ()
    units: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    nearest: bool = False
    facts: Mapping[str, object] = field(default_factory=dict)
    dropped: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    rejected: Mapping[str, Mapping[str, Images]] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    command: str | None = None
    warnings: Sequence[str] = ()
    linked_files: Mapping[str, str] = field(default_factory=dict)
    evaluation: EvaluationResults | None = None
    edited: Edited | None = None


def write_report(path: Path, data: ReportData) -> None:
    """Write the page. It loads nothing and runs no script; the same data give the same bytes."""
    results = data.evaluation
    dropped = dropped_table(data.dropped, {count.label: count.synthetic for count in data.counts})
    write_page(
        path,
        "dataset_report.html.jinja",
        data=dataclasses.replace(data, warnings=[*data.warnings, *(results.warnings if results else ())]),
        facts={**_sums(data.counts), **data.facts, **(results.facts if results else {})},
        evaluation=None if results is None else evaluation_section(results),
        samples=samples_section(results.samples, paired=True)
        if results
        else samples_section(data.samples, paired=data.nearest),
        paired=bool(results) or data.nearest,
        held_out=[split for split in ("val", "test") if any(getattr(count, split) for count in data.counts)],
        largest=max((count.real + count.synthetic for count in data.counts), default=1) or 1,
        dropped=dropped,
        rejected=[] if dropped is None else dropped_pictures(dropped, data.rejected),
        training=training_section(data.histories, data.units),
        many=COLLAPSE_ROWS,
    )


def _sums(counts: Sequence[ClassCount]) -> dict[str, object]:
    if not counts:
        return {}
    return {
        "Real training images": f"{sum(count.real for count in counts):,}",
        "Synthetic images": f"{sum(count.synthetic for count in counts):,}",
        "Classes": f"{len(counts):,}",
    }

"""`report.html`: one self-contained page on synthetic images, and what it is asked first stands first.

Where they were put to the test: whether they help a classifier. Then what they look like, how many there are, what was
dropped, and how the model's training went.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vaeaug.evaluation.contact_strips import contact_entries
from vaeaug.evaluation.dropped import dropped_pictures, dropped_table
from vaeaug.evaluation.evaluation_part import EvaluationPart
from vaeaug.evaluation.evaluation_shown import evaluation_shown
from vaeaug.evaluation.fitted_strips import Images
from vaeaug.evaluation.page import write_page
from vaeaug.evaluation.strip import ContactRow
from vaeaug.evaluation.training_curves import History, training_shown
from vaeaug.export.card import ClassCount
from vaeaug.export.origin import Edited

_MANY = 16
"""From so many classes on, tables of them are folded away."""


@dataclass(frozen=True, slots=True)
class ReportData:
    """What the page says. What is empty or None is left out.

    Attributes:
        title: the name of the output.
        summary: the result in one sentence; the verdict takes its place where there is one.
        counts: one a class.
        contact: images of each class; a class may be missing.
        histories: one a training; several with one network a class.
        units: name of a training -> (active, all) latent dimensions.
        codes: name of a training -> how many codes of a discrete latent are in use, in words.
        nearest: whether each real image of `contact` is the one nearest to the synthetic image in its place.
        facts: short figures for the top of the page: name -> value.
        dropped: class -> why samples were dropped -> how many.
        rejected: class -> cause -> some of these, uint8 arrays (H, W, 1 or 3), of any sizes.
        settings: how it was made: name -> value.
        command: the command that made it.
        warnings: what the user should look at, each a sentence.
        beside: name of a file that belongs to the page -> what that does, as the rest of a sentence.
        evaluation: whether the images help, and what they are like.
        edited: where the synthetic images are changed real ones.
    """

    title: str
    summary: str
    counts: Sequence[ClassCount]
    contact: Sequence[ContactRow] = ()
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
    beside: Mapping[str, str] = field(default_factory=dict)
    evaluation: EvaluationPart | None = None
    edited: Edited | None = None


def write_report(path: Path, data: ReportData) -> None:
    """Write the page; it loads nothing, runs no script, and the same data give the same bytes.

    Args:
        path: the file.
        data: what it says. Any class name is shown as it is: nothing in it becomes markup.
    """
    part = data.evaluation
    dropped = dropped_table(data.dropped, {count.label: count.synthetic for count in data.counts})
    write_page(
        path,
        "report.html.jinja",
        data=dataclasses.replace(data, warnings=[*data.warnings, *(part.warnings if part else ())]),
        facts={**_sums(data.counts), **data.facts, **(part.facts if part else {})},
        evaluation=None if part is None else evaluation_shown(part),
        sheet=list(contact_entries(data.contact)),
        held_out=[split for split in ("val", "test") if any(getattr(count, split) for count in data.counts)],
        largest=max((count.real + count.synthetic for count in data.counts), default=1) or 1,
        dropped=dropped,
        rejected=[] if dropped is None else dropped_pictures(dropped, data.rejected),
        training=training_shown(data.histories, data.units),
        many=max(len(data.counts), len(part.recall) if part else 0) >= _MANY,
    )


def _sums(counts: Sequence[ClassCount]) -> dict[str, object]:
    """Return the figures of all classes together, as they stand at the top."""
    if not counts:
        return {}
    return {
        "Real training images": f"{sum(count.real for count in counts):,}",
        "Synthetic images": f"{sum(count.synthetic for count in counts):,}",
        "Classes": f"{len(counts):,}",
    }

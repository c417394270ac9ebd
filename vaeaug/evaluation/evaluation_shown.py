"""What was found about synthetic images, drawn: dots, strips, tables and maps, as the templates of a report take it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from vaeaug.evaluation.contact_strips import ContactEntry, contact_entries
from vaeaug.evaluation.dot_plot import DotScale, difference_plot, dot_plot
from vaeaug.evaluation.evaluation_part import ArmRow, EvaluationPart, PairPicture, RecallRow
from vaeaug.evaluation.gallery import Picture, embedded_picture
from vaeaug.evaluation.scatter import ScatterPanel, scatter_panels

if TYPE_CHECKING:
    from vaeaug.evaluation.fidelity import FidelityReport
    from vaeaug.evaluation.memorisation import Memorisation

PAIR_SHOWN_AT = 72
"""CSS pixels at which the longer side of an image of a pair is shown."""


@dataclass(frozen=True, slots=True)
class EvaluationShown:
    """What the page shows.

    Attributes:
        part: what was found.
        begins_with_decision: whether the verdict begins with the decision, which is then not said twice.
        tone: class of the verdict's style.
        measures: names of the figures of an arm.
        arms: each with its drawing.
        axis: below those.
        recall: the class that gains most first, each with its drawing.
        samples: as strips.
        alike: rows of the table of fidelity.
        copies: rows of the table of copies.
        pairs: as pictures.
        panels: drawings of the map.
    """

    part: EvaluationPart
    begins_with_decision: bool
    tone: str
    measures: Sequence[str]
    arms: Sequence[tuple[ArmRow, Markup]]
    axis: Markup
    recall: Sequence[tuple[RecallRow, Markup]]
    samples: Sequence[ContactEntry]
    alike: Sequence[Mapping[str, object]]
    copies: Sequence[Mapping[str, object]]
    pairs: Sequence[Mapping[str, object]]
    panels: Sequence[ScatterPanel]


def evaluation_shown(part: EvaluationPart) -> EvaluationShown:
    """Draw what was found."""
    scale = _scale(part.arms)
    return EvaluationShown(
        part=part,
        begins_with_decision=part.verdict.lower().startswith(part.decision),
        tone=_TONES.get(part.decision, "undecided"),
        measures=list(part.arms[0].scores) if part.arms else [],
        arms=[(row, dot_plot(row.runs, *_first(row), scale)) for row in part.arms],
        axis=scale.axis(),
        recall=list(_recall(part.recall)),
        samples=list(contact_entries(part.samples)),
        alike=_rows(part.fidelity),
        copies=_rows(part.memorisation),
        pairs=[_pair(pair) for pair in part.pairs],
        panels=[] if part.map is None else scatter_panels(part.map),
    )


_TONES = {"helps": "good", "harms": "bad", "does not help": "bad", "undecided": "undecided"}


def _first(row: ArmRow) -> tuple[float, float]:
    score = next(iter(row.scores.values()))
    return score.mean, score.half or 0.0


def _scale(arms: Sequence[ArmRow]) -> DotScale:
    """Return a scale that holds every run and interval of all arms."""
    values = [value for row in arms for value in row.runs]
    # Of two seeds an interval may be wider than all that can be, and would leave the dots no room.
    ends = [min(max(mean + sign * half, 0.0), 1.0) for mean, half in map(_first, arms) for sign in (-1, 1)]
    return DotScale.around([*values, *ends])


def _recall(rows: Sequence[RecallRow]) -> Iterator[tuple[RecallRow, Markup]]:
    """Yield classes, the one that gains most first, each with a drawing of its change."""
    shown = [row for row in rows if math.isfinite(row.after - row.before)]
    changes = [abs(row.after - row.before) for row in shown]
    # Of few test images an interval may be wider than all that can be: half of the classes set the scale, not one.
    widest = (
        np.median([change + (row.half or 0.0) for change, row in zip(changes, shown, strict=True)]) if shown else 0.0
    )
    reach = max(*changes, float(widest)) if shown else 0.0
    for row in sorted(shown, key=lambda row: row.before - row.after):
        yield row, difference_plot(row.after - row.before, row.half or 0.0, reach)


def _rows(report: FidelityReport | Memorisation | None) -> list[Mapping[str, object]]:
    """Return the rows of a table: all together, held-out real images, and each class."""
    if report is None:
        return []
    rows: list[tuple[str, str, object]] = [("all classes", "overall", report.overall)]
    rows += [("held-out real images", "yardstick", report.held_out)] if report.held_out else []
    rows += [(label, "", of_class) for label, of_class in report.by_class.items()]
    return [{"label": label, "kind": kind, "of": figures} for label, kind, figures in rows]


def _pair(pair: PairPicture) -> Mapping[str, object]:
    pictures = [Picture("synthetic", pair.synthetic_HWC), Picture("real", pair.real_HWC)]
    return {
        "label": pair.label,
        "real_name": pair.real_name,
        "distance": pair.distance,
        "pictures": [embedded_picture(picture, pair.label, PAIR_SHOWN_AT) for picture in pictures],
    }

"""An evaluation as the templates of a report take it: dot plots, tables, thumbnails and maps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from vaeaug.pages.dot_plot import DotScale, difference_plot, dot_plot
from vaeaug.pages.embedded_images import Form, Thumbnail, form_for, thumbnail
from vaeaug.pages.evaluation_part import ArmRow, EvaluationPart, PairPicture, RecallRow
from vaeaug.pages.scatter import ScatterPanel, map_note, scatter_panels

if TYPE_CHECKING:
    from vaeaug.evaluation.fidelity import FidelityReport
    from vaeaug.evaluation.memorisation import Memorisation


PAIRS_BYTES = 600_000
"""Bytes of the images of all closest pairs together, at most."""


@dataclass(frozen=True, slots=True)
class EvaluationShown:
    """What the page shows.

    Attributes:
        part: what was found.
        begins_with_decision: whether the verdict begins with the decision, which is then not repeated.
        tone: CSS class of the verdict.
        measures: names of the figures of an arm.
        arms: each with its drawing.
        axis: the axis below those.
        recall: the largest gain first, each with its drawing.
        alike: rows of the table of fidelity.
        copies: rows of the table of copies.
        pairs: the closest pairs.
        panels: drawings of the map.
        points_note: how much of it is shown; empty if all is.
    """

    part: EvaluationPart
    begins_with_decision: bool
    tone: str
    measures: Sequence[str]
    arms: Sequence[tuple[ArmRow, Markup]]
    axis: Markup
    recall: Sequence[tuple[RecallRow, Markup]]
    alike: Sequence[Mapping[str, object]]
    copies: Sequence[Mapping[str, object]]
    pairs: Sequence[ShownPair]
    panels: Sequence[ScatterPanel]
    points_note: str


@dataclass(frozen=True, slots=True)
class ShownPair:
    """A synthetic image and the real one closest to it, in this order."""

    pair: PairPicture
    pictures: Sequence[Thumbnail]


def evaluation_shown(part: EvaluationPart) -> EvaluationShown:
    """Return what the page shows of an evaluation."""
    scale = _scale(part.arms)
    return EvaluationShown(
        part=part,
        begins_with_decision=part.verdict.lower().startswith(part.decision),
        tone=_TONES.get(part.decision, "undecided"),
        measures=list(part.arms[0].scores) if part.arms else [],
        arms=[(row, dot_plot(row.runs, *_first(row), scale)) for row in part.arms],
        axis=scale.axis(),
        recall=list(_recall(part.recall)),
        alike=_rows(part.fidelity),
        copies=_rows(part.memorisation),
        pairs=_pairs(part.pairs),
        panels=[] if part.map is None else scatter_panels(part.map),
        points_note="" if part.map is None else map_note(part.map),
    )


_TONES = {"helps": "good", "harms": "bad", "does not help": "bad", "undecided": "undecided"}


def _first(row: ArmRow) -> tuple[float, float]:
    score = next(iter(row.scores.values()))
    return score.mean, score.half or 0.0


def _scale(arms: Sequence[ArmRow]) -> DotScale:
    """Return a scale that contains every run and interval of all arms."""
    values = [value for row in arms for value in row.runs]
    # With two seeds an interval may exceed [0, 1] and would leave the dots no room.
    ends = [min(max(mean + sign * half, 0.0), 1.0) for mean, half in map(_first, arms) for sign in (-1, 1)]
    return DotScale.around([*values, *ends])


def _recall(rows: Sequence[RecallRow]) -> Iterator[tuple[RecallRow, Markup]]:
    """Yield the classes, the largest gain first, each with a drawing of its change."""
    shown = [row for row in rows if math.isfinite(row.after - row.before)]
    changes = [abs(row.after - row.before) for row in shown]
    # With few test images one interval may be very wide: the median over the classes sets the scale.
    widest = (
        np.median([change + (row.half or 0.0) for change, row in zip(changes, shown, strict=True)]) if shown else 0.0
    )
    reach = max(*changes, float(widest)) if shown else 0.0
    for row in sorted(shown, key=lambda row: row.before - row.after):
        yield row, difference_plot(row.after - row.before, row.half or 0.0, reach)


def _rows(report: FidelityReport | Memorisation | None) -> list[Mapping[str, object]]:
    """Return the rows of a table: all classes, held-out real images, then each class."""
    if report is None:
        return []
    rows: list[tuple[str, str, object]] = [("all classes", "overall", report.overall)]
    rows += [("held-out real images", "yardstick", report.held_out)] if report.held_out else []
    rows += [(label, "", of_class) for label, of_class in report.by_class.items()]
    return [{"label": label, "kind": kind, "of": figures} for label, kind, figures in rows]


def _pairs(pairs: Sequence[PairPicture]) -> list[ShownPair]:
    form = form_for([image for pair in pairs for image in (pair.synthetic, pair.real)], PAIRS_BYTES)
    return [shown for pair in pairs if (shown := _pair(pair, form)) is not None]


def _pair(pair: PairPicture, form: Form) -> ShownPair | None:
    pictures = [
        thumbnail(image, f"{kind} image of {pair.label}", form)
        for kind, image in (("synthetic", pair.synthetic), ("real", pair.real))
    ]
    shown = [image for image in pictures if image is not None]
    return ShownPair(pair, shown) if len(shown) == len(pictures) else None

"""The results of an evaluation in a report: whether synthetic images help a classifier, and what they are like.

`EvaluationResults` contains the results; `evaluation_section` turns them into dot plots, tables and thumbnails.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from vaeaug.pages.charts import MAX_PANELS, DotScale, ScatterPanel, difference_plot, dot_plot, scatter_panels
from vaeaug.pages.class_samples import SampleRow
from vaeaug.pages.embedded_images import ImageEncoding, PageImage, Thumbnail, choose_encoding, thumbnail

if TYPE_CHECKING:
    from vaeaug.evaluation.embedding_map import EmbeddingMap
    from vaeaug.evaluation.fidelity import FidelityReport
    from vaeaug.evaluation.memorisation import Memorisation

PAIRS_BYTES = 600_000
"""Bytes of the images of all closest pairs together, at most."""


@dataclass(frozen=True, slots=True)
class Score:
    """A mean over seeds in [0, 1] and the half width of its 95 % interval, if there is one."""

    mean: float
    half_width: float | None = None


@dataclass(frozen=True, slots=True)
class ArmRow:
    """The results of one training method.

    Attributes:
        scores: metric -> score, the same metrics in every row; the first one is drawn.
        runs: the first metric of every seed, in [0, 1].
    """

    name: str
    scores: Mapping[str, Score]
    runs: Sequence[float]
    compared: bool = False


@dataclass(frozen=True, slots=True)
class RecallRow:
    """How the recall of one class changes with the synthetic images.

    Attributes:
        before: mean recall without them, in [0, 1].
        half_width: of the 95 % interval of the change; None if there is none.
    """

    label: str
    images: int
    before: float
    after: float
    half_width: float | None = None


@dataclass(frozen=True, slots=True)
class PairPicture:
    """A synthetic image and the real training image closest to it.

    Attributes:
        distance: as a fraction of the distance below which an image is unusually close.
    """

    label: str
    synthetic: PageImage
    real: PageImage
    real_name: str
    distance: float


@dataclass(frozen=True, slots=True)
class EvaluationResults:
    """The results. What is empty or None is left out.

    Attributes:
        decision: the verdict in a word, which sets its colour: `helps`, `harms`, `does not help` or `undecided`.
        method: how it was measured, in a sentence or two.
        facts: short figures for the top of the page: name -> value.
        chance: the first metric of `arms` for always predicting the most frequent class, in [0, 1].
        recall_of: the names of the arms of `before` and `after` in `recall`.
        samples: randomly drawn synthetic images of each class; as `real`, the real image closest to each.
        pairs: the closest pairs, closest first.
        edited: whether the synthetic images are edits of real ones, which are similar and close by design.
    """

    verdict: str
    decision: str
    method: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    chance: float | None = None
    arms: Sequence[ArmRow] = ()
    recall: Sequence[RecallRow] = ()
    recall_of: tuple[str, str] = ("without", "with")
    samples: Sequence[SampleRow] = ()
    fidelity: FidelityReport | None = None
    memorisation: Memorisation | None = None
    pairs: Sequence[PairPicture] = ()
    edited: bool = False
    map: EmbeddingMap | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class EvaluationSection:
    """What the page shows.

    Attributes:
        begins_with_decision: whether the verdict begins with the decision, which is then not repeated.
        arms: each with its drawing; `recall` likewise, the largest gain first.
        points_note: how many points are shown; empty if all are.
    """

    results: EvaluationResults
    begins_with_decision: bool
    tone: str
    metrics: Sequence[str]
    arms: Sequence[tuple[ArmRow, Markup]]
    axis: Markup
    recall: Sequence[tuple[RecallRow, Markup]]
    fidelity_rows: Sequence[Mapping[str, object]]
    memorisation_rows: Sequence[Mapping[str, object]]
    pairs: Sequence[PairSection]
    panels: Sequence[ScatterPanel]
    points_note: str


@dataclass(frozen=True, slots=True)
class PairSection:
    """A synthetic image and the real one closest to it, in this order."""

    pair: PairPicture
    pictures: Sequence[Thumbnail]


def evaluation_section(results: EvaluationResults) -> EvaluationSection:
    """Return what the page shows of an evaluation."""
    scale = _scale(results.arms)
    return EvaluationSection(
        results=results,
        begins_with_decision=results.verdict.lower().startswith(results.decision),
        tone=_TONES.get(results.decision, "undecided"),
        metrics=list(results.arms[0].scores) if results.arms else [],
        arms=[(row, dot_plot(row.runs, *_first_score(row), scale)) for row in results.arms],
        axis=scale.axis(),
        recall=list(_recall(results.recall)),
        fidelity_rows=_comparison_rows(results.fidelity),
        memorisation_rows=_comparison_rows(results.memorisation),
        pairs=_pairs(results.pairs),
        panels=[] if results.map is None else scatter_panels(results.map),
        points_note="" if results.map is None else _map_note(results.map),
    )


_TONES = {"helps": "good", "harms": "bad", "does not help": "bad", "undecided": "undecided"}


def _first_score(row: ArmRow) -> tuple[float, float]:
    score = next(iter(row.scores.values()))
    return score.mean, score.half_width or 0.0


def _scale(arms: Sequence[ArmRow]) -> DotScale:
    values = [value for row in arms for value in row.runs]
    # With two seeds an interval may exceed [0, 1] and would leave the dots no room.
    ends = [
        min(max(mean + sign * half_width, 0.0), 1.0) for mean, half_width in map(_first_score, arms) for sign in (-1, 1)
    ]
    return DotScale.around([*values, *ends])


def _recall(rows: Sequence[RecallRow]) -> Iterator[tuple[RecallRow, Markup]]:
    """Yield the classes, the largest gain first, each with a drawing of its change."""
    shown = [row for row in rows if math.isfinite(row.after - row.before)]
    changes = [abs(row.after - row.before) for row in shown]
    # With few test images one interval may be very wide: the median over the classes sets the scale.
    widest = (
        np.median([change + (row.half_width or 0.0) for change, row in zip(changes, shown, strict=True)])
        if shown
        else 0.0
    )
    reach = max(*changes, float(widest)) if shown else 0.0
    for row in sorted(shown, key=lambda row: row.before - row.after):
        yield row, difference_plot(row.after - row.before, row.half_width or 0.0, reach)


def _comparison_rows(report: FidelityReport | Memorisation | None) -> list[Mapping[str, object]]:
    if report is None:
        return []
    rows: list[tuple[str, str, object]] = [("all classes", "overall", report.overall)]
    rows += [("held-out real images", "yardstick", report.held_out)] if report.held_out else []
    rows += [(label, "", of_class) for label, of_class in report.by_class.items()]
    return [{"label": label, "kind": kind, "of": figures} for label, kind, figures in rows]


def _pairs(pairs: Sequence[PairPicture]) -> list[PairSection]:
    encoding = choose_encoding([image for pair in pairs for image in (pair.synthetic, pair.real)], PAIRS_BYTES)
    return [shown for pair in pairs if (shown := _pair(pair, encoding)) is not None]


def _pair(pair: PairPicture, encoding: ImageEncoding) -> PairSection | None:
    pictures = [
        thumbnail(image, f"{kind} image of {pair.label}", encoding)
        for kind, image in (("synthetic", pair.synthetic), ("real", pair.real))
    ]
    shown = [image for image in pictures if image is not None]
    return PairSection(pair, shown) if len(shown) == len(pictures) else None


def _map_note(embedding_map: EmbeddingMap) -> str:
    """Return how many of the images and classes are shown, in a sentence; empty if all are."""
    classes = len(np.union1d(embedding_map.real_labels_N, embedding_map.synthetic_labels_M))
    parts = [
        f"{count:,} of {whole:,} {kind}"
        for count, whole, kind in (
            (len(embedding_map.real_N2), embedding_map.real_count, "real images"),
            (len(embedding_map.synthetic_M2), embedding_map.synthetic_count, "synthetic images"),
            (min(classes, MAX_PANELS), classes, "class panels"),
        )
        if count < whole
    ]
    return f"Shown: {', '.join(parts)}." if parts else ""

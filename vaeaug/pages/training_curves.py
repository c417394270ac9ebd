"""Charts of a model's training: the objective, its terms, and how much of the latents is used."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from vaeaug.pages.charts import LARGE, SMALL, ChartSize, Line, line_chart
from vaeaug.training.history import annealed_terms

_POINTS = 240
"""Points of a curve, at most; of a longer history every n-th row is drawn, the last one included."""

_GROUP = "kl/"
"""Prefix of the KL term of one of several groups of latents (`Encoded.penalties`)."""


@dataclass(frozen=True, slots=True)
class History:
    """The history of one training.

    Attributes:
        rows: of `history.jsonl`: `step`, and the mean of each term in `train` and, if images were held out,
            `validation`. `annealed` names the terms that are the KL part of the objective.
    """

    name: str
    rows: Sequence[Mapping[str, Any]]

    def kl_terms(self) -> list[str]:
        """Return the terms that are the KL part of the objective, in their order."""
        return annealed_terms(self.rows)


@dataclass(frozen=True, slots=True)
class GroupDivergence:
    """The KL divergence of each group of latents, in one training.

    Attributes:
        values: in nats per image, as text; empty for a group without a term.
    """

    name: str
    values: Sequence[str]
    percents: Sequence[float]


@dataclass(frozen=True, slots=True)
class Curve:
    """One chart.

    Attributes:
        note: the latent dimensions in use, as text; empty if that is unknown or belongs to another chart.
    """

    title: str
    drawing: Markup
    note: str = ""


@dataclass(frozen=True, slots=True)
class TrainingSection:
    """The section. What is empty is left out.

    Attributes:
        charts: the objective and its terms, of one training.
        small: of several trainings, (title, one chart per training) of the objective and of the KL divergence.
        units: name of a training -> (active, all) latent dimensions.
        groups: names of the groups of latents with their own KL term.
    """

    charts: Sequence[Curve]
    small: Sequence[tuple[str, Sequence[Curve]]]
    units: Mapping[str, tuple[int, int]]
    groups: Sequence[str]
    divergences: Sequence[GroupDivergence]


def training_section(histories: Sequence[History], units: Mapping[str, tuple[int, int]]) -> TrainingSection | None:
    """Return the section, or None if nothing was recorded; `units` has (active, all) latent dimensions by training."""
    charts = list(_charts(histories[0])) if len(histories) == 1 else []
    small = _small_charts(histories, units) if len(histories) > 1 else []
    if not (charts or small or units):
        return None
    return TrainingSection(charts, small, units, _groups(histories), list(_divergences(histories)))


def _charts(history: History) -> Iterator[Curve]:
    """Yield the objective, then its terms if there are several."""
    terms = _terms(history)
    if not terms:
        return
    charts = [("Objective", terms), *((_chart_title(term), [term]) for term in terms if len(terms) > 1)]
    for title, chart_terms in charts:
        yield Curve(title, _chart(title, history, chart_terms, LARGE))


def _small_charts(
    histories: Sequence[History], units: Mapping[str, tuple[int, int]]
) -> list[tuple[str, Sequence[Curve]]]:
    """Return (title, one chart per training) of the objective, and of the sum of all KL terms if there are any."""
    in_use = {name: "{} of {} latent dimensions in use".format(*counts) for name, counts in units.items()}
    kl = {history.name: [term for term in _terms(history) if term in history.kl_terms()] for history in histories}
    objective = {history.name: _terms(history) for history in histories}
    shown = [("Objective", objective), *([("KL divergence", kl)] if any(kl.values()) else [])]
    return [
        (
            title,
            [
                Curve(
                    history.name,
                    _chart(f"{title} of {history.name}", history, terms[history.name], SMALL),
                    in_use.get(history.name, "") if terms is shown[-1][1] else "",
                )
                for history in histories
            ],
        )
        for title, terms in shown
    ]


def _chart(title: str, history: History, terms: Sequence[str], size: ChartSize) -> Markup:
    # The KL divergence is in nats; the unit of a reconstruction loss is its own.
    unit = "nats per image" if terms and set(terms) <= set(history.kl_terms()) else "loss per image"
    points = _POINTS if size is LARGE else _POINTS // 4
    return line_chart(title, _lines(history, terms, points), x_label="training step", y_label=unit, size=size)


def _groups(histories: Sequence[History]) -> list[str]:
    """Return the names of the groups of latents that have a KL term of their own (`kl/<group>`), in their order."""
    terms = (term for history in histories for term in _terms(history) if term.startswith(_GROUP))
    return [term.removeprefix(_GROUP) for term in dict.fromkeys(terms)]


def _divergences(histories: Sequence[History]) -> Iterator[GroupDivergence]:
    groups = _groups(histories)
    for history in histories:
        terms = _best_terms(history)
        nats = [float(terms.get(_GROUP + group, math.nan)) for group in groups]
        if any(math.isfinite(value) for value in nats):
            shown = [max(0.0, value) if math.isfinite(value) else 0.0 for value in nats]
            yield GroupDivergence(
                history.name,
                [f"{value:,.1f}" if math.isfinite(value) else "" for value in nats],
                [100 * value / (sum(shown) or 1.0) for value in shown],
            )


def _best_terms(history: History) -> Mapping[str, float]:
    """Return the validation terms at their lowest sum, where the weights were kept; without validation, the last."""
    validated = [row["validation"] for row in history.rows if row.get("validation")]
    if validated:
        terms: Mapping[str, float] = min(validated, key=lambda terms: sum(terms.values()))
        return terms
    return history.rows[-1].get("train") or {} if history.rows else {}


def _terms(history: History) -> list[str]:
    """Return the terms of the objective: the validated ones, or all if none is."""
    last = history.rows[-1] if history.rows else {}
    return list(last.get("validation") or last.get("train") or {})


def _lines(history: History, terms: Sequence[str], max_points: int) -> list[Line]:
    """Return the curves of the sum of some terms: training, then validation if there is any."""
    lines = []
    stride = -(-len(history.rows) // max_points) or 1
    rows = history.rows[::-1][::stride][::-1]  # the last one included
    for part, name, style in (("train", "training", "train"), ("validation", "validation", "val")):
        values = [sum(float(row.get(part, {}).get(term, math.nan)) for term in terms) for row in rows]
        if terms and any(math.isfinite(value) for value in values):
            lines.append(Line(name, [float(row["step"]) for row in rows], values, style))
    return lines


def _chart_title(term: str) -> str:
    if term.startswith(_GROUP):
        return f"KL divergence of group {term.removeprefix(_GROUP)}"
    if term == "kl":
        return "KL divergence"
    words = term.replace("_", " ")
    return words[:1].upper() + words[1:]

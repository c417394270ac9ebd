"""How a model's training went, drawn: its objective and terms, and how much of its latents it uses."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from vaeaug.evaluation.chart import Line, line_chart, number, sparkline

_POINTS = 240
"""Most points of a curve; of a longer history every n-th row is drawn, and the last."""

_GROUP = "kl/"
"""What the KL term of one of several groups of latents begins with (`Encoded.penalties`)."""


@dataclass(frozen=True, slots=True)
class History:
    """How one training went.

    Attributes:
        name: what was trained: `shared`, or a class.
        rows: those of `history.jsonl`: `step`, `train` and, where images were set aside, `validation`, each of the two
            term -> mean in nats an image.
    """

    name: str
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Divergence:
    """How much of an image each group of latents holds, in one training.

    Attributes:
        name: what was trained.
        values: the KL divergence of each group in nats, as text; empty where it has none.
        shares: each of all together, in percent.
    """

    name: str
    values: Sequence[str]
    shares: Sequence[float]


@dataclass(frozen=True, slots=True)
class Spark:
    """One curve among many, small.

    Attributes:
        name: what was trained.
        last: the last value, as text.
        drawing: the curve.
        units: how many latent dimensions are in use, as text; empty where it stands elsewhere or is not known.
    """

    name: str
    last: str
    drawing: Markup
    units: str = ""


@dataclass(frozen=True, slots=True)
class TrainingShown:
    """What the page shows of it. What is empty is left out.

    Attributes:
        charts: (title, drawing) of the objective and its terms, of one training.
        sparks: of several trainings, (title, curves) of the objective and of the KL divergence, where there is one.
        units: name of a training -> (active, all) latent dimensions.
        groups: names of the groups of latents that have a KL term of their own.
        divergences: how much each of them holds.
    """

    charts: Sequence[tuple[str, Markup]]
    sparks: Sequence[tuple[str, Sequence[Spark]]]
    units: Mapping[str, tuple[int, int]]
    groups: Sequence[str]
    divergences: Sequence[Divergence]


def training_shown(histories: Sequence[History], units: Mapping[str, tuple[int, int]]) -> TrainingShown | None:
    """Return what is shown of trainings, or None where nothing is known.

    Args:
        histories: one a training; several with one network a class.
        units: name of a training -> (active, all) latent dimensions.
    """
    charts = list(_charts(histories[0])) if len(histories) == 1 else []
    sparks = _sparks(histories, units) if len(histories) > 1 else []
    if not (charts or sparks or units):
        return None
    return TrainingShown(charts, sparks, units, _groups(histories), list(_divergences(histories)))


def _charts(history: History) -> Iterator[tuple[str, Markup]]:
    """Yield (title, drawing): the objective first, then its terms where there are several."""
    terms = _terms(history)
    if not terms:
        return
    wanted = [("Objective", terms), *((_titled(term), [term]) for term in terms if len(terms) > 1)]
    for title, summed in wanted:
        yield title, line_chart(f"{title}, nats an image", _lines(history, summed, _POINTS), x_label="steps")


def _sparks(histories: Sequence[History], units: Mapping[str, tuple[int, int]]) -> list[tuple[str, Sequence[Spark]]]:
    """Return (title, a curve a training) of the objective, and of all KL terms together where there are any."""
    in_use = {name: "{} of {} units".format(*counts) for name, counts in units.items()}
    kl = {history.name: [term for term in _terms(history) if _is_kl(term)] for history in histories}
    objective = [_spark("Objective", history, _terms(history)) for history in histories]
    if not any(kl.values()):
        return [("Objective", [dataclasses.replace(spark, units=in_use.get(spark.name, "")) for spark in objective])]
    divergence = [_spark("KL divergence", history, kl[history.name]) for history in histories]
    shown = [dataclasses.replace(spark, units=in_use.get(spark.name, "")) for spark in divergence]
    return [("Objective", objective), ("KL divergence", shown)]


def _spark(title: str, history: History, terms: Sequence[str]) -> Spark:
    """Draw the sum of some terms of a training."""
    lines = _lines(history, terms, _POINTS // 4)
    finite = [value for line in lines[-1:] for value in line.y if math.isfinite(value)]
    last = number(finite[-1]) if finite else ""
    return Spark(history.name, last, sparkline(f"{title} of {history.name}", lines))


def _is_kl(term: str) -> bool:
    return term == "kl" or term.startswith(_GROUP)


def _groups(histories: Sequence[History]) -> list[str]:
    """Return the names of the groups of latents that have a KL term of their own (`kl/<group>`), in their order."""
    terms = (term for history in histories for term in _terms(history) if term.startswith(_GROUP))
    return [term.removeprefix(_GROUP) for term in dict.fromkeys(terms)]


def _divergences(histories: Sequence[History]) -> Iterator[Divergence]:
    """Yield the KL divergence of each group in every training that has any."""
    groups = _groups(histories)
    for history in histories:
        kept = _kept(history)
        nats = [float(kept.get(_GROUP + group, math.nan)) for group in groups]
        if any(math.isfinite(value) for value in nats):
            shown = [max(0.0, value) if math.isfinite(value) else 0.0 for value in nats]
            yield Divergence(
                history.name,
                [f"{value:,.1f}" if math.isfinite(value) else "" for value in nats],
                [100 * value / (sum(shown) or 1.0) for value in shown],
            )


def _kept(history: History) -> Mapping[str, float]:
    """Return the validation terms where they are best together, as of the weights that are kept, or the last terms."""
    validated = [row["validation"] for row in history.rows if row.get("validation")]
    if validated:
        kept: Mapping[str, float] = min(validated, key=lambda terms: sum(terms.values()))
        return kept
    return history.rows[-1].get("train") or {} if history.rows else {}


def _terms(history: History) -> list[str]:
    """Return the terms of the objective: those that are validated, or all."""
    last = history.rows[-1] if history.rows else {}
    return list(last.get("validation") or last.get("train") or {})


def _lines(history: History, terms: Sequence[str], most: int) -> list[Line]:
    """Return the curves of the sum of some terms: training, and validation where there is one (last)."""
    lines = []
    stride = -(-len(history.rows) // most) or 1
    rows = history.rows[::-1][::stride][::-1]  # with the last one
    for part, name, style in (("train", "training", "train"), ("validation", "validation", "val")):
        values = [sum(float(row.get(part, {}).get(term, math.nan)) for term in terms) for row in rows]
        if terms and any(math.isfinite(value) for value in values):
            lines.append(Line(name, [float(row["step"]) for row in rows], values, style))
    return lines


def _titled(term: str) -> str:
    if term.startswith(_GROUP):
        return f"KL divergence of group {term.removeprefix(_GROUP)}"
    names = {"kl": "KL divergence"}
    return names.get(term, term[:1].upper() + term[1:])

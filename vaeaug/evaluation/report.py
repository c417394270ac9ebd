"""`report.html`: one self-contained page that shows what was added, what it looks like, and how training went."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from vaeaug import __version__
from vaeaug.disk import write_atomic
from vaeaug.evaluation.chart import Line, line_chart, number, sparkline
from vaeaug.evaluation.contact_strips import contact_entries
from vaeaug.evaluation.dropped import dropped_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from markupsafe import Markup

    from vaeaug.evaluation.strip import ContactRow
    from vaeaug.export.card import ClassCount

_POINTS = 240
"""Most points of a curve; of a longer history every n-th row is drawn, and the last."""

_GROUP = "kl/"
"""What the KL term of one of several groups of latents begins with (`Encoded.penalties`)."""

_MANY = 16
"""From so many classes on, tables of them are folded away."""


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
class ReportData:
    """What the page says.

    Attributes:
        title: the name of the output.
        summary: the result in one sentence.
        counts: one a class.
        contact: images of each class; a class may be missing.
        histories: one a training; several with one network a class.
        units: name of a training -> (active, all) latent dimensions.
        facts: short figures for the top of the page: name -> value.
        dropped: class -> why samples were dropped -> how many.
        settings: how it was made: name -> value.
        command: the command that made it.
        warnings: what the user should look at, each a sentence.
    """

    title: str
    summary: str
    counts: Sequence[ClassCount]
    contact: Sequence[ContactRow] = ()
    histories: Sequence[History] = ()
    units: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)
    dropped: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    command: str | None = None
    warnings: Sequence[str] = ()


def write_report(path: Path, data: ReportData) -> None:
    """Write the page; it loads nothing, runs no script, and the same data give the same bytes.

    Args:
        path: the file.
        data: what it says. Any class name is shown as it is: nothing in it becomes markup.
    """
    environment = Environment(
        loader=PackageLoader("vaeaug.evaluation", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("report.html.jinja").render(
        data=data,
        real=sum(count.real for count in data.counts),
        synthetic=sum(count.synthetic for count in data.counts),
        held_out=[split for split in ("val", "test") if any(getattr(count, split) for count in data.counts)],
        largest=max((count.real + count.synthetic for count in data.counts), default=1) or 1,
        contact=list(contact_entries(data.contact)),
        charts=list(_charts(data.histories[0])) if len(data.histories) == 1 else [],
        sparks=list(_sparks(data)) if len(data.histories) > 1 else [],
        groups=_groups(data.histories),
        divergences=list(_divergences(data.histories)),
        dropped=dropped_table(data.dropped, {count.label: count.synthetic for count in data.counts}),
        many=len(data.counts) >= _MANY,
        version=__version__,
    )
    write_atomic(path, page.encode(errors="backslashreplace"))


def _charts(history: History) -> Iterator[tuple[str, Markup]]:
    """Yield (title, drawing): the objective first, then its terms where there are several."""
    terms = _terms(history)
    if not terms:
        return
    wanted = [("Objective", terms), *((_titled(term), [term]) for term in terms if len(terms) > 1)]
    for title, summed in wanted:
        yield title, line_chart(f"{title}, nats an image", _lines(history, summed, _POINTS), x_label="steps")


def _sparks(data: ReportData) -> Iterator[tuple[str, str, Markup]]:
    """Yield (name, last value and units in use, drawing) of the objective of every training."""
    for history in data.histories:
        lines = _lines(history, _terms(history), _POINTS // 4)
        finite = [value for line in lines[-1:] for value in line.y if math.isfinite(value)]
        facts = [number(finite[-1])] if finite else []
        if history.name in data.units:
            facts.append("{} of {} units".format(*data.units[history.name]))
        yield history.name, ", ".join(facts), sparkline(f"Objective of {history.name}", lines)


@dataclass(frozen=True, slots=True)
class _Divergence:
    """How much of an image each group of latents holds, in one training.

    Attributes:
        name: what was trained.
        values: the KL divergence of each group in nats, as text; empty where it has none.
        shares: each of all together, in percent.
    """

    name: str
    values: Sequence[str]
    shares: Sequence[float]


def _groups(histories: Sequence[History]) -> list[str]:
    """Return the names of the groups of latents that have a KL term of their own (`kl/<group>`), in their order."""
    terms = (term for history in histories for term in _terms(history) if term.startswith(_GROUP))
    return [term.removeprefix(_GROUP) for term in dict.fromkeys(terms)]


def _divergences(histories: Sequence[History]) -> Iterator[_Divergence]:
    """Yield the KL divergence of each group in every training that has any."""
    groups = _groups(histories)
    for history in histories:
        kept = _kept(history)
        nats = [float(kept.get(_GROUP + group, math.nan)) for group in groups]
        if any(math.isfinite(value) for value in nats):
            shown = [max(0.0, value) if math.isfinite(value) else 0.0 for value in nats]
            yield _Divergence(
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

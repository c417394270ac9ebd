"""`report.html` of `evaluate`: one self-contained page that says whether synthetic images help, and what they are like.

What it shows is measured elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from vaeaug import __version__
from vaeaug.disk import write_atomic
from vaeaug.evaluation.contact_strips import contact_entries
from vaeaug.evaluation.dot_plot import DotScale, difference_plot, dot_plot
from vaeaug.evaluation.dropped import dropped_table
from vaeaug.evaluation.gallery import Picture, embedded_picture
from vaeaug.evaluation.scatter import ScatterPanel, scatter_panels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from vaeaug.evaluation.embedding_map import EmbeddingMap
    from vaeaug.evaluation.fidelity import FidelityReport
    from vaeaug.evaluation.memorisation import Memorisation
    from vaeaug.evaluation.strip import ContactRow
    from vaeaug.export.card import ClassCount

PAIR_SHOWN_AT = 72
"""CSS pixels at which the longer side of an image of a pair is shown."""

_MANY = 16
"""From so many classes on, tables by class are folded away."""


@dataclass(frozen=True, slots=True)
class Score:
    """A figure in [0, 1] and its 95 % interval.

    Attributes:
        mean: over seeds.
        half: half the width of the interval; 0 where there is none.
    """

    mean: float
    half: float = 0.0


@dataclass(frozen=True, slots=True)
class ArmRow:
    """How well classifiers did that were trained in one way.

    Attributes:
        name: what they were trained on, in words.
        scores: measure -> figure, the same measures in every row; the first is drawn.
        runs: the first measure of every seed, in [0, 1].
        compared: whether the verdict is about it.
    """

    name: str
    scores: Mapping[str, Score]
    runs: Sequence[float]
    compared: bool = False


@dataclass(frozen=True, slots=True)
class RecallRow:
    """What the synthetic images do to one class.

    Attributes:
        label: the class.
        images: its test images.
        before: mean recall without them, in [0, 1].
        after: with them.
        half: half the 95 % interval of the change; 0 where there is none.
    """

    label: str
    images: int
    before: float
    after: float
    half: float = 0.0


@dataclass(frozen=True, slots=True)
class PairPicture:
    """A synthetic image beside the nearest real training image.

    Attributes:
        label: the synthetic image's class.
        synthetic_HWC: uint8, C = 1 or 3.
        real_HWC: likewise.
        real_name: what the real image is called, its file or its class.
        distance: as a share of the distance below which it counts as a near copy.
    """

    label: str
    synthetic_HWC: NDArray[np.uint8]
    real_HWC: NDArray[np.uint8]
    real_name: str
    distance: float


@dataclass(frozen=True, slots=True)
class EvaluationPage:
    """What the page says. What is empty or None is left out.

    Attributes:
        title: the name of what was evaluated.
        verdict: the answer in one sentence.
        decision: the same in a word, which colours it: `helps`, `harms`, `does not help` or `undecided`.
        method: how that was found out, in a sentence or two: seeds, test images, folds.
        facts: short figures for the top of the page: name -> value.
        arms: one a way of training, in the order they are shown in.
        recall: one a class that has test images.
        recall_of: what `before` and `after` of those are, as the arms are called.
        fidelity: how alike real and synthetic images are.
        memorisation: how many are copies.
        pairs: the nearest pairs, nearest first.
        samples: some synthetic images of each class, not chosen by looks; as `real`, the nearest real image to each.
        map: real and synthetic images in the plane.
        counts: images of each class.
        dropped: class -> why samples were dropped when they were made -> how many.
        settings: how it was evaluated: name -> value.
        command: the command that did.
        warnings: what the user should look at, each a sentence.
    """

    title: str
    verdict: str
    decision: str
    method: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    arms: Sequence[ArmRow] = ()
    recall: Sequence[RecallRow] = ()
    recall_of: tuple[str, str] = ("without", "with")
    fidelity: FidelityReport | None = None
    memorisation: Memorisation | None = None
    pairs: Sequence[PairPicture] = ()
    samples: Sequence[ContactRow] = ()
    map: EmbeddingMap | None = None
    counts: Sequence[ClassCount] = ()
    dropped: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    command: str | None = None
    warnings: Sequence[str] = ()


def write_evaluation_page(path: Path, data: EvaluationPage) -> None:
    """Write the page; it loads nothing, runs no script, and the same data give the same bytes.

    Args:
        path: the file.
        data: what it says. Any name is shown as it is: nothing in it becomes markup.
    """
    environment = Environment(
        loader=PackageLoader("vaeaug.evaluation", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(fixed=_fixed, percent=_percent, titled=_titled, typeset=_typeset)
    arms = _scale(data.arms)
    page = environment.get_template("evaluation.html.jinja").render(
        data=data,
        tone=_TONES.get(data.decision, "undecided"),
        measures=list(data.arms[0].scores) if data.arms else [],
        arms=[(row, dot_plot(row.runs, *_first(row), arms)) for row in data.arms],
        arms_axis=arms.axis() if data.arms else "",
        recall=list(_recall(data.recall)),
        alike=_alike(data.fidelity),
        copies=_copies(data.memorisation),
        pairs=[_pair(pair) for pair in data.pairs],
        samples=list(contact_entries(data.samples)),
        panels=_panels(data.map),
        largest=max((count.real + count.synthetic for count in data.counts), default=1) or 1,
        dropped=dropped_table(data.dropped, {count.label: count.synthetic for count in data.counts}),
        many=max(len(data.counts), len(data.recall)) >= _MANY,
        version=__version__,
    )
    write_atomic(path, page.encode(errors="backslashreplace"))


_TONES = {"helps": "good", "harms": "bad", "does not help": "bad", "undecided": "undecided"}


def _first(row: ArmRow) -> tuple[float, float]:
    score = next(iter(row.scores.values()))
    return score.mean, score.half


def _scale(arms: Sequence[ArmRow]) -> DotScale:
    """Return a scale that holds every run and interval of all arms."""
    values = [value for row in arms for value in row.runs]
    ends = [mean + sign * half for mean, half in map(_first, arms) for sign in (-1, 1)]
    return DotScale.around([*values, *ends])


def _recall(rows: Sequence[RecallRow]) -> Iterator[tuple[RecallRow, str]]:
    """Yield classes, the one that gains most first, each with a drawing of its change."""
    shown = [row for row in rows if math.isfinite(row.after - row.before)]
    changes = [abs(row.after - row.before) for row in shown]
    # Of few test images an interval may be wider than all that can be: half of the classes set the scale, not one.
    widest = np.median([change + row.half for change, row in zip(changes, shown, strict=True)]) if shown else 0.0
    reach = max(*changes, float(widest)) if shown else 0.0
    for row in sorted(shown, key=lambda row: row.before - row.after):
        yield row, difference_plot(row.after - row.before, row.half, reach)


def _alike(report: FidelityReport | None) -> list[dict[str, object]]:
    """Return the rows of the table of fidelity: all together, held-out real images, and each class."""
    if report is None:
        return []
    rows = [("all classes", "overall", report.overall)]
    rows += [("held-out real images", "yardstick", report.held_out)] if report.held_out else []
    rows += [(label, "", part) for label, part in report.by_class.items()]
    return [{"label": label, "kind": kind, "of": part} for label, kind, part in rows]


def _copies(memorisation: Memorisation | None) -> list[dict[str, object]]:
    """Return the rows of the table of copies, likewise."""
    if memorisation is None:
        return []
    rows = [("all classes", "overall", memorisation.overall)]
    rows += [("held-out real images", "yardstick", memorisation.held_out)] if memorisation.held_out else []
    rows += [(label, "", part) for label, part in memorisation.by_class.items()]
    return [{"label": label, "kind": kind, "of": part} for label, kind, part in rows]


def _pair(pair: PairPicture) -> dict[str, object]:
    pictures = [Picture("synthetic", pair.synthetic_HWC), Picture("real", pair.real_HWC)]
    return {
        "label": pair.label,
        "real_name": pair.real_name,
        "distance": pair.distance,
        "pictures": [embedded_picture(picture, pair.label, PAIR_SHOWN_AT) for picture in pictures],
    }


def _panels(shown: EmbeddingMap | None) -> list[ScatterPanel]:
    return [] if shown is None else scatter_panels(shown)


def _fixed(value: float | None, digits: int) -> str:
    """Return a figure with so many digits after the point, or a dash where there is none."""
    return "-" if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _titled(text: str) -> str:
    """Return a text with a capital at its beginning, and no other letter changed."""
    return text[:1].upper() + text[1:]


def _typeset(text: str) -> str:
    """Return a sentence whose figures are not broken between two lines."""
    return text.replace("+- ", "\N{PLUS-MINUS SIGN}\N{NO-BREAK SPACE}").replace(" %", "\N{NO-BREAK SPACE}%")

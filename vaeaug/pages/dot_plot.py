"""Figures with intervals, a row each, as inline SVG that keeps its size of type at any width.

Places along a row are percentages, so nothing is distorted where a row is narrow; colours come from the page's style.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from vaeaug.pages.charts import ticks

_HEIGHT = 26
_MARGIN = 0.06  # of the range, on either side, so that no dot is cut


@dataclass(frozen=True, slots=True)
class DotScale:
    """What the rows of a plot share.

    Attributes:
        low: the value at the left edge.
        high: at the right edge.
    """

    low: float
    high: float

    @classmethod
    def around(cls, values: Sequence[float]) -> DotScale:
        """Return a scale that holds some values in [0, 1]."""
        low, high = min(values, default=0.0), max(values, default=1.0)
        room = _MARGIN * (high - low) or 0.01
        return cls(low - room, high + room)

    def place(self, value: float) -> float:
        """Return where a value stands, in percent of the width."""
        return 100 * (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Return a few round values, in percent as they are written."""
        return ticks(100 * self.low, 100 * self.high, 4)

    def axis(self) -> Markup:
        """Return the numbers below the rows, one a line; at an end one may stand out by half its width."""
        text = Markup('<text x="{:.2f}%" y="11" text-anchor="middle">{:g}</text>')
        words = Markup("").join(text.format(self.place(value / 100), round(value, 6)) for value in self.ticks())
        return Markup('<svg class="axis" height="14" aria-hidden="true">{}</svg>').format(words)


def dot_plot(runs: Sequence[float], mean: float, half: float, scale: DotScale) -> Markup:
    """Draw one row: a small dot a run, the mean, and its interval.

    Args:
        runs: values in [0, 1].
        mean: of them.
        half: half the width of the interval; 0 for none.
        scale: of all rows.
    """
    middle = _HEIGHT / 2
    parts = _grid(scale)
    parts += [Markup('<circle class="run" cx="{:.2f}%" cy="{}" r="3"/>').format(scale.place(v), middle) for v in runs]
    parts.append(_interval(scale.place(mean - half), scale.place(mean + half), middle) if half else Markup(""))
    parts.append(Markup('<circle class="mean" cx="{:.2f}%" cy="{}" r="5"/>').format(scale.place(mean), middle))
    spoken = f"{100 * mean:.1f} percent" + (f", 95 % interval of plus or minus {100 * half:.1f}" if half else "")
    return _svg(spoken, parts)


def difference_plot(difference: float, half: float, reach: float) -> Markup:
    """Draw a difference from 0, which stands in the middle, and its interval.

    Args:
        difference: in [-1, 1].
        half: half the width of the interval; 0 for none.
        reach: what is at either end; what lies beyond is cut.
    """
    scale = DotScale.around([-reach, reach])
    zero, end = scale.place(0), scale.place(difference)
    kind = "gain" if difference >= 0 else "loss"
    middle = _HEIGHT / 2
    bar = Markup('<rect class="{}" x="{:.2f}%" y="{}" width="{:.2f}%" height="8"/>')
    parts = [
        Markup('<line class="zero" x1="50%" x2="50%" y1="0" y2="{}"/>').format(_HEIGHT),
        bar.format(kind, min(zero, end), middle - 4, abs(end - zero)),
        _interval(scale.place(difference - half), scale.place(difference + half), middle) if half else Markup(""),
    ]
    return _svg(f"{100 * difference:+.1f} points", parts)


def _grid(scale: DotScale) -> list[Markup]:
    line = Markup('<line class="grid" x1="{0:.2f}%" x2="{0:.2f}%" y1="0" y2="{1}"/>')
    return [line.format(scale.place(value / 100), _HEIGHT) for value in scale.ticks()]


def _interval(start: float, end: float, y: float) -> Markup:
    line = Markup('<line class="interval" x1="{:.2f}%" x2="{:.2f}%" y1="{}" y2="{}"/>')
    ends = [line.format(x, x, y - 4, y + 4) for x in (start, end) if 0 <= x <= 100]
    return Markup("").join([line.format(max(start, 0), min(end, 100), y, y), *ends])


def _svg(spoken: str, parts: Sequence[Markup]) -> Markup:
    opening = Markup('<svg class="dots" height="{}" role="img" aria-label="{}">').format(_HEIGHT, spoken)
    return Markup("").join([opening, *parts, Markup("</svg>")])

"""Line charts as inline SVG: no script, no network; colours are those of the page, so that dark mode works."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

_MANY = 40
"""Points from which on the first ones may lie above the frame."""


@dataclass(frozen=True, slots=True)
class Line:
    """One curve.

    Attributes:
        name: its name in the legend.
        x: positions, ascending.
        y: values; one that is not finite leaves a gap.
        style: "train" or "val"; the CSS class is `line-<style>`.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    style: str


@dataclass(frozen=True, slots=True)
class ChartSize:
    """The size of a chart in CSS pixels, and about how many ticks its axes have."""

    width: int
    height: int
    x_ticks: int
    y_ticks: int


LARGE, SMALL = ChartSize(380, 250, 5, 5), ChartSize(270, 180, 3, 3)


def line_chart(title: str, lines: Sequence[Line], *, x_label: str, y_label: str, size: ChartSize = LARGE) -> Markup:
    """Draw curves with labelled axes and a legend.

    Of curves with many points, the upper edge is chosen without the first twentieth of the steps, whose values would
    flatten all that follows; there the curves leave the frame.

    Args:
        title: what is shown, for screen readers.
        lines: the curves; if they have no point, a sentence says so.
        x_label: the name of the horizontal axis.
        y_label: the name of the vertical axis, with its unit.
        size: of the drawing.
    """
    frame = _Frame.around(lines, left=58, top=26, right=size.width - 10, bottom=size.height - 38)
    if frame is None:
        return Markup('<p class="muted">No values were recorded.</p>')
    parts = [_svg_open(size, _spoken(title, lines)), *_legend(lines, frame), *_axes(frame, size)]
    parts += [
        Markup('<text class="label" x="{:.0f}" y="{}" text-anchor="middle">{}</text>').format(
            (frame.left + frame.right) / 2, size.height - 4, x_label
        ),
        Markup(
            '<text class="label" transform="translate(12 {:.0f}) rotate(-90)" text-anchor="middle">{}</text>'
        ).format((frame.top + frame.bottom) / 2, y_label),
    ]
    # Where curves leave the frame, they are cut off by a nested drawing.
    inner = Markup('<svg x="{0}" y="{1}" width="{2}" height="{3}" viewBox="{0} {1} {2} {3}">').format(
        frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top
    )
    return Markup("").join([*parts, inner, *(_curve(line, frame) for line in lines), Markup("</svg></svg>")])


def _legend(lines: Sequence[Line], frame: _Frame) -> Iterator[Markup]:
    """Yield a short piece of each line and its name, side by side above the frame."""
    x = frame.left
    for line in lines:
        yield Markup('<path class="line line-{}" d="M{:.0f} 12h18"/><text x="{:.0f}" y="16">{}</text>').format(
            line.style, x, x + 23, line.name
        )
        x += 40 + 7 * len(line.name)


def _axes(frame: _Frame, size: ChartSize) -> Iterator[Markup]:
    """Yield the ticks with their numbers, and the two axes."""
    values = ticks(*frame.y_range, size.y_ticks)
    for value, text in zip(values, tick_texts(values), strict=True):
        y = frame.y(value)
        yield Markup('<path class="grid" d="M{} {:.1f}H{}"/>').format(frame.left, y, frame.right)
        yield Markup('<text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(frame.left - 6, y + 4, text)
    values = ticks(*frame.x_range, size.x_ticks)
    for value, text in zip(values, tick_texts(values), strict=True):
        x = frame.x(value)
        yield Markup('<path class="axis" d="M{:.1f} {}v4"/>').format(x, frame.bottom)
        anchor = "end" if x > frame.right - 8 else "middle"
        yield Markup('<text x="{:.1f}" y="{}" text-anchor="{}">{}</text>').format(x, frame.bottom + 17, anchor, text)
    yield Markup('<path class="axis" d="M{0} {1}V{2}H{3}"/>').format(frame.left, frame.top, frame.bottom, frame.right)


def number(value: float) -> str:
    """Return a number with three digits, thousands as k."""
    if abs(value) >= 10_000:
        return f"{value / 1000:.3g}k"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def tick_texts(values: Sequence[float]) -> list[str]:
    """Return the numbers at ticks with as many decimals as tell them apart, thousands as k."""
    if len(values) < 2:
        return [f"{value:.10g}" for value in values]
    step, largest = values[1] - values[0], max(map(abs, values))
    scale, unit = (1000, "k") if largest >= 10_000 and step >= 10 else (1, "")
    decimals = max(0, -math.floor(math.log10(step / scale) + 1e-9))
    if decimals > 4:
        return [f"{value:.{2 + math.floor(math.log10(largest / step))}g}" for value in values]
    return [f"{value / scale:z.{decimals}f}{unit}" for value in values]


@dataclass(frozen=True, slots=True)
class _Frame:
    """The mapping from values to the drawing."""

    left: float
    top: float
    right: float
    bottom: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    @classmethod
    def around(cls, lines: Sequence[Line], left: float, top: float, right: float, bottom: float) -> _Frame | None:
        points = [point for line in lines for point in zip(line.x, line.y, strict=True) if math.isfinite(point[1])]
        if not points:
            return None
        first, last = min(x for x, _ in points), max(x for x, _ in points)
        low = min(y for _, y in points)
        skipped = 0.05 * (last - first) if len(points) >= _MANY else 0
        high = max(y for x, y in points if x >= first + skipped)
        room = 0.06 * (high - low) or max(abs(high) * 0.1, 0.5)
        end = last if last > first else first + 1
        return cls(left, top, right, bottom, (first, end), (low - room, high + room))

    def x(self, value: float) -> float:
        first, last = self.x_range
        return self.left + (value - first) / (last - first) * (self.right - self.left)

    def y(self, value: float) -> float:
        low, high = self.y_range
        # A point above the frame is kept near it: renderers lose precision with far coordinates.
        return max(self.top - 1000, self.bottom - (value - low) / (high - low) * (self.bottom - self.top))


def ticks(low: float, high: float, about: int) -> list[float]:
    """Return about that many round numbers between `low` and `high`."""
    rough = (high - low) / about
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    start = math.ceil(low / step)
    return [index * step for index in range(start, math.floor(high / step) + 1)]


def _curve(line: Line, frame: _Frame) -> Markup:
    """Return a curve with its gaps, or a dot if it is a single point."""
    commands, pen_down = [], False
    for x, y in zip(line.x, line.y, strict=True):
        if not math.isfinite(y):
            pen_down = False
            continue
        commands.append(f"{'L' if pen_down else 'M'}{frame.x(x):.1f} {frame.y(y):.1f}")
        pen_down = True
    if not commands:
        return Markup("")
    dot = "h0" if len(commands) == 1 else ""
    return Markup('<path class="line line-{}{}" d="{}"/>').format(
        line.style, " dot" if dot else "", "".join(commands) + dot
    )


def _svg_open(size: ChartSize, spoken: str) -> Markup:
    return Markup(
        '<svg class="chart" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img" aria-label="{2}">'
    ).format(size.width, size.height, spoken)


def _spoken(title: str, lines: Sequence[Line]) -> str:
    """Return the first and last value of each curve, for screen readers."""
    ends = []
    for line in lines:
        finite = [value for value in line.y if math.isfinite(value)]
        if finite:
            ends.append(f"{line.name} from {number(finite[0])} to {number(finite[-1])}")
    return str(escape(f"{title}: {'; '.join(ends)}").unescape())

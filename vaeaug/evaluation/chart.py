"""Line charts as inline SVG: no script, no network, and colours from the page's style, so that dark mode works."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True, slots=True)
class Line:
    """One curve.

    Attributes:
        name: what it is; the class of its colour is `line-<style>`.
        x: positions, ascending.
        y: values; one that is not finite leaves a gap.
        style: "train" or "val".
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    style: str


def line_chart(title: str, lines: Sequence[Line], *, x_label: str, width: int = 420, height: int = 220) -> Markup:
    """Draw curves with axes.

    The upper edge is chosen without the first twentieth of the steps, whose values would flatten all that follows;
    there the curves leave the frame.

    Args:
        title: what is shown, with its unit.
        lines: the curves; without any point a note is drawn.
        x_label: what the positions are.
        width: of the drawing, in its own units; it is as wide as its place.
        height: the same.
    """
    frame = _Frame.around(lines, left=52, top=12, right=width - 12, bottom=height - 38)
    if frame is None:
        return Markup('<p class="muted">Nothing was recorded.</p>')
    parts = [_svg_open(width, height, _spoken(title, lines), "chart")]
    for value in frame.y_ticks():
        y = frame.y(value)
        parts.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(frame.left, frame.right, y, y)
        )
        parts.append(Markup('<text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(46, y + 4, number(value)))
    for value in frame.x_ticks():
        text = Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>')
        parts.append(text.format(frame.x(value), height - 20, number(value)))
    parts.append(Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(frame.right, height - 4, x_label))
    parts += [_path(line, frame) for line in lines]
    return Markup("").join([*parts, Markup("</svg>")])


def sparkline(title: str, lines: Sequence[Line], *, width: int = 150, height: int = 40) -> Markup:
    """Draw curves without axes, small enough for a hundred on a page."""
    frame = _Frame.around(lines, left=1, top=3, right=width - 1, bottom=height - 3)
    if frame is None:
        return Markup("")
    opening = _svg_open(width, height, _spoken(title, lines), "spark")
    return Markup("").join([opening, *(_path(line, frame) for line in lines), Markup("</svg>")])


def number(value: float) -> str:
    """Return a number as a chart shows it: three digits, thousands as k."""
    if abs(value) >= 10_000:
        return f"{value / 1000:.3g}k"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


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
        high = max(y for x, y in points if x >= first + 0.05 * (last - first))
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

    def x_ticks(self) -> list[float]:
        return ticks(*self.x_range, 5)

    def y_ticks(self) -> list[float]:
        return ticks(*self.y_range, 4)


def ticks(low: float, high: float, about: int) -> list[float]:
    """Return about that many round numbers between `low` and `high`."""
    rough = (high - low) / about
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    start = math.ceil(low / step)
    return [index * step for index in range(start, math.floor(high / step) + 1)]


def _path(line: Line, frame: _Frame) -> Markup:
    """Return a curve, cut at the upper edge of the frame."""
    commands, pen_down = [], False
    for x, y in zip(line.x, line.y, strict=True):
        if not math.isfinite(y):
            pen_down = False
            continue
        commands.append(f"{'L' if pen_down else 'M'}{frame.x(x):.1f} {frame.y(y):.1f}")
        pen_down = True
    if not commands:
        return Markup("")
    return Markup('<path class="line line-{}" d="{}"/>').format(line.style, "".join(commands))


def _svg_open(width: int, height: int, spoken: str, kind: str) -> Markup:
    return Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(kind, width, height, spoken)


def _spoken(title: str, lines: Sequence[Line]) -> str:
    """Return what a screen reader says instead of the drawing."""
    ends = []
    for line in lines:
        finite = [value for value in line.y if math.isfinite(value)]
        if finite:
            ends.append(f"{line.name} from {number(finite[0])} to {number(finite[-1])}")
    return str(escape(f"{title}: {'; '.join(ends)}").unescape())

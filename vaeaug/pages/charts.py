"""Charts as inline SVG without scripts: curves, dots with intervals, and scatter plots.

Colours come from the style sheet of the page, so that charts follow the dark mode.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

if TYPE_CHECKING:
    from vaeaug.evaluation.embedding_map import EmbeddingMap

_MIN_POINTS_TO_SKIP_START = 40
"""Number of points from which on the first ones may lie above the frame of a line chart."""

_DOT_HEIGHT = 26
_DOT_MARGIN = 0.06
"""Margin on each side of a dot plot, as a fraction of its range, so that no dot is clipped."""

MAP_SIDE = 300
"""Width and height of a scatter plot, in units of its drawing."""

MAX_PANELS = 24
"""Maximum number of classes with a scatter plot of their own: the first ones."""

_MAP_EDGE = 8
_OUTSIDE_FRACTION = 0.002
"""Fraction of the points that may be outside the frame on each side: one outlier would squeeze all others."""

_DOT_ROW = Markup('class="dots" height="{}"').format(_DOT_HEIGHT)
_MAP = Markup('class="map" viewBox="0 0 {0} {0}"').format(MAP_SIDE)


@dataclass(frozen=True, slots=True)
class Line:
    """One curve.

    Attributes:
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
    """The size of a line chart in CSS pixels, and the approximate number of ticks on its axes."""

    width: int
    height: int
    x_ticks: int
    y_ticks: int


LARGE, SMALL = ChartSize(380, 250, 5, 5), ChartSize(270, 180, 3, 3)


def line_chart(title: str, lines: Sequence[Line], *, x_label: str, y_label: str, size: ChartSize = LARGE) -> Markup:
    """Draw curves with labelled axes and a legend; without any finite value, a sentence.

    If there are many points, the first 5 % of the horizontal range does not affect the vertical scale, because high
    initial values would flatten the rest; there the curves may leave the frame.
    """
    frame = _Frame.around(lines, left=58, top=26, right=size.width - 10, bottom=size.height - 38)
    if frame is None:
        return Markup('<p class="muted">No values were recorded.</p>')
    parts = [*_legend(lines, frame), *_axes(frame, size)]
    parts += [
        Markup('<text class="label" x="{:.0f}" y="{}" text-anchor="middle">{}</text>').format(
            (frame.left + frame.right) / 2, size.height - 4, x_label
        ),
        Markup(
            '<text class="label" transform="translate(12 {:.0f}) rotate(-90)" text-anchor="middle">{}</text>'
        ).format((frame.top + frame.bottom) / 2, y_label),
    ]
    # The nested drawing clips curves that leave the frame.
    inner = Markup('<svg x="{0}" y="{1}" width="{2}" height="{3}" viewBox="{0} {1} {2} {3}">').format(
        frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top
    )
    parts += [inner, *(_curve(line, frame) for line in lines), Markup("</svg>")]
    attributes = Markup('class="chart" width="{0}" height="{1}" viewBox="0 0 {0} {1}"').format(size.width, size.height)
    return _svg(attributes, _aria_label(title, lines), parts)


def _legend(lines: Sequence[Line], frame: _Frame) -> Iterator[Markup]:
    """Yield a sample of each line with its name, side by side above the frame."""
    x = frame.left
    for line in lines:
        yield Markup('<path class="line line-{}" d="M{:.0f} 12h18"/><text x="{:.0f}" y="16">{}</text>').format(
            line.style, x, x + 23, line.name
        )
        x += 40 + 7 * len(line.name)


def _axes(frame: _Frame, size: ChartSize) -> Iterator[Markup]:
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


def _aria_label(title: str, lines: Sequence[Line]) -> str:
    """Return the first and last value of each curve, for screen readers."""
    ends = []
    for line in lines:
        finite = [value for value in line.y if math.isfinite(value)]
        if finite:
            ends.append(f"{line.name} from {number(finite[0])} to {number(finite[-1])}")
    return f"{title}: {'; '.join(ends)}"


def number(value: float) -> str:
    """Return a number with three significant digits, from 10,000 on in thousands (`12.3k`)."""
    if abs(value) >= 10_000:
        return f"{value / 1000:.3g}k"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def tick_texts(values: Sequence[float]) -> list[str]:
    """Return the numbers at ticks, with enough decimals to distinguish them and large ones in thousands (`12k`)."""
    if len(values) < 2:
        return [f"{value:.10g}" for value in values]
    step, largest = values[1] - values[0], max(map(abs, values))
    scale, unit = (1000, "k") if largest >= 10_000 and step >= 10 else (1, "")
    decimals = max(0, -math.floor(math.log10(step / scale) + 1e-9))
    if decimals > 4:
        return [f"{value:.{2 + math.floor(math.log10(largest / step))}g}" for value in values]
    return [f"{value / scale:z.{decimals}f}{unit}" for value in values]


def ticks(low: float, high: float, count: int) -> list[float]:
    """Return about `count` round numbers between `low` and `high`."""
    rough = (high - low) / count
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    start = math.ceil(low / step)
    return [index * step for index in range(start, math.floor(high / step) + 1)]


@dataclass(frozen=True, slots=True)
class _Frame:
    """The mapping from values to CSS pixels of a line chart."""

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
        skipped = 0.05 * (last - first) if len(points) >= _MIN_POINTS_TO_SKIP_START else 0
        high = max(y for x, y in points if x >= first + skipped)
        margin = 0.06 * (high - low) or max(abs(high) * 0.1, 0.5)
        end = last if last > first else first + 1
        return cls(left, top, right, bottom, (first, end), (low - margin, high + margin))

    def x(self, value: float) -> float:
        first, last = self.x_range
        return self.left + (value - first) / (last - first) * (self.right - self.left)

    def y(self, value: float) -> float:
        low, high = self.y_range
        # A point above the frame is kept near it: renderers lose precision with far coordinates.
        return max(self.top - 1000, self.bottom - (value - low) / (high - low) * (self.bottom - self.top))


@dataclass(frozen=True, slots=True)
class DotScale:
    """The horizontal scale of a dot plot, in percent of the width, so that text keeps its size in narrow rows."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Sequence[float]) -> DotScale:
        """Return a scale that contains all values, with a margin."""
        low, high = min(values, default=0.0), max(values, default=1.0)
        margin = _DOT_MARGIN * (high - low) or 0.01
        return cls(low - margin, high + margin)

    def position(self, value: float) -> float:
        """Return the position of a value in percent of the width."""
        return 100 * (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Return a few round values, in percent."""
        return ticks(100 * self.low, 100 * self.high, 4)

    def axis(self) -> Markup:
        """Return the axis below the rows: one number per grid line."""
        text = Markup('<text x="{:.2f}%" y="11" text-anchor="middle">{:g}</text>')
        words = Markup("").join(text.format(self.position(value / 100), round(value, 6)) for value in self.ticks())
        return Markup('<svg class="axis" height="14" aria-hidden="true">{}</svg>').format(words)


def dot_plot(runs: Sequence[float], mean: float, half_width: float, scale: DotScale) -> Markup:
    """Draw one row: a small dot per run in [0, 1], their mean, and its interval (`half_width` 0 for none)."""
    middle = _DOT_HEIGHT / 2
    parts = _grid(scale)
    parts += [
        Markup('<circle class="run" cx="{:.2f}%" cy="{}" r="3"/>').format(scale.position(v), middle) for v in runs
    ]
    parts.append(
        _interval(scale.position(mean - half_width), scale.position(mean + half_width), middle)
        if half_width
        else Markup("")
    )
    parts.append(Markup('<circle class="mean" cx="{:.2f}%" cy="{}" r="5"/>').format(scale.position(mean), middle))
    aria_label = f"{100 * mean:.1f} percent" + (
        f", 95 % interval of plus or minus {100 * half_width:.1f}" if half_width else ""
    )
    return _svg(_DOT_ROW, aria_label, parts)


def difference_plot(difference: float, half_width: float, reach: float) -> Markup:
    """Draw a difference in [-1, 1] as a bar from 0, which is in the middle, and its interval.

    Args:
        half_width: of the interval; 0 for none.
        reach: the value at the right end; the left end is its negative. Drawings are clipped there.
    """
    scale = DotScale.around([-reach, reach])
    zero, end = scale.position(0), scale.position(difference)
    kind = "gain" if difference >= 0 else "loss"
    middle = _DOT_HEIGHT / 2
    bar = Markup('<rect class="{}" x="{:.2f}%" y="{}" width="{:.2f}%" height="8"/>')
    parts = [
        Markup('<line class="zero" x1="50%" x2="50%" y1="0" y2="{}"/>').format(_DOT_HEIGHT),
        bar.format(kind, min(zero, end), middle - 4, abs(end - zero)),
        _interval(scale.position(difference - half_width), scale.position(difference + half_width), middle)
        if half_width
        else Markup(""),
    ]
    return _svg(_DOT_ROW, f"{100 * difference:+.1f} points", parts)


def _grid(scale: DotScale) -> list[Markup]:
    line = Markup('<line class="grid" x1="{0:.2f}%" x2="{0:.2f}%" y1="0" y2="{1}"/>')
    return [line.format(scale.position(value / 100), _DOT_HEIGHT) for value in scale.ticks()]


def _interval(start: float, end: float, y: float) -> Markup:
    line = Markup('<line class="interval" x1="{:.2f}%" x2="{:.2f}%" y1="{}" y2="{}"/>')
    ends = [line.format(x, x, y - 4, y + 4) for x in (start, end) if 0 <= x <= 100]
    return Markup("").join([line.format(max(start, 0), min(end, 100), y, y), *ends])


@dataclass(frozen=True, slots=True)
class ScatterPanel:
    """A scatter plot.

    Attributes:
        title: a class, or empty for all classes.
    """

    title: str
    drawing: Markup


def scatter_panels(embedding_map: EmbeddingMap) -> list[ScatterPanel]:
    """Return a panel of all classes and, if there are several, one per class with the others in the background."""
    project = _Plane(np.concatenate([embedding_map.real_N2, embedding_map.synthetic_M2]))
    real_N, synthetic_M = project(embedding_map.real_N2), project(embedding_map.synthetic_M2)
    label_text = f"{len(real_N):,} real and {len(synthetic_M):,} synthetic images of all classes"
    # The points of all real images are in the page once; the other panels refer to them as their background.
    everything = Markup('<g id="map-real">{}</g>').format(_points(real_N, "real"))
    panels = [ScatterPanel("", _svg(_MAP, label_text, [everything, _points(synthetic_M, "synthetic")]))]
    labels = np.unique(np.concatenate([embedding_map.real_labels_N, embedding_map.synthetic_labels_M]))
    if len(labels) < 2:
        return panels
    background = Markup('<use href="#map-real" class="background"/>')
    for label in labels[:MAX_PANELS]:
        class_N, class_M = (
            real_N[embedding_map.real_labels_N == label],
            synthetic_M[embedding_map.synthetic_labels_M == label],
        )
        name = embedding_map.classes[label]
        label_text = f"{len(class_N):,} real and {len(class_M):,} synthetic images of {name}"
        parts = [background, _points(class_N, "real"), _points(class_M, "synthetic")]
        panels.append(ScatterPanel(name, _svg(_MAP, label_text, parts)))
    return panels


class _Plane:
    """The mapping from the plane to a panel of a scatter plot."""

    def __init__(self, points_N2: NDArray[np.float64]) -> None:
        self._low_2, self._high_2 = np.quantile(points_N2, [_OUTSIDE_FRACTION, 1 - _OUTSIDE_FRACTION], axis=0)

    def __call__(self, points_N2: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return integer coordinates from the left and the top; points outside are moved to the edge."""
        span_2 = np.maximum(self._high_2 - self._low_2, np.finfo(np.float64).tiny)
        unit_N2 = np.clip((points_N2 - self._low_2) / span_2, 0, 1)
        unit_N2[:, 1] = 1 - unit_N2[:, 1]
        position_N2: NDArray[np.int64] = (_MAP_EDGE + unit_N2 * (MAP_SIDE - 2 * _MAP_EDGE)).round().astype(np.int64)
        return position_N2


def _points(points_N2: NDArray[np.int64], kind: str) -> Markup:
    """Return points as one path of zero-length lines, whose round ends are the dots: a few bytes per point."""
    path = "".join(f"M{x} {y}h0" for x, y in points_N2.tolist())
    return Markup('<path class="points {}" d="{}"/>').format(kind, path)


def _svg(attributes: Markup, aria_label: str, parts: Iterable[Markup]) -> Markup:
    """Return a drawing that screen readers read as one text."""
    opening = Markup('<svg {} role="img" aria-label="{}">').format(attributes, aria_label)
    return Markup("").join([opening, *parts, Markup("</svg>")])

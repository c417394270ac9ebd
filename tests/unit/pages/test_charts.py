"""Charts show their values at the right positions: curves, dots with intervals, and scatter plots."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vaeaug.evaluation.embedding_map import EmbeddingMap
from vaeaug.pages.charts import (
    MAP_SIDE,
    MAX_PANELS,
    SMALL,
    DotScale,
    Line,
    difference_plot,
    dot_plot,
    line_chart,
    scatter_panels,
    tick_texts,
    ticks,
)

CURVE = r'class="line line-train[^"]*" d="([^"]*)"/></svg>'


def chart(*lines: Line, **options: Any) -> str:
    return str(line_chart("Loss", lines, x_label="training step", y_label="nats per image", **options))


def test_values_that_are_not_finite_are_gaps() -> None:
    line = Line("training", [0, 1, 2, 3, 4], [1.0, 2.0, math.nan, math.inf, 3.0], "train")
    path = re.search(CURVE, chart(line))
    assert path is not None
    assert re.sub(r"[^ML]", "", path[1]) == "MLM"
    assert "nan" not in chart(line)
    assert "No values were recorded" in chart(Line("training", [0], [math.nan], "train"))


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0], [0.0, 0.0], [1e9, 1.0, 0.5], [-3.0, -4.0], [1e-12, 2e-12]])
@pytest.mark.parametrize("options", [{}, {"size": SMALL}])
def test_any_curve_fits_its_frame(values: list[float], options: dict[str, Any]) -> None:
    drawing = chart(Line("training", list(range(len(values))), values, "train"), **options)
    path = re.search(CURVE, drawing)
    width, height = (int(side) for side in re.findall(r'<svg class="chart" width="(\d+)" height="(\d+)"', drawing)[0])
    assert path is not None
    points = [tuple(map(float, point.split())) for point in re.split("[ML]", path[1].removesuffix("h0"))[1:]]
    assert len(points) == len(values)
    assert all(58 <= x <= width - 10 for x, _ in points)
    assert all(y <= height - 37.99 for _, y in points)
    assert points[-1][1] >= 26
    assert ("h0" in path[1]) == (len(values) == 1)  # a single point is a dot


def test_a_chart_has_labelled_axes_and_a_legend() -> None:
    steps = [0, 500, 1000]
    lines = (Line("training", steps, [3.5, 3, 1], "train"), Line("validation", steps, [3, 2.5, 2], "val"))
    drawing = chart(*lines)
    words = re.findall(r"<text[^>]*>([^<]*)</text>", drawing)
    assert words[:2] == ["training", "validation"]
    assert words[-2:] == ["training step", "nats per image"]
    assert words[2:-2] == ["1", "2", "3", "0", "200", "400", "600", "800", "1000"]


def test_a_few_high_values_at_the_start_do_not_flatten_a_long_curve() -> None:
    def heights(steps: int) -> list[float]:
        path = re.search(
            CURVE, chart(Line("training", range(steps), [1e6, *(2.0 + n % 2 for n in range(steps - 1))], "train"))
        )
        assert path is not None
        return [float(point.split()[1]) for point in re.split("[ML]", path[1])[1:]]

    long, short = heights(100), heights(10)
    assert long[0] < 0 < max(long[1:]) - min(long[1:]) - 100
    assert 26 <= short[0] < max(short[1:]) <= min(short[1:]) + 1


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 6))
def test_ticks_read_differently_and_are_what_they_say(low: float, span: float, about: int) -> None:
    values = ticks(low, low + span, about)
    texts = tick_texts(values)
    assert len(set(texts)) == len(texts)
    step = values[1] - values[0] if len(values) > 1 else span
    for value, text in zip(values, texts, strict=True):
        said = float(text.removesuffix("k")) * (1000 if text.endswith("k") else 1)
        assert abs(said - value) <= 0.01 * step + 1e-9 * abs(value)


def places(drawing: str, tag: str, kind: str, attribute: str) -> list[float]:
    return [
        float(re.search(rf' {attribute}="([-\d.]+)%"', element)[1])  # type: ignore[index]
        for element in re.findall(rf'<{tag} class="{kind}"[^>]*>', drawing)
    ]


def test_dots_and_interval_stand_where_their_values_are() -> None:
    scale = DotScale(0.5, 1.0)
    drawing = dot_plot([0.6, 0.7, 0.8], 0.7, 0.1, scale)
    assert places(drawing, "circle", "run", "cx") == pytest.approx([20, 40, 60])
    assert places(drawing, "circle", "mean", "cx") == pytest.approx([40])
    assert places(drawing, "line", "interval", "x1") == pytest.approx([20, 20, 60])
    assert places(drawing, "line", "interval", "x2") == pytest.approx([60, 20, 60])
    assert 'aria-label="70.0 percent, 95 % interval of plus or minus 10.0"' in drawing


def test_a_single_run_has_no_interval() -> None:
    drawing = dot_plot([0.6], 0.6, 0.0, DotScale(0.5, 1.0))
    assert "interval" not in drawing


@pytest.mark.parametrize("values", [[0.81, 0.83, 0.79], [0.5], [0.0, 1.0], []])
def test_a_scale_holds_its_values_and_has_numbers(values: list[float]) -> None:
    scale = DotScale.around(values)
    assert all(0 < scale.position(value) < 100 for value in values)
    assert re.findall(r">([\d.]+)<", scale.axis())


def test_an_interval_beyond_the_ends_is_cut_and_does_not_seem_to_end_there() -> None:
    drawing = difference_plot(0.0, 5.0, 0.1)
    assert places(drawing, "line", "interval", "x1") == [0]
    assert places(drawing, "line", "interval", "x2") == [100]


def test_numbers_below_are_percent_where_the_lines_are() -> None:
    scale = DotScale(0.70, 0.80)
    axis = re.findall(r'x="([\d.]+)%"[^>]*>([\d.]+)<', scale.axis())
    assert axis
    for place, number in axis:
        assert float(place) == pytest.approx(10 * (float(number) - 70))


@pytest.mark.parametrize("high", [0.804, 0.82, 0.9])
def test_every_line_has_its_number(high: float) -> None:
    scale = DotScale(0.70, high)
    lines = places(dot_plot([0.75], 0.75, 0.0, scale), "line", "grid", "x1")
    assert [float(place) for place in re.findall(r'x="([\d.]+)%"', scale.axis())] == lines


@pytest.mark.parametrize(("difference", "kind"), [(0.1, "gain"), (-0.1, "loss")])
def test_a_change_begins_at_the_middle(difference: float, kind: str) -> None:
    drawing = difference_plot(difference, 0.0, 0.1)
    [start], [width] = places(drawing, "rect", kind, "x"), places(drawing, "rect", kind, "width")
    assert (start if kind == "gain" else start + width) == pytest.approx(50, abs=0.02)
    assert width == pytest.approx(100 * 0.1 / (0.2 * 1.12), abs=0.02)


def embedding(real_N2: NDArray[np.float64], synthetic_M2: NDArray[np.float64], classes: int) -> EmbeddingMap:
    labels_N, labels_M = np.arange(len(real_N2)) % classes, np.arange(len(synthetic_M2)) % classes
    names = [f"class {i}" for i in range(classes)]
    return EmbeddingMap("map", names, real_N2, labels_N, synthetic_M2, labels_M, len(real_N2), len(synthetic_M2))


@pytest.mark.parametrize("classes", [1, 2, 2 * MAX_PANELS])
def test_each_class_has_a_panel_up_to_a_limit_unless_it_is_the_only_one(classes: int) -> None:
    points_N2 = np.random.default_rng(0).normal(size=(3 * classes, 2))
    panels = scatter_panels(embedding(points_N2, points_N2, classes))
    of_classes = [f"class {i}" for i in range(min(classes, MAX_PANELS))] if classes > 1 else []
    assert [panel.title for panel in panels] == ["", *of_classes]


def test_no_point_lies_outside_the_panel() -> None:
    real_N2, synthetic_M2 = np.random.default_rng(0).normal(size=(500, 2)), np.array([[1e6, -1e6], [0, 0]])
    panel = scatter_panels(embedding(real_N2, synthetic_M2, 2))[0]
    numbers = [int(part) for move in str(panel.drawing).split("M")[1:] for part in move.split("h0")[0].split()]
    assert len(numbers) == 2 * 502
    assert min(numbers) >= 0
    assert max(numbers) <= MAP_SIDE


def test_points_that_are_all_equal_make_a_panel() -> None:
    same_N2 = np.zeros((3, 2))
    [panel] = scatter_panels(embedding(same_N2, same_N2, 1))
    assert panel.drawing.count("M8 292h0") == 6

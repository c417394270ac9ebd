"""Dots stand where their values are, on one scale for all rows."""

from __future__ import annotations

import re

import pytest

from vaeaug.pages.dot_plot import DotScale, difference_plot, dot_plot


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
    assert all(0 < scale.place(value) < 100 for value in values)
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

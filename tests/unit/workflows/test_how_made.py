"""How many images a fold is made of: what `sample` was asked for, as `augment` can be asked."""

from __future__ import annotations

from typing import Any

import pytest

from vaeaug.workflows.evaluate.folds import _counts


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ({"ant": 7, "bee": 7}, {"per_class": 7}),
        ({"ant": 0, "bee": 80}, {"balance": True}),
        ({"ant": 100, "bee": 20}, {"ratio": 1.0}),
        ({"ant": 33, "bee": 7}, {"ratio": pytest.approx(1 / 3)}),
        ({"ant": 50, "bee": 20}, None),
        ({"bee": 20}, None),
    ],
)
def test_numbers_for_each_class_are_told_as_augment_takes_them(
    wanted: dict[str, int], asked: dict[str, Any] | None
) -> None:
    assert _counts({"ant": 100, "bee": 20}, {"counts": wanted}) == asked


def test_what_augment_was_asked_for_is_asked_again() -> None:
    real = {"ant": 5, "bee": 6}
    assert _counts(real, {"per_class": None, "ratio": None, "balance": True}) == {"balance": True}
    assert _counts(real, {"per_class": 0, "ratio": None, "balance": False}) == {"per_class": 0}
    assert _counts(real, {"per_class": None, "ratio": None, "balance": False}) == {}

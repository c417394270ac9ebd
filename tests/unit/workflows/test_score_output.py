"""The gallery's numbers: four digits, and large ones are written out."""

from __future__ import annotations

import pytest

from vaeaug.workflows.score.score_output import shown_number


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.27731, "0.2773"), (-69.2341, "-69.23"), (-1267.4, "-1,267"), (10672.9, "10,673"), (1234567.0, "1,234,567")],
)
def test_numbers_of_any_size_are_read_at_a_glance(value: float, text: str) -> None:
    assert shown_number(value) == text

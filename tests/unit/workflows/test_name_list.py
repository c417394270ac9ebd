"""A list of names in a warning shows the first few and says how many more there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vaeaug.errors import name_list


@given(st.integers(0, 2000), st.integers(1, 20))
def test_it_shows_all_names_or_says_how_many_more_there_are(count: int, shown: int) -> None:
    names = [f"class-{number}" for number in range(count)]
    text = name_list(names, shown)
    listed, _, note = text.partition(" and ")
    assert listed == ", ".join(names[:shown])
    assert note == (f"{count - shown:,} more" if count > shown else "")

"""Which terms are the KL part of an objective, from what a training wrote down."""

from __future__ import annotations

from vaeaug.training.history import annealed_terms


def test_what_was_written_down_counts_and_not_a_name() -> None:
    rows = [
        {"annealed": [], "train": {}},
        {"annealed": ["mi", "tc"], "train": {"reconstruction": 1.0, "mi": 1.0, "tc": 1.0, "kl": 1.0}},
        {"annealed": ["tc", "mi"], "train": {}, "validation": {"tc": 1.0, "mi": 1.0}},
    ]
    assert annealed_terms(rows) == ["mi", "tc"]


def test_of_an_earlier_vaeaug_the_names_count() -> None:
    rows = [{"train": {}}, {"train": {"klx": 1.0, "kl/2": 1.0}, "validation": {"reconstruction": 1.0, "kl/1": 1.0}}]
    assert annealed_terms(rows) == ["kl/2", "kl/1"]
    assert annealed_terms([]) == []

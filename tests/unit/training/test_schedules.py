"""Closed forms of the learning rate and the KL weight."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaeaug.training.config import TrainingConfig
from vaeaug.training.schedules import kl_weight, learning_rate

RATE = TrainingConfig(learning_rate=0.1, warmup=0.2)


@pytest.mark.parametrize(
    ("progress", "rate"),
    [
        (0.1, 0.05),  # half-way through the warm-up
        (0.2, 0.1),  # the peak
        (0.6, 0.1 * (0.01 + 0.99 / 2)),  # half-way down the cosine
        (1.0, 0.001),  # 1 % is left
        (1.3, 0.001),  # a time budget overrun by a step
    ],
)
def test_the_learning_rate_rises_linearly_and_falls_as_a_cosine(progress: float, rate: float) -> None:
    assert learning_rate(progress, RATE) == pytest.approx(rate)


def test_the_first_step_already_learns() -> None:
    assert learning_rate(0.0, RATE) > 0
    assert learning_rate(0.0, TrainingConfig(learning_rate=0.1, warmup=0)) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("annealing", "progress", "weight"),
    [
        ("none", 0.0, 1.0),
        ("linear", 0.0, 0.0),
        ("linear", 0.1, 0.25),
        ("linear", 0.4, 1.0),
        ("linear", 0.9, 1.0),
        ("cosine", 0.1, 0.5 * (1 - math.cos(math.pi / 4))),
        ("cosine", 0.2, 0.5),
        ("cosine", 0.5, 1.0),
        # four cycles of length 0.25, each with a rise over its first 0.4, i.e. over 0.1 of the training
        ("cyclical", 0.05, 0.5),
        ("cyclical", 0.2, 1.0),
        ("cyclical", 0.25, 0.0),
        ("cyclical", 0.275, 0.25),
        ("cyclical", 0.99, 1.0),
        ("cyclical", 1.0, 1.0),
    ],
)
def test_the_kl_weight(annealing: str, progress: float, weight: float) -> None:
    config = TrainingConfig(kl_annealing=annealing, kl_warmup=0.4, kl_cycles=4)
    assert kl_weight(progress, config) == pytest.approx(weight, abs=1e-12)


@given(
    progress=st.floats(0, 1.5),
    annealing=st.sampled_from(["none", "linear", "cosine", "cyclical"]),
    warmup=st.floats(0, 1),
    cycles=st.integers(1, 20),
)
def test_the_kl_weight_lies_in_the_unit_interval(progress: float, annealing: str, warmup: float, cycles: int) -> None:
    config = TrainingConfig(kl_annealing=annealing, kl_warmup=warmup, kl_cycles=cycles)
    assert 0 <= kl_weight(progress, config) <= 1


def test_a_kl_warmup_of_zero_anneals_nothing() -> None:
    assert kl_weight(0.0, TrainingConfig(kl_annealing="cyclical", kl_warmup=0)) == 1

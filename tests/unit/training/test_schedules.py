"""Closed forms of the learning rate, the KL weight and the objective."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vaeaug.training.config import TrainingConfig
from vaeaug.training.schedules import is_kl, kl_weight, learning_rate, objective

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


@pytest.mark.parametrize(
    ("term", "kl"), [("kl", True), ("kl/top", True), ("klx", False), ("reconstruction", False), ("x/kl", False)]
)
def test_which_terms_are_kl(term: str, kl: bool) -> None:
    assert is_kl(term) is kl


def test_the_kl_weight_applies_to_kl_terms_only() -> None:
    terms = {
        "reconstruction": torch.tensor([1.0, 3.0]),
        "kl": torch.tensor([10.0, 30.0]),
        "kl/top": torch.tensor([100.0, 300.0]),
        "klx": torch.tensor([1000.0, 3000.0]),
    }
    assert objective(terms, weight=0.5, free_bits=0).item() == 2 + 0.5 * 20 + 0.5 * 200 + 2000


@pytest.mark.parametrize(("mean", "gradient"), [(2.9, 0.0), (3.1, 0.25)])
def test_free_bits_stop_the_gradient_below_and_leave_it_above(mean: float, gradient: float) -> None:
    kl_B = torch.tensor([mean - 1, mean + 1], requires_grad=True)  # what counts is the mean of the batch
    value = objective({"kl": kl_B}, weight=0.5, free_bits=3.0)
    (found_B,) = torch.autograd.grad(value, kl_B)
    assert found_B.tolist() == [gradient, gradient]
    assert value.item() == pytest.approx(0.5 * max(mean, 3.0))


def test_free_bits_are_granted_to_every_kl_term_and_no_other() -> None:
    terms = {"reconstruction": torch.tensor([1.0]), "kl/a": torch.tensor([1.0]), "kl/b": torch.tensor([7.0])}
    assert objective(terms, weight=1.0, free_bits=4.0).item() == 1 + 4 + 7

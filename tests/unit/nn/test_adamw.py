"""AdamW and its schedule have the numbers of torch's, bit for bit, and go on from states that torch's wrote."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from vaeaug.nn.adamw import AdamW
from vaeaug.nn.learning_rate import one_cycle

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
BETAS, STEPS = (0.9, 0.99), 12


def _parameters(device: str) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(7, 5), (3,), (), (4, 3, 2, 2)]
    return [nn.Parameter(torch.randn(shape, generator=generator).to(device)) for shape in shapes]


def _gradients(parameters: list[nn.Parameter], steps: range) -> Iterator[int]:
    """Set other gradients at each step; the second parameter has none in the first three."""
    for step in steps:
        for number, parameter in enumerate(parameters):
            generator = torch.Generator().manual_seed(100 * step + number)
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.grad = None if number == 1 and step < 3 else noise.to(parameter.device)
        yield step


def _same(first: list[nn.Parameter], second: list[nn.Parameter]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.05])
def test_its_weights_are_those_of_torch(device: str, fused: bool, weight_decay: float) -> None:
    theirs, ours = _parameters(device), _parameters(device)
    reference = torch.optim.AdamW(theirs, betas=BETAS, weight_decay=weight_decay, fused=fused or None)
    optimizer = AdamW(ours, betas=BETAS, weight_decay=weight_decay, fused=fused)
    for step, _ in zip(_gradients(theirs, range(STEPS)), _gradients(ours, range(STEPS)), strict=True):
        rate = 0.1 / (1 + step)
        for group in reference.param_groups:
            group["lr"] = rate
        reference.step()
        optimizer.step(rate)
        assert _same(theirs, ours), step
    assert not _same(ours, _parameters(device))


def test_without_weight_decay_it_is_adam() -> None:
    theirs, ours = _parameters("cpu"), _parameters("cpu")
    reference, optimizer = torch.optim.Adam(theirs, lr=0.1), AdamW(ours)
    for _ in zip(_gradients(theirs, range(STEPS)), _gradients(ours, range(STEPS)), strict=True):
        reference.step()
        optimizer.step(0.1)
    assert _same(theirs, ours)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 10, 37, 300])
def test_a_cycle_is_that_of_torch(steps: int) -> None:
    theirs, ours = _parameters("cpu"), _parameters("cpu")
    reference = torch.optim.AdamW(theirs, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(reference, 0.02, total_steps=steps)
    optimizer = AdamW(ours, weight_decay=0.05)
    for step, _ in zip(_gradients(theirs, range(steps)), _gradients(ours, range(steps)), strict=True):
        (group,) = reference.param_groups
        rate, beta1 = one_cycle(0.02, step, steps)
        assert (rate, beta1) == (group["lr"], group["betas"][0])
        reference.step()
        schedule.step()
        optimizer.step(rate, beta1=beta1)
        assert _same(theirs, ours), step


def _state_of_torch(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The names under which checkpoints of version 0.1 keep the state of torch's optimizer."""
    entries = optimizer.state_dict()["state"].items()
    return {f"{number}/{key}": tensor for number, values in entries for key, tensor in values.items()}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("fused", [False, True])
def test_it_goes_on_from_a_state_of_torch(device: str, fused: bool) -> None:
    theirs = _parameters(device)
    reference = torch.optim.AdamW(theirs, lr=0.1, betas=BETAS, weight_decay=0.05, fused=fused or None)
    for _ in _gradients(theirs, range(2)):
        reference.step()
    ours = [nn.Parameter(parameter.detach().clone()) for parameter in theirs]
    optimizer = AdamW(ours, betas=BETAS, weight_decay=0.05, fused=fused)
    state = {name: tensor.cpu().clone() for name, tensor in _state_of_torch(reference).items()}
    optimizer.load_state(state)
    rest = range(2, STEPS)
    for step, _ in zip(_gradients(theirs, rest), _gradients(ours, rest), strict=True):
        reference.step()
        optimizer.step(0.1)
        assert _same(theirs, ours), step
    after = _state_of_torch(reference)
    assert optimizer.state().keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in optimizer.state().items())
    assert float(state["0/step"]) == 2  # what was loaded is not written to


def test_gradients_are_removed() -> None:
    parameters = _parameters("cpu")
    list(_gradients(parameters, range(4)))
    AdamW(parameters).zero_grad()
    assert all(parameter.grad is None for parameter in parameters)

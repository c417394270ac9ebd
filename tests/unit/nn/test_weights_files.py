"""Weights files that are no state dict of the network are refused in words, before any of it is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vaeaug.errors import InputError
from vaeaug.nn.named_network import load_weights

NAME, OPTION = "torch.nn:Linear", "--classifier-weights FILE"


def load(path: Path) -> nn.Module:
    network = nn.Linear(2, 2)
    load_weights(network, {"weight", "bias"}, NAME, str(path), torch.device("cpu"), OPTION)
    return network


@pytest.mark.parametrize(
    "weight",
    [torch.ones(2, 2, dtype=torch.int64), torch.ones(2, 2, dtype=torch.complex64), torch.ones(2, 2).to_sparse()],
    ids=["integers", "complex", "sparse"],
)
def test_tensors_of_another_kind(weight: Tensor, tmp_path: Path) -> None:
    torch.save({"weight": weight, "bias": torch.ones(2)}, tmp_path / "weights.pt")
    with pytest.raises(InputError, match=r"does not fit .* 1 of 2 tensors .* shape or type, such as weight"):
        load(tmp_path / "weights.pt")


def test_names_that_are_no_text(tmp_path: Path) -> None:
    torch.save({0: torch.ones(2)}, tmp_path / "weights.pt")
    with pytest.raises(InputError, match="is not a state dict"):
        load(tmp_path / "weights.pt")


@pytest.mark.parametrize("content", ["", "hello"])
def test_the_reason_is_in_words(content: str, tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_text(content)
    with pytest.raises(InputError, match=r"cannot be read as a state dict \(unknown file format\)"):
        load(tmp_path / "weights.pt")


def test_half_precision_is_loaded_in_full_precision(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(2, 2, dtype=torch.float16), "bias": torch.zeros(2)}, tmp_path / "weights.pt")
    network = load(tmp_path / "weights.pt")
    assert network.weight.dtype == torch.float32
    assert torch.equal(network(torch.ones(1, 2)), torch.full((1, 2), 2.0))

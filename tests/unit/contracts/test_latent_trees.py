"""Latents are trees; the host maps over them without knowing their shape."""

from __future__ import annotations

import pytest
import torch

from vaeaug.contracts import Latent, leaves, tree_map

TREE: Latent = {"top": torch.ones(2, 3), "rest": (torch.zeros(2, 1), [torch.full((2, 4), 2.0)])}


def test_leaves_come_in_a_fixed_order() -> None:
    assert [leaf.shape[1] for leaf in leaves(TREE)] == [3, 1, 4]


def test_a_map_keeps_the_structure() -> None:
    doubled = tree_map(torch.add, TREE, TREE)
    assert isinstance(doubled, dict)
    assert isinstance(doubled["rest"], tuple)
    assert isinstance(doubled["rest"][1], list)
    assert [leaf.max().item() for leaf in leaves(doubled)] == [2, 0, 4]


def test_trees_of_other_structure_do_not_zip() -> None:
    with pytest.raises(ValueError, match="shorter"):
        tree_map(torch.add, TREE, torch.ones(2, 3))


def test_other_things_are_no_latent() -> None:
    with pytest.raises(TypeError, match="not ndarray"):
        leaves(torch.ones(2).numpy())  # type: ignore[arg-type]

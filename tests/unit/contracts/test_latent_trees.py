"""Latents are trees; the host maps over them without knowing their shape."""

from __future__ import annotations

import pytest
import torch

from vaeaug.contracts import Latent, leaves, tree_map
from vaeaug.contracts.latent import flatten, unflatten

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


@pytest.mark.parametrize("kind", ["tensor", "tuple", "dict"])
def test_side_by_side_and_back(kind: str) -> None:
    a, b = torch.arange(6.0).view(3, 2), torch.arange(12.0).view(3, 1, 2, 2) + 10
    trees: dict[str, Latent] = {"tensor": a, "tuple": (a, b), "dict": {"top": b, "rest": (a,)}}
    tree = trees[kind]
    flat_BD = flatten(tree)
    assert torch.equal(flat_BD[1], torch.cat([leaf[1].reshape(-1) for leaf in leaves(tree)]))
    back = unflatten(flat_BD, tree_map(lambda leaf: leaf[:1], tree))  # of the other latent only the structure counts
    assert type(back) is type(tree)
    assert all(torch.equal(one, other) for one, other in zip(leaves(back), leaves(tree), strict=True))

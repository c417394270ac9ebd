"""Latent dimensions are ordered by their KL divergence, and moved alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_data
import torch
from PIL import Image

import vaeaug
from vaeaug.contracts import Latents
from vaeaug.models.latents import ClassLatents
from vaeaug.synthesis import traversal
from vaeaug.synthesis.between import images_between
from vaeaug.synthesis.traversal import axes_of, traverse_axes


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> vaeaug.Model:
    """A plain `vae`: its prior is N(0, I)."""
    data = tiny_data.two_classes(tmp_path_factory)
    out = tmp_path_factory.mktemp("vae") / "model"
    return vaeaug.train(data, out, variant="vae", scope="shared", **tiny_data.QUICK)


def with_latents(
    monkeypatch: pytest.MonkeyPatch, model: vaeaug.Model, mean_ND: torch.Tensor, scale_ND: torch.Tensor | None
) -> None:
    latents = Latents(mean_ND, torch.zeros(len(mean_ND), dtype=torch.int64), scale_ND)
    monkeypatch.setattr(model.stored, "latents", lambda _: ClassLatents(latents, ("",) * len(mean_ND), ""))


def test_the_order_is_the_kl_divergence_from_the_prior(model: vaeaug.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    mean_ND = torch.tensor([[0.0, 2.0, 0.0, 0.0], [0.0, -2.0, 0.0, 0.0]])
    scale_ND = torch.tensor([0.1, 0.5, 1.0, 0.9]).repeat(2, 1)
    with_latents(monkeypatch, model, mean_ND, scale_ND)
    axes = axes_of(model.stored, 0)
    exact_D = 0.5 * (scale_ND**2 + mean_ND**2 - 1 - (scale_ND**2).log()).mean(dim=0)  # Kingma & Welling, appendix B
    torch.testing.assert_close(axes.importance_D, exact_D, atol=0.15, rtol=0.05)  # of a prior that is known by draws
    assert axes.order()[:2] == [1, 0]
    assert 2 not in axes.order()  # it says nothing
    assert axes.is_kl
    torch.testing.assert_close(axes.std_D, torch.tensor([0.1, (4 + 0.25) ** 0.5, 1.0, 0.9]))


def test_without_a_width_the_order_is_the_variance(model: vaeaug.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    with_latents(monkeypatch, model, torch.tensor([[0.0, 1.0, 5.0, 2.0], [0.0, 2.0, 5.0, 5.0]]), None)
    axes = axes_of(model.stored, 0)
    assert axes.order() == [3, 1]
    assert not axes.is_kl


def test_groups_are_named_as_the_columns_of_features(model: vaeaug.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    latents = Latents((torch.randn(3, 2), torch.randn(3, 1, 1, 2)), torch.zeros(3, dtype=torch.int64))
    monkeypatch.setattr(model.stored, "latents", lambda _: ClassLatents(latents, ("",) * 3, ""))
    assert axes_of(model.stored, 0).names == ("1/0", "1/1", "2/0", "2/1")


def test_one_dimension_is_moved_and_all_others_stay(model: vaeaug.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    axes, seen = axes_of(model.stored, 0), []
    variant = model.stored.network(0).variant
    decode = variant.decode
    monkeypatch.setattr(variant, "decode", lambda z_BD, y_B: seen.append(z_BD.clone()) or decode(z_BD, y_B))
    list(traverse_axes(model.stored, 0, axes.mean, axes, [2], [-3.0, 0.0, 3.0]))
    moved = seen[0] - axes.mean
    torch.testing.assert_close(moved[:, 2] / axes.std_D[2], torch.tensor([-3.0, 0.0, 3.0]))
    assert not moved[:, [0, 1, 3]].any()


def test_the_prior_is_known_by_draws_well_enough(model: vaeaug.Model) -> None:
    mean_D, variance_D = traversal._prior_moments(model.stored, 0)
    assert float(mean_D.abs().max()) < 0.1
    assert float((variance_D - 1).abs().max()) < 0.1


@pytest.mark.parametrize("scope", ["shared", "per-class"])
def test_each_end_of_a_path_is_what_its_own_class_makes_of_it(
    scope: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tiny_data.two_classes(tmp_path_factory)
    stored = vaeaug.load(tiny_data.model(tmp_path_factory, scope)).stored
    pixels = [_pixels(data / label / "000.png") for label in ("ant", "bee")]
    between = images_between(stored, pixels[0], pixels[1], (0, 1), 5, "linear")
    assert between.shape == (5, 8, 8, 1)
    for label, end in ((0, between[0]), (1, between[-1])):
        alone = images_between(stored, pixels[label], pixels[label], (label, label), 2, "linear")
        np.testing.assert_allclose(end.astype(int), alone[0].astype(int), atol=1)


def _pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))[..., None]

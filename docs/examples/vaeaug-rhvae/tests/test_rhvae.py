"""What RHVAE promises: vaeaug's contract, and its own mathematics."""

import torch
from vaeaug import ImageSpec, Latents
from vaeaug.plugins import load
from vaeaug.testing import check_variant

from vaeaug_rhvae import RHVAE
from vaeaug_rhvae.centroids import spread_over_classes

SPEC = ImageSpec(channels=1, height=8, width=8, num_classes=3)


def squared(raw: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return (raw - x).square().sum(dim=(1, 2, 3))


def variant(**options: float) -> RHVAE:
    torch.manual_seed(0)
    return RHVAE(SPEC, RHVAE.Config(width=16, latent_dim=4, chain_steps=5, **options))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(count: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(count, 1, 8, 8, generator=seeded(0)), torch.arange(count) % 3


def encoded(model: RHVAE, count: int = 12) -> Latents:
    with torch.no_grad():
        x, y = batch(count)
        made = model.encode(x, y)
    return Latents(made.latent, y, made.scale)


def test_it_keeps_the_contract() -> None:
    check_variant(RHVAE, chain_steps=2)
    check_variant(RHVAE, chain_steps=2, latent_dim=3, centroids=5, flow_steps=1, flow_step_size=0.01)


def test_vaeaug_finds_it() -> None:
    registry = load()
    assert registry.variant("rhvae").cls is RHVAE, registry.problems


def test_with_steps_of_length_zero_it_is_a_vae() -> None:
    model, (x, y) = variant(flow_step_size=0.0).eval(), batch()
    with torch.no_grad():
        terms = model.losses(x, y, squared, seeded(1))["model"]
        made = model.encode(x, y, seeded(1))
    torch.testing.assert_close(terms["kl"], made.penalties["kl"])
    torch.testing.assert_close(terms["reconstruction"], squared(model.decode(made.latent, y), x))


def test_validation_uses_the_metric_of_the_latest_training_images() -> None:
    model, (x, y) = variant(centroids=20, flow_step_size=0.05), batch()
    with torch.no_grad():
        before = model.eval().losses(x, y, squared, seeded(1))["model"]["kl"]
        model.train().losses(x, y, squared, seeded(1))
        after = model.eval().losses(x, y, squared, seeded(1))["model"]["kl"]
        means = model.encode(x, y).latent
        model.train().losses(x.flip(0), y.flip(0), squared, seeded(1))
    assert not torch.equal(before, after)
    torch.testing.assert_close(model.centroids.mean_KD[12:], means.flip(0)[:8])
    torch.testing.assert_close(model.centroids.mean_KD[:4], means.flip(0)[8:])  # the oldest are written over
    torch.testing.assert_close(model.centroids.mean_KD[4:12], means[4:])


def test_draws_lie_along_the_images_of_their_class_once_fitted() -> None:
    model = variant().eval()
    latents = encoded(model)
    y = torch.arange(3).repeat_interleave(64)
    moved = Latents(latents.latent + 20 * latents.labels_N[:, None], latents.labels_N, latents.scale)
    with torch.inference_mode():
        normal = model.prior(y, seeded(2))
        model.fit_prior(moved, seeded(3))
        z = model.prior(y, seeded(2))
    assert normal.abs().max() < 6  # N(0, I)
    nearest = moved.labels_N[torch.cdist(z, moved.latent).argmin(dim=1)]
    assert torch.equal(nearest, y)
    assert torch.cdist(z, moved.latent).min(dim=1).values.median() > 0.1  # not the images themselves


def test_a_class_without_images_is_drawn_from_the_standard_normal() -> None:
    model = variant().eval()
    latents = encoded(model)
    rows = latents.labels_N < 2
    fitted = Latents(latents.latent[rows] + 50, latents.labels_N[rows], latents.scale[rows])
    model.fit_prior(fitted, seeded(3))
    z = model.prior(torch.tensor([0, 1, 2] * 30), seeded(2))
    assert z[2::3].abs().max() < 6
    assert z[::3].min() > 30


def test_centroids_are_a_random_choice_with_no_class_crowded_out() -> None:
    y = torch.tensor([0] * 50 + [1] * 4 + [2] * 30)
    rows = spread_over_classes(y, 20, seeded(0))
    assert torch.bincount(y[rows]).tolist() == [8, 4, 8]
    assert len(rows.unique()) == 20
    assert not torch.equal(rows.sort().values, spread_over_classes(y, 20, seeded(1)).sort().values)
    assert len(spread_over_classes(y, 200, seeded(0))) == len(y)


def test_training_goes_on_from_a_fitted_model_with_a_metric_of_its_own() -> None:
    model, (x, y) = variant(), batch()
    model.fit_prior(encoded(model.eval()), seeded(3))
    model.train().losses(x, y, squared, seeded(1))
    assert not model.centroids.chosen
    assert (model.centroids.label_K >= 0).sum() == len(y)

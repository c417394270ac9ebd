"""The beta-TC-VAE: the parts of its KL against known answers, and what they need to know of the data."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor
from vaeaug_plugins.losses.mse import MSE
from vaeaug_plugins.variants.beta_tc_vae import BetaTCVAE, log_aggregate

from vaeaug import ImageSpec, TrainingSet
from vaeaug.nn import log_normal, reparameterize

SPEC = ImageSpec(channels=1, height=9, width=8, num_classes=2, raw_channels=1)
PARTS = ("mutual_information", "total_correlation", "dimension_wise_kl")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def model(**options: float) -> BetaTCVAE:
    torch.manual_seed(0)
    return BetaTCVAE(SPEC, BetaTCVAE.Config(**{"latent_dim": 5, "width": 16, **options})).eval()


def batch(count: int = 12) -> tuple[Tensor, Tensor]:
    return torch.rand((count, 1, 9, 8), generator=seeded(1)), torch.arange(count) % 2


def terms(variant: BetaTCVAE, count: int = 12) -> dict[str, Tensor]:
    return variant.losses(*batch(count), MSE(SPEC, None), seeded(3))["model"]


def correlated(count: int, correlation: float, width: float) -> tuple[Tensor, Tensor, Tensor]:
    """Draws from `count` posteriors whose mixture is all but N(0, S): unit variances, and a given correlation."""
    covariance = torch.tensor([[1.0, correlation], [correlation, 1.0]], dtype=torch.float64)
    factor = torch.linalg.cholesky(covariance - width**2 * torch.eye(2))
    mean_ND = torch.randn((count, 2), generator=seeded(), dtype=torch.float64) @ factor.T
    logvar_ND = torch.full_like(mean_ND, 2 * math.log(width))
    return reparameterize(mean_ND, logvar_ND, seeded(1)), mean_ND, logvar_ND


def total_correlation(draws: tuple[Tensor, Tensor, Tensor], images: int) -> float:
    joint_B, product_B = log_aggregate(*draws, images)
    return (joint_B - product_B).mean().item()


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.8])
def test_the_total_correlation_of_a_gaussian_aggregate_is_the_closed_form(correlation: float) -> None:
    exact = -0.5 * math.log(1 - correlation**2)
    draws = correlated(2000, correlation, width=0.4)
    assert total_correlation(draws, 2000) == pytest.approx(exact, abs=0.04)
    parts = [tuple(part[i : i + 250] for part in draws) for i in range(0, 2000, 250)]
    found = sum(total_correlation(part, 2000) for part in parts) / len(parts)
    assert found == pytest.approx(exact, abs=0.06)


def test_the_estimate_of_the_aggregate_posterior_is_unbiased() -> None:
    """Over all batches of three of five images, the mean of q(z) is that of all five; marginals likewise."""
    z_ND, mean_ND, logvar_ND = correlated(5, 0.3, width=0.7)
    for image in range(5):
        rest = [other for other in range(5) if other != image]
        picked = [[image, *others] for others in itertools.combinations(rest, 2)]
        estimates = [log_aggregate(z_ND[rows], mean_ND[rows], logvar_ND[rows], 5)[0][0].exp() for rows in picked]
        exact = log_normal(z_ND[image].expand(5, -1), mean_ND, logvar_ND).exp().mean()
        torch.testing.assert_close(torch.stack(estimates).mean(), exact)
        marginal = z_ND[:, :1], mean_ND[:, :1], logvar_ND[:, :1]
        found = [log_aggregate(*(part[rows] for part in marginal), 5)[1][0].exp() for rows in picked]
        exact = log_normal(marginal[0][image].expand(5, -1), *marginal[1:]).exp().mean()
        torch.testing.assert_close(torch.stack(found).mean(), exact)


@pytest.mark.parametrize("images", [16, 1000])
def test_posteriors_that_do_not_overlap_have_the_information_of_the_number_of_images(images: int) -> None:
    mean_BD = 100 * torch.arange(16.0)[:, None].expand(-1, 3)
    logvar_BD = torch.zeros_like(mean_BD)
    z_BD = reparameterize(mean_BD, logvar_BD, seeded())
    joint_B, _ = log_aggregate(z_BD, mean_BD, logvar_BD, images)
    information = (log_normal(z_BD, mean_BD, logvar_BD) - joint_B).mean()
    assert information.item() == pytest.approx(math.log(images), rel=1e-5)


def test_the_number_of_images_is_that_of_the_training_set() -> None:
    variant = model()
    unknown = terms(variant)
    assert variant.num_images == 0
    variant.begin_training(TrainingSet(torch.zeros(500, dtype=torch.int64)))
    assert terms(variant)["mutual_information"] > unknown["mutual_information"]
    variant.begin_training(TrainingSet(torch.zeros(12, dtype=torch.int64)))
    torch.testing.assert_close(terms(variant), unknown)  # the batch was taken for all there is
    assert "num_images" in variant.state_dict()


def test_with_weights_of_one_the_parts_are_the_kl_of_the_draws() -> None:
    variant = model(alpha=1, beta=1, gamma=1)
    variant.begin_training(TrainingSet(torch.zeros(90, dtype=torch.int64)))
    found = terms(variant)
    encoded = variant.encode(*batch(), seeded(3))
    torch.testing.assert_close(sum(found[part] for part in PARTS), encoded.log_ratio.mean())
    torch.testing.assert_close(
        found["reconstruction"], MSE(SPEC, None)(variant.decode(encoded.latent, None), batch()[0])
    )


def test_each_part_has_its_weight() -> None:
    plain, weighted = (terms(model(**weights)) for weights in ({"beta": 1}, {"alpha": 2, "beta": 3, "gamma": 0.5}))
    for part, weight in zip(PARTS, (2, 3, 0.5), strict=True):
        torch.testing.assert_close(weighted[part], weight * plain[part])


def test_of_one_image_all_is_in_the_dimension_wise_part() -> None:
    variant = model(beta=3)
    variant.begin_training(TrainingSet(torch.zeros(90, dtype=torch.int64)))
    found = terms(variant, count=1)
    torch.testing.assert_close(found["mutual_information"], torch.tensor(0.0), atol=1e-5, rtol=0)
    torch.testing.assert_close(found["total_correlation"], torch.tensor(0.0), atol=1e-5, rtol=0)
    torch.testing.assert_close(found["dimension_wise_kl"], variant.encode(*batch(1), seeded(3)).log_ratio.mean())


def test_descending_the_total_correlation_makes_the_dimensions_independent() -> None:
    z_ND, mean_ND, logvar_ND = correlated(200, 0.8, width=0.4)
    shear = torch.zeros((), dtype=torch.float64, requires_grad=True)

    def sheared() -> Tensor:
        """Return the total correlation where the second dimension has some of the first taken away."""
        moved = [torch.stack([x[:, 0], x[:, 1] - shear * x[:, 0]], dim=1) for x in (z_ND, mean_ND)]
        joint_B, product_B = log_aggregate(*moved, logvar_ND, 200)
        return (joint_B - product_B).mean()

    before = sheared().item()
    for _ in range(60):
        (gradient,) = torch.autograd.grad(sheared(), shear)
        shear.data -= 0.3 * gradient
    assert before > 0.4
    assert sheared().item() < 0.15

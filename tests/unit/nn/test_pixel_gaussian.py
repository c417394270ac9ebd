"""The Gaussian over pixels, against dense linear algebra."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.distributions import MultivariateNormal

from vaeaug.nn import pixel_gaussian
from vaeaug.nn.pixel_gaussian import PixelGaussian


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def smooth(count: int, channels: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Return images in [0, 1] whose neighbouring pixels and channels resemble each other."""
    noise = torch.randn((count, channels, height + 4, width + 4), generator=generator(seed))
    blurred = torch.nn.functional.avg_pool2d(noise, 5, stride=1)
    return (0.5 + 0.3 * (blurred + blurred.mean(dim=1, keepdim=True))).clamp(0, 1)


def dense(gaussian: PixelGaussian) -> Tensor:
    """Return the covariance of the rotated pixels as a matrix, from products with unit images."""
    size = gaussian.mean_CHW.numel()
    units = torch.eye(size).view(size, *gaussian.mean_CHW.shape)
    return gaussian._covary(units).view(size, size)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 60), st.sampled_from([1, 3]), st.integers(2, 7), st.integers(2, 7), st.integers(0, 2**20), st.data()
)
def test_completions_solve_the_normal_equations(
    count: int, channels: int, height: int, width: int, seed: int, data: st.DataObject
) -> None:
    gaussian = PixelGaussian.fit(smooth(count, channels, height, width, seed))
    covariance = dense(gaussian).double()
    assert torch.allclose(covariance, covariance.T, atol=1e-6)
    assert torch.linalg.eigvalsh(covariance).min() > -1e-6
    hidden = data.draw(st.sets(st.integers(0, height * width - 1), min_size=1, max_size=height * width - 1))
    visible = torch.ones(height * width)
    visible[list(hidden)] = 0
    visible_1HW = visible.view(1, height, width)
    image = smooth(1, channels, height, width, seed + 1)
    completed = gaussian.complete(image, visible_1HW[None])
    seen = (visible_1HW > 0).expand(channels, -1, -1).reshape(-1)
    rotated = torch.einsum("cd,bdhw->bchw", gaussian.rotation_CC, image)[0].reshape(-1).double()
    mean = gaussian.mean_CHW.reshape(-1).double()
    inner = covariance[seen][:, seen] + pixel_gaussian.NUGGET * torch.eye(int(seen.sum()))
    wanted = mean.clone()
    wanted[~seen] += covariance[~seen][:, seen] @ torch.linalg.solve(inner, (rotated - mean)[seen])
    found = torch.einsum("cd,bdhw->bchw", gaussian.rotation_CC, completed)[0].reshape(-1).double()
    assert (found - wanted)[~seen].abs().max() < 0.01  # less than three levels of 255
    assert torch.equal(completed[0][:, visible_1HW[0] > 0], image[0][:, visible_1HW[0] > 0])


def test_the_covariance_is_that_of_the_images() -> None:
    images = smooth(4000, 1, 6, 6)
    gaussian = PixelGaussian.fit(images)
    measured = torch.cov(images.flatten(1).T)
    assert (dense(gaussian) - measured).norm() < 0.15 * measured.norm()


def test_draws_have_the_covariance_of_the_gaussian() -> None:
    gaussian = PixelGaussian.fit(smooth(500, 3, 5, 4))
    drawn = torch.einsum("cd,bdhw->bchw", gaussian.rotation_CC, gaussian.draw(20000, generator())).flatten(1)
    covariance = dense(gaussian)
    assert (torch.cov(drawn.T) - covariance).norm() < 0.05 * covariance.norm()
    assert drawn.mean(dim=0).abs().max() < 0.02


def test_deviations_are_zero_where_a_pixel_is_visible_and_larger_far_from_one() -> None:
    gaussian = PixelGaussian.fit(smooth(500, 1, 12, 12))
    visible = torch.ones(1, 12, 12)
    visible[:, 2:10, 2:10] = 0
    deviation = gaussian.deviations(visible, 200, generator())
    assert deviation[:, visible > 0].abs().max() < 0.02
    std = deviation.std(dim=0)[0]
    assert std[5:7, 5:7].mean() > 1.3 * std[2, 2:10].mean()


def test_a_pixel_that_never_varies_is_completed_with_its_value() -> None:
    images = smooth(200, 1, 8, 8)
    images[..., 0, :] = 0.25
    gaussian = PixelGaussian.fit(images)
    visible = torch.ones(1, 1, 8, 8)
    visible[..., :4, :] = 0
    assert gaussian.complete(images[:1], visible)[0, 0, 0].sub(0.25).abs().max() < 0.03


@pytest.mark.parametrize("images", [torch.full((1, 3, 4, 4), 0.5), torch.full((40, 1, 4, 4), 1.0)])
def test_images_without_variation_give_a_valid_gaussian(images: Tensor) -> None:
    gaussian = PixelGaussian.fit(images)
    visible = torch.ones(1, 1, 4, 4)
    visible[..., 1:3, 1:3] = 0
    completed = gaussian.complete(images[:1], visible)
    assert completed.sub(images[:1]).abs().max() < 0.02
    assert gaussian.draw(3, generator()).isfinite().all()


def test_a_given_centre_replaces_the_mean() -> None:
    gaussian = PixelGaussian.fit(smooth(300, 3, 6, 6))
    centre = smooth(1, 3, 6, 6, seed=9)
    visible = torch.zeros(1, 1, 6, 6)
    visible[..., 0, 0] = 1
    image = centre.clone()
    assert (
        gaussian.complete(image, visible, centre).sub(centre).abs().max() < 1e-5
    )  # no offset is seen, so none is added


def test_the_density_is_that_of_a_multivariate_normal() -> None:
    images = smooth(200, 3, 4, 5)
    gaussian = PixelGaussian.fit(images)
    noisy = dense(gaussian).double() + pixel_gaussian.NUGGET * torch.eye(60)
    rotated = torch.einsum("cd,bdhw->bchw", gaussian.rotation_CC, images[:7]).flatten(1).double()
    wanted = MultivariateNormal(gaussian.mean_CHW.flatten().double(), noisy).log_prob(rotated)
    assert torch.allclose(gaussian.log_density(images[:7]).double(), wanted, rtol=1e-3, atol=0.05)


def test_the_density_of_large_images_is_refused() -> None:
    gaussian = PixelGaussian.fit(torch.rand(2, 1, 65, 65))
    with pytest.raises(ValueError, match="more than 4,096 values"):
        gaussian.log_density(torch.rand(1, 1, 65, 65))

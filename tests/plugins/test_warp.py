"""The variant of deformations: pairs of one class, and deformations that are those between its images."""

import pytest
import torch
from vaeaug_plugins.samplers.warp import WarpSampler
from vaeaug_plugins.variants.warp import WarpVAE, _partners

from vaeaug import ImageSpec
from vaeaug.contracts import Latents
from vaeaug.testing.reference import FixedPrior, SquaredDistance


def _squares(count: int) -> torch.Tensor:
    """Soft squares that stand at different places to the left and right, but never higher or lower."""
    across_W = torch.arange(16).float()
    places_B = torch.linspace(5, 10, count)
    profile_BW = torch.sigmoid(4 - 2 * (across_W[None] - places_B[:, None]).abs())
    rows_H = torch.sigmoid(4 - 2 * (across_W - 7.5).abs())
    return (rows_H[None, :, None] * profile_BW[:, None, :])[:, None]


def test_partners_are_of_the_same_class_and_another_image() -> None:
    y_B = torch.tensor([0, 1, 0, 2, 1, 0, 0, 1])
    seen = set()
    for seed in range(20):
        partner_B, has_partner_B = _partners(y_B, torch.Generator().manual_seed(seed))
        assert torch.equal(y_B[partner_B], y_B)
        assert has_partner_B.tolist() == [1, 1, 1, 0, 1, 1, 1, 1]  # the class 2 has one image
        assert all(int(partner) != i for i, partner in enumerate(partner_B) if has_partner_B[i])
        seen.add(tuple(partner_B.tolist()))
    assert len(seen) > 5  # a random order
    assert torch.equal(_partners(y_B, None)[0], _partners(y_B, None)[0])


@pytest.mark.parametrize("reach", [0.0, 0.02, 1.0])
def test_long_deformations_are_reduced_as_a_whole(reach: float) -> None:
    latent_ND = torch.randn((5, 3), generator=torch.Generator().manual_seed(0))
    latents = Latents(latent_ND, torch.zeros(5, dtype=torch.int64))

    def drawn(**options: float) -> torch.Tensor:
        sampler = WarpSampler(FixedPrior(latent_ND), latents, 0, 0, torch.device("cpu"), WarpSampler.Config(**options))
        return sampler.draw(0, 8, torch.Generator().manual_seed(1)).deformation.displacement_B2HW

    free, limited = drawn(reach=1.0), drawn(reach=reach)
    longest_B = limited.square().sum(dim=1).amax(dim=(1, 2)).sqrt()
    assert longest_B.max() <= reach + 1e-6
    factor_B = (limited * free).sum((1, 2, 3)) / free.square().sum((1, 2, 3))
    torch.testing.assert_close(limited, factor_B[:, None, None, None] * free)
    free_longest_B = free.square().sum(dim=1).amax(dim=(1, 2)).sqrt()
    torch.testing.assert_close(longest_B, free_longest_B.clamp(max=reach))


def test_the_reach_is_a_fraction_of_the_shorter_side() -> None:
    latent_ND = torch.randn((5, 3), generator=torch.Generator().manual_seed(0))
    prior = FixedPrior(latent_ND)
    prior.spec = ImageSpec(channels=1, height=10, width=100)
    latents = Latents(latent_ND, torch.zeros(5, dtype=torch.int64))
    sampler = WarpSampler(prior, latents, 0, 0, torch.device("cpu"), WarpSampler.Config(reach=0.1))
    deformation = sampler.draw(0, 8, torch.Generator().manual_seed(1)).deformation
    pixels_B2HW = deformation.displacement_B2HW * torch.tensor([100.0, 10.0])[:, None, None]
    assert pixels_B2HW.square().sum(dim=1).sqrt().max() <= 1 + 1e-5


def test_deformations_are_those_between_images_of_the_class() -> None:
    """The squares differ along one axis, so learned displacements are along that axis."""
    torch.manual_seed(0)
    spec = ImageSpec(channels=1, height=16, width=16, num_classes=1, raw_channels=1)
    model = WarpVAE(spec, WarpVAE.Config(width=32, latent_dim=4))
    loss = SquaredDistance(spec, SquaredDistance.Config())
    x_BCHW, y_B = _squares(12), torch.zeros(12, dtype=torch.int64)
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    errors = []
    for _ in range(150):
        terms = model.losses(x_BCHW, y_B, loss, generator)["model"]
        errors.append(float(terms["pair_error"].detach()))
        optimizer.zero_grad()
        torch.stack([term.mean() for term in terms.values()]).sum().backward()
        optimizer.step()
    assert sum(errors[-10:]) < 0.5 * sum(errors[:10])
    with torch.no_grad():
        latent = model.eval().encode(x_BCHW, y_B).latent
        strong, weak = (
            model.deform(latent, y_B, torch.full((12,), strength), torch.Generator().manual_seed(1))
            for strength in (1.0, 0.5)
        )
    right, down = (strong.displacement_B2HW[:, axis].square().mean().sqrt() for axis in (0, 1))
    assert right > 3 * down
    assert right > 0.03  # half a pixel of 16
    ratio = weak.displacement_B2HW.square().mean().sqrt() / strong.displacement_B2HW.square().mean().sqrt()
    assert 0.3 < ratio < 0.7

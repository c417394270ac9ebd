"""Samplers on latents whose distribution is known."""

import time

import pytest
import torch
from vaeaug_plugins.samplers.interpolate import InterpolateSampler
from vaeaug_plugins.samplers.mixture import MixtureSampler
from vaeaug_plugins.samplers.posterior import PosteriorSampler
from vaeaug_plugins.samplers.prior import PriorSampler
from vaeaug_plugins.samplers.residual import ResidualSampler

from vaeaug.contracts import Latents, parse_options
from vaeaug.errors import InputError
from vaeaug.nn import nearest_neighbours

CPU = torch.device("cpu")


class Named:
    """All that these samplers ask of a variant."""

    name = "toy"
    conditional = False

    def prior(self, y_B: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return torch.randn(len(y_B), 3, generator=generator) + 10 * y_B[:, None]


def _latents(latent, scale=None):  # type: ignore[no-untyped-def]
    first = latent if isinstance(latent, torch.Tensor) else latent[0]
    count = len(first)
    return Latents(latent, torch.zeros(count, dtype=torch.int64), scale)


def _draw(sampler, count: int, seed: int = 0):  # type: ignore[no-untyped-def]
    return sampler.draw(0, count, torch.Generator().manual_seed(seed))


def _gauss(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_a_mixture_has_the_moments_of_the_aggregated_posterior() -> None:
    """Modes ~ N(m, S) with posteriors of scale s give latents of mean m and covariance S + s^2 I."""
    mean_D = torch.tensor([3.0, -2.0])
    factor = torch.tensor([[1.0, 0.0], [0.8, 0.3]])
    modes_ND = _gauss((2000, 2)) @ factor.T + mean_D
    sampler = MixtureSampler(Named(), _latents(modes_ND, torch.full((2000, 2), 0.5)), 0, 0, CPU)  # type: ignore[arg-type]
    drawn_BD = _draw(sampler, 40_000).latent
    torch.testing.assert_close(drawn_BD.mean(0), mean_D, atol=0.08, rtol=0)
    torch.testing.assert_close(drawn_BD.T.cov(), factor @ factor.T + 0.25 * torch.eye(2), atol=0.1, rtol=0)


def test_a_mixture_finds_two_separate_groups() -> None:
    modes_ND = torch.cat([_gauss((150, 2)) * 0.1 - 5, _gauss((50, 2), 1) * 0.1 + 5])
    sampler = MixtureSampler(Named(), _latents(modes_ND), 0, 0, CPU)  # type: ignore[arg-type]
    drawn_BD = _draw(sampler, 8000).latent
    upper = drawn_BD.mean(1) > 0
    assert upper.float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert (drawn_BD.abs().mean(1) > 4).all()  # nothing between the two


@pytest.mark.parametrize(("count", "dimensions"), [(2, 4), (2, 256), (3, 600), (60, 256)])
@pytest.mark.parametrize("scaled", [True, False])
def test_few_images_and_many_dimensions(count: int, dimensions: int, scaled: bool) -> None:
    modes_ND = _gauss((count, dimensions))
    scale = torch.full_like(modes_ND, 0.1) if scaled else None
    sampler = MixtureSampler(Named(), _latents(modes_ND, scale), 0, 0, CPU)  # type: ignore[arg-type]
    drawn_BD = _draw(sampler, 64).latent
    assert drawn_BD.shape == (64, dimensions)
    assert torch.isfinite(drawn_BD).all()
    assert drawn_BD.abs().max() < 20


def test_one_image_repeated_is_no_trouble() -> None:
    modes_ND = torch.ones(5, 3)
    drawn_BD = _draw(MixtureSampler(Named(), _latents(modes_ND), 0, 0, CPU), 100).latent  # type: ignore[arg-type]
    torch.testing.assert_close(drawn_BD, torch.ones(100, 3), atol=0.05, rtol=0)


def test_a_mixture_keeps_the_shape_of_a_tree_of_latents() -> None:
    tree = (_gauss((40, 2)), _gauss((40, 1, 2, 2), 1) + 9)
    first, second = _draw(MixtureSampler(Named(), _latents(tree), 0, 0, CPU), 500).latent  # type: ignore[arg-type]
    assert (first.shape, second.shape) == ((500, 2), (500, 1, 2, 2))
    assert abs(first.mean().item()) < 0.5
    assert second.mean().item() == pytest.approx(9, abs=0.5)


def test_a_mixture_depends_on_its_seed_alone() -> None:
    latents = _latents(_gauss((120, 4)), torch.full((120, 4), 0.3))
    draws = [_draw(MixtureSampler(Named(), latents, 0, seed, CPU), 10).latent for seed in (0, 0, 1)]  # type: ignore[arg-type]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_discrete_latents_have_no_mixture() -> None:
    with pytest.raises(InputError, match="needs continuous latents"):
        MixtureSampler(Named(), _latents(torch.zeros(4, 2, dtype=torch.int64)), 0, 0, CPU)  # type: ignore[arg-type]


def test_a_fit_takes_seconds_whatever_the_number_of_images() -> None:
    latents = _latents(_gauss((60_000, 16)), torch.full((60_000, 16), 0.3))
    began = time.process_time()
    MixtureSampler(Named(), latents, 0, 0, CPU)  # type: ignore[arg-type]
    assert time.process_time() - began < 20


def test_posterior_draws_have_the_moments_of_each_posterior() -> None:
    modes_ND, scales_ND = torch.tensor([[0.0, 5.0], [100.0, -5.0]]), torch.tensor([[1.0, 0.1], [2.0, 0.5]])
    draw = _draw(PosteriorSampler(Named(), _latents(modes_ND, scales_ND), 0, 0, CPU), 10_000)  # type: ignore[arg-type]
    assert draw.sources[:5] == (0, 1, 0, 1, 0)
    for image in (0, 1):
        mine = draw.latent[image::2]
        torch.testing.assert_close(mine.mean(0), modes_ND[image], atol=0.1, rtol=0)
        torch.testing.assert_close(mine.std(0), scales_ND[image], atol=0, rtol=0.05)


def test_posterior_draws_go_on_where_the_last_ones_stopped() -> None:
    sampler = PosteriorSampler(Named(), _latents(torch.zeros(5, 1), torch.ones(5, 1)), 0, 0, CPU)  # type: ignore[arg-type]
    assert sampler.draw(64, 3, torch.Generator()).sources == (4, 0, 1)


def test_without_a_gaussian_posterior_there_is_nothing_to_draw_around() -> None:
    with pytest.raises(InputError, match="needs a Gaussian posterior"):
        PosteriorSampler(Named(), _latents(torch.zeros(5, 1)), 0, 0, CPU)  # type: ignore[arg-type]


def test_the_prior_is_the_variants_own_for_the_label() -> None:
    drawn_BD = _draw(PriorSampler(Named(), _latents(torch.zeros(5, 1)), 2, 0, CPU), 1000).latent  # type: ignore[arg-type]
    assert drawn_BD.mean().item() == pytest.approx(20, abs=0.2)


def _between(latent, **options: float):  # type: ignore[no-untyped-def]
    return InterpolateSampler(Named(), _latents(latent), 0, 0, CPU, InterpolateSampler.Config(**options))  # type: ignore[arg-type]


def test_interpolation_stays_on_the_lines_to_the_nearest_neighbours() -> None:
    """Two far pairs: with one neighbour nothing lies between the pairs, and all of t in [-reach, 1 + reach] occurs."""
    modes_ND = torch.tensor([[0.0, 0.0], [1.0, 0.0], [100.0, 5.0], [100.0, 7.0]])
    draw = _draw(_between(modes_ND, neighbours=1, reach=0.5), 20_000)
    first, third = draw.latent[0::4], draw.latent[2::4]
    assert draw.sources[:5] == (0, 1, 2, 3, 0)
    assert first[:, 1].unique().tolist() == [0.0]
    assert third[:, 0].unique().tolist() == [100.0]
    for t_B in (first[:, 0], (third[:, 1] - 5) / 2):
        assert t_B.min().item() == pytest.approx(-0.5, abs=0.01)
        assert t_B.max().item() == pytest.approx(1.5, abs=0.01)
        assert t_B.mean().item() == pytest.approx(0.5, abs=0.02)


def test_every_one_of_the_neighbours_is_drawn_towards() -> None:
    modes_ND = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [50.0, 50.0]])
    drawn_BD = _draw(_between(modes_ND, neighbours=3, reach=0.0), 5000).latent[0::5]
    for towards in (drawn_BD[:, 0] > 0, drawn_BD[:, 1] > 0, drawn_BD[:, 0] < 0):
        assert towards.float().mean().item() == pytest.approx(1 / 3, abs=0.05)


def test_distances_are_taken_over_all_leaves_of_a_tree() -> None:
    near, far = torch.tensor([[0.0], [0.1], [5.0]]), torch.tensor([[[0.0]], [[9.0]], [[0.0]]])
    first, second = _draw(_between((near, far), neighbours=1, reach=0.0), 3000).latent
    assert first[0::3].max() > 1  # the nearest of image 0 is image 2, by the second leaf
    assert second[0::3].abs().max() == 0


def test_one_image_has_no_neighbour_and_is_itself() -> None:
    assert _draw(_between(torch.tensor([[3.0]])), 10).latent.unique().tolist() == [3.0]


def test_neighbours_are_those_of_a_full_sort_however_the_distances_are_cut() -> None:
    flat_ND = _gauss((50, 3))
    expected = torch.cdist(flat_ND, flat_ND).fill_diagonal_(torch.inf).argsort(dim=1)[:, :4]
    for distances in (1, 350, 2500):
        assert torch.equal(nearest_neighbours(flat_ND, 4, distances=distances), expected)


def test_discrete_latents_have_nothing_between_them() -> None:
    with pytest.raises(InputError, match="needs continuous latents"):
        _between(torch.zeros(4, 2, dtype=torch.int64))


def _residual(latent, **options: object):  # type: ignore[no-untyped-def]
    return ResidualSampler(Named(), _latents(latent), 0, 0, CPU, ResidualSampler.Config(**options))  # type: ignore[arg-type]


def test_changes_start_at_the_image_and_end_at_most_at_its_neighbour() -> None:
    modes_ND = torch.tensor([[0.0, 0.0], [1.0, 0.0], [100.0, 5.0], [100.0, 7.0]])
    draw = _draw(_residual(modes_ND, move="neighbour", neighbours=1, strength=1.0), 8000)
    assert torch.equal(draw.origin, modes_ND.repeat(2000, 1))
    assert draw.sources[:5] == (0, 1, 2, 3, 0)
    share_B = (draw.latent - draw.origin)[0::4]
    assert share_B[:, 1].abs().max() == 0
    assert (share_B[:, 0].min().item(), share_B[:, 0].max().item()) == pytest.approx((0, 1), abs=0.01)


@pytest.mark.parametrize(("others", "strength"), [(2, 1.0), (4, 0.5), (50, 1.0)])
def test_changes_along_the_covariance_have_it(others: int, strength: float) -> None:
    factor = torch.tensor([[1.0, 0.0], [0.8, 0.3]])
    modes_ND = _gauss((4000, 2), 1) @ factor.T + torch.tensor([500.0, -200.0])
    draw = _draw(_residual(modes_ND, others=others, strength=strength), 20_000)
    step_BD = draw.latent - draw.origin
    torch.testing.assert_close(step_BD.mean(dim=0), torch.zeros(2), atol=0.03, rtol=0)
    torch.testing.assert_close(step_BD.T.cov(), strength**2 * modes_ND.T.cov(), atol=0.05, rtol=0)


def test_detail_comes_from_the_images_of_the_change_with_their_weights() -> None:
    modes_ND = _gauss((12, 3))
    draw = _draw(_residual(modes_ND, others=4, detail=0.5), 64)
    assert draw.detail.sources_BK.shape == (64, 4)
    assert all(len(set(row)) == 4 for row in draw.detail.sources_BK.tolist())
    torch.testing.assert_close(draw.detail.weights_BK.sum(dim=1), torch.zeros(64), atol=1e-6, rtol=0)
    step_BD = torch.einsum("bk,bkd->bd", draw.detail.weights_BK, modes_ND[draw.detail.sources_BK])
    torch.testing.assert_close(step_BD, 0.5 * (draw.latent - draw.origin), atol=1e-5, rtol=0)
    assert _draw(_residual(modes_ND, detail=0.0), 8).detail is None
    assert _draw(_residual(modes_ND, move="neighbour"), 8).detail is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neighbours": 9}, "neighbours has no effect with move=covariance; leave it out, or set move=neighbour"),
        ({"move": "neighbour", "others": 9}, "others has no effect with move=neighbour; .* set move=covariance"),
        ({"move": "neighbour", "detail": 0}, "detail has no effect with move=neighbour"),
    ],
)
def test_an_option_of_the_other_move_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_options(ResidualSampler.Config, options, "sampler 'residual'")


def test_options_of_the_move_itself_and_defaults_are_taken() -> None:
    for options in ({"others": "9", "detail": "0.5", "neighbours": "5"}, {"move": "neighbour", "neighbours": "9"}):
        config = parse_options(ResidualSampler.Config, options, "sampler 'residual'")
        assert {name: str(getattr(config, name)) for name in options} == options


@pytest.mark.parametrize(
    ("options", "images"), [({}, 4), ({"others": 7}, 7), ({"detail": 0.0}, 0), ({"move": "neighbour"}, 0)]
)
def test_it_is_known_of_how_many_images_there_is_detail(options: dict[str, object], images: int) -> None:
    config = ResidualSampler.Config(**options)  # type: ignore[arg-type]
    assert ResidualSampler.shares_detail_of(config) == images
    detail = _draw(_residual(_gauss((12, 3)), **options), 2).detail
    assert (0 if detail is None else detail.sources_BK.shape[1]) == images


def test_an_image_alone_in_its_class_stays_as_it_is() -> None:
    for move in ("covariance", "neighbour"):
        draw = _draw(_residual(_gauss((1, 3)), move=move), 4)
        assert torch.equal(draw.latent, draw.origin)


def test_no_strength_is_no_change_in_a_tree_of_latents_too() -> None:
    tree = (_gauss((6, 2)), _gauss((6, 1, 2, 2), 1))
    draw = _draw(_residual(tree, strength=0.0), 6)
    for moved, origin, leaf in zip(draw.latent, draw.origin, tree, strict=True):
        assert torch.equal(moved, leaf)
        assert torch.equal(origin, leaf)

"""Active units (Burda et al. 2016), and codes in use: what of a latent varies over the images."""

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vaeaug.training.collapse import ActiveUnits, CodeCounter, CodeUse, active_units


def test_active_units_counts_the_dimensions_whose_mean_varies() -> None:
    generator = torch.Generator().manual_seed(0)
    deviations_D = torch.tensor([1.0, 0.5, 0.2, 0.05, 0.01, 0.0])  # variances 1, .25, .04 lie above 0.01
    features_ND = torch.randn(4000, 6, generator=generator) * deviations_D + 7
    assert active_units(features_ND) == ActiveUnits(active=3, total=6)


def test_a_single_image_has_no_active_unit_and_no_nan() -> None:
    assert active_units(torch.randn(1, 3)) == ActiveUnits(active=0, total=3)


@pytest.mark.parametrize(
    ("active", "total", "collapsed"), [(0, 1, True), (1, 1, False), (0, 16, True), (1, 32, True), (2, 32, False)]
)
def test_collapse_is_fewer_than_one_active_dimension_in_sixteen(active: int, total: int, collapsed: bool) -> None:
    units = ActiveUnits(active, total)
    assert units.collapsed is collapsed
    assert (units.advice(kl=True) is not None) is collapsed


def test_the_advice_names_the_numbers_and_a_remedy() -> None:
    advice = ActiveUnits(1, 32).advice(kl=True)
    assert advice is not None
    assert "1 of 32" in advice
    assert "--kl-warmup" in advice


def test_the_advice_on_an_objective_without_a_kl_names_none_of_its_options() -> None:
    advice = ActiveUnits(1, 32).advice(kl=False)
    assert advice is not None
    assert "1 of 32" in advice
    assert "kl" not in advice
    assert "posterior" not in advice


@given(codes=st.lists(st.integers(0, 40), min_size=1, max_size=200), cut=st.integers(0, 200))
def test_perplexity_is_the_exponential_of_the_entropy_however_batches_are_cut(codes: list[int], cut: int) -> None:
    counter = CodeCounter()
    for part in (codes[:cut], codes[cut:]):
        if part:
            counter.add(torch.tensor(part)[:, None])
    use = counter.use(64)
    assert use is not None
    assert use.used == len(set(codes))
    shares = [codes.count(code) / len(codes) for code in set(codes)]
    assert math.log(use.perplexity) == pytest.approx(-sum(share * math.log(share) for share in shares), abs=1e-9)
    assert 1 - 1e-9 <= use.perplexity <= use.used + 1e-9
    assert CodeUse.of(json.loads(json.dumps({"codes": use.as_json()}))) == use


@given(used=st.integers(1, 300))
def test_codes_used_equally_often_have_their_number_as_perplexity(used: int) -> None:
    counter = CodeCounter()
    counter.add(torch.arange(used).repeat(3).reshape(-1, 1, 1))
    use = counter.use(300)
    assert use is not None
    assert use.perplexity == pytest.approx(used)
    assert use.collapsed == (used < 300 / 16)
    assert (use.advice() is not None) == use.collapsed


def test_tensors_of_a_latent_have_codebooks_of_their_own() -> None:
    counter = CodeCounter()
    counter.add((torch.tensor([[0], [1]]), torch.tensor([[0, 0], [1, 2]])))
    assert counter.use(None) == CodeUse(5, None, pytest.approx(math.exp(math.log(6) - 2 * math.log(2) / 6)))


def test_a_continuous_latent_has_no_codes() -> None:
    counter = CodeCounter()
    counter.add({"z": torch.randn(3, 2)})
    assert counter.use(None) is None


def test_the_words_name_codes_and_the_codebook() -> None:
    assert str(CodeUse(2, 256, 1.94)) == "2 of 256 codes are in use (perplexity 1.9)"
    assert str(CodeUse(2, None, 1.94)) == "2 codes are in use (perplexity 1.9)"
    assert "codebook collapse: 2 of 256 codes" in str(CodeUse(2, 256, 1.94).advice())

"""What images are measured by: closed forms, and that nothing depends on an image's neighbours."""

import math

import numpy as np
import pytest
import tiny_data
import torch
from shipped_plugins import VARIANTS

import vaeaug
from vaeaug.anomaly.label_scores import EVIDENCE, FEATURES, NOT_SCORED, choose_label_method
from vaeaug.anomaly.measure import VARIANCE_OFFSET, measure
from vaeaug.anomaly.score_images import features_of, score_images
from vaeaug.contracts import annealed_names
from vaeaug.models.likelihood import iwae_bound
from vaeaug.seeds import seed_of
from vaeaug.training.batches import as_images


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> vaeaug.Model:
    return vaeaug.load(tiny_data.model(tmp_path_factory))


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    drawn = [tiny_data.image(label, number) for label in ("ant", "bee") for number in range(40)]
    return np.stack([np.asarray(image)[..., None] for image in drawn])


def _measured(model: vaeaug.Model, images: np.ndarray, draws: int = 5):
    x_BCHW = as_images(images, torch.device("cpu"))
    return measure(model.stored.network(1), x_BCHW, torch.ones(len(x_BCHW), dtype=torch.long), seed=3, draws=draws)


def test_the_bound_is_that_of_the_image_alone(model: vaeaug.Model, images: np.ndarray) -> None:
    measures = _measured(model, images[:3])
    for place in range(3):
        x_1CHW = as_images(images[place : place + 1], torch.device("cpu"))
        generator = torch.Generator().manual_seed(seed_of(3, "evidence"))
        bound_1 = iwae_bound(model.stored.network(1), x_1CHW, torch.ones(1, dtype=torch.long), generator, 5)
        torch.testing.assert_close(measures.iwae_bound[place : place + 1], bound_1)


def test_the_elbo_is_the_sum_of_its_parts_and_a_looser_bound(model: vaeaug.Model, images: np.ndarray) -> None:
    measures = _measured(model, images[:8], draws=400)
    torch.testing.assert_close(measures.negative_elbo, measures.reconstruction_error + measures.kl)
    assert (measures.iwae_bound < measures.negative_elbo).all()


def test_many_draws_are_made_in_parts(model: vaeaug.Model, images: np.ndarray) -> None:
    few, many = (_measured(model, images[:2], draws=draws) for draws in (50, 120))
    assert not torch.equal(few.iwae_bound, many.iwae_bound)
    torch.testing.assert_close(few.reconstruction_error, many.reconstruction_error, rtol=0.05, atol=5)


def test_pixel_errors_are_those_of_the_reconstruction_from_the_mode(model: vaeaug.Model, images: np.ndarray) -> None:
    x_BCHW = as_images(images[:4], torch.device("cpu"))
    measures = _measured(model, images[:4])
    torch.testing.assert_close(measures.error_BHW, (measures.image_BCHW - x_BCHW).abs().mean(dim=1))
    contrast = (x_BCHW.flatten(1).var(dim=1, correction=0) + VARIANCE_OFFSET).sqrt()
    squared = (measures.image_BCHW - x_BCHW).square().mean(dim=(1, 2, 3))
    torch.testing.assert_close(measures.scaled_error, squared / contrast)


def test_a_score_depends_on_no_other_image(model: vaeaug.Model, images: np.ndarray) -> None:
    labels_N = np.array([0, 1, -1, 0] * 20)
    together = score_images(model.stored, images, labels_N, seed=0, draws=3, evidence=True)
    for place in (0, 2, 79):
        one = slice(place, place + 1)
        alone = score_images(model.stored, images[one], labels_N[one], seed=0, draws=3, evidence=True)
        np.testing.assert_allclose(alone.measured_NP[0], together.measured_NP[place], rtol=1e-4)
        np.testing.assert_allclose(alone.evidence_NK[0], together.evidence_NK[place], rtol=1e-4)
        assert alone.measured_as_N[0] == together.measured_as_N[place]


def test_what_has_no_class_is_measured_as_the_likeliest(model: vaeaug.Model, images: np.ndarray) -> None:
    scores = score_images(model.stored, images, np.full(80, -1), seed=0, draws=1, evidence=False)
    assert (scores.measured_as_N == scores.evidence_NK.argmax(axis=1)).all()


def test_nobody_judges_where_there_is_no_label(model: vaeaug.Model) -> None:
    assert choose_label_method("auto", model.stored, np.full(80, -1)) == NOT_SCORED
    assert choose_label_method("evidence", model.stored, np.full(80, -1)) == NOT_SCORED
    assert choose_label_method("auto", model.stored, np.array([-1, 0])) == EVIDENCE
    assert choose_label_method("auto", model.stored, np.array([0, 1] * 5)) == FEATURES


def test_features_know_no_label(model: vaeaug.Model, images: np.ndarray) -> None:
    both = [
        score_images(model.stored, images[:9], np.full(9, label), seed=0, draws=1, evidence=False) for label in (0, 1)
    ]
    np.testing.assert_array_equal(both[0].features_ND, both[1].features_ND)
    np.testing.assert_array_equal(both[0].features_ND, features_of(model.stored, images[:9]))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_kind_of_variant_is_scored(tmp_path_factory: pytest.TempPathFactory, variant: str) -> None:
    model = vaeaug.load(tiny_data.small_model(tmp_path_factory, variant))
    images = np.stack([np.asarray(tiny_data.image("ant", number))[..., None] for number in range(12)])
    found = model.score(images, ["ant"] * 6 + ["bee"] * 6)
    for name in ("scaled_error", "absolute_error", "negative_elbo", "reconstruction_error", "label_surprise"):
        assert np.isfinite(found[name]).all(), name
    network = model.stored.network(0).variant
    encoded = network.encode(as_images(images, torch.device("cpu")), torch.zeros(12, dtype=torch.int64))
    assert np.isnan(found["kl"]).all() == (not annealed_names(network, encoded.penalties))
    assert np.isnan(found["iwae_bound"]).all() == (encoded.log_ratio is None)
    assert math.isclose(found["error"][0].mean(), found["absolute_error"][0], rel_tol=1e-5)

"""Features are one row an image, in order, and say what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from feature_networks import tiny
from torch.nn.functional import interpolate

from vaeaug.classifier.fit import ClassifierConfig
from vaeaug.errors import InputError
from vaeaug.evaluation.embedding import PRETRAINED_SIDE, classifier_embedding, embed, pretrained_embedding

RNG = np.random.default_rng(0)


def test_a_classifier_of_the_real_images_tells_their_classes_apart() -> None:
    labels_N = np.arange(40) % 2
    pixels_NHWC = RNG.integers(0, 60, (40, 8, 8, 1), dtype=np.uint8)
    pixels_NHWC[labels_N == 1, :, :4] += 150
    embedding = classifier_embedding(pixels_NHWC, labels_N, 2, seed=0, config=ClassifierConfig(steps=40, features=4))
    assert embedding.name == "last-layer features of a classifier trained on these 40 real images"
    images = embed(embedding, pixels_NHWC, labels_N)
    assert images.features_NF.shape == (40, 4 * 27)
    assert images.features_NF.dtype == np.float32
    centre_2F = np.stack([images.features_NF[labels_N == label].mean(axis=0) for label in (0, 1)])
    apart_N2 = np.linalg.norm(images.features_NF[:, None] - centre_2F, axis=2)
    np.testing.assert_array_equal(apart_N2.argmin(axis=1), labels_N)
    again = classifier_embedding(pixels_NHWC, labels_N, 2, seed=0, config=ClassifierConfig(steps=40, features=4))
    np.testing.assert_array_equal(again.compute(pixels_NHWC), images.features_NF)
    assert embedding.compute(pixels_NHWC[:0]).shape == (0, 108)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_pretrained_network_sees_images_as_it_was_trained_on_and_its_maps_are_averaged(channels: int) -> None:
    pixels_NHWC = RNG.integers(0, 256, (35, 9, 7, channels), dtype=np.uint8)  # more than a chunk
    embedding = pretrained_embedding("feature_networks:tiny")
    features_NF = embedding.compute(pixels_NHWC)
    assert features_NF.shape == (35, 8)
    x_1CHW = torch.from_numpy(pixels_NHWC[34:]).permute(0, 3, 1, 2).float().div(255).expand(-1, 3, -1, -1)
    x_1CHW = interpolate(x_1CHW, size=(PRETRAINED_SIDE,) * 2, mode="bilinear", antialias=True)
    mean_C11, deviation_C11 = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    with torch.no_grad():
        expected_F = tiny()((x_1CHW - mean_C11) / deviation_C11).mean(dim=(2, 3))[0]
    np.testing.assert_allclose(features_NF[34], expected_F, rtol=1e-4, atol=1e-5)
    assert embedding.name == "features of feature_networks:tiny, what it returns, mean over places"
    assert embedding.compute(pixels_NHWC[:0]).shape == (0, 8)


def test_a_name_has_no_place_of_this_machine_in_it(tmp_path: Path) -> None:
    torch.save(tiny().state_dict(), tmp_path / "mine.pt")
    embedding = pretrained_embedding("feature_networks:tiny", str(tmp_path / "mine.pt"), layer="0")
    assert embedding.name == "features of feature_networks:tiny (mine.pt), layer 0, mean over places"


def test_a_network_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="resnet1"):
        pretrained_embedding("resnet1")


def test_weights_that_are_not_there_are_asked_for_by_the_options_name() -> None:
    with pytest.raises(InputError, match=r"nowhere.pth.*--embedding-weights FILE"):
        pretrained_embedding("squeezenet1_1", "nowhere.pth")

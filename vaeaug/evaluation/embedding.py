"""Features for comparing images: the last features of a network, with a name that is shown with all figures.

By default the network is a classifier trained on the user's real training images: it needs no download and separates
the classes. It has not seen synthetic or held-out images, so compare scores of synthetic images with scores of held-out
real images.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.classifier.fit import ClassifierConfig, Source, fit_classifier
from vaeaug.nn import pretrained_vectors
from vaeaug.nn.named_network import TIMM, split_network_name
from vaeaug.nn.network_input import NetworkInput, network_input
from vaeaug.seeds import seed_of
from vaeaug.training.batches import in_chunks

PRETRAINED_SIDE = NetworkInput().side
"""Pixels of both sides of an image as a pretrained network sees it, which nearly all are trained with."""

CHUNK = 32
"""Images that a pretrained network receives at a time."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """A function from images to features.

    Attributes:
        name: a description that is shown next to every figure.
        compute: uint8 images (N, H, W, C) -> float32 features (N, F).
    """

    name: str
    compute: Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Embedded:
    """Images, uint8, with float32 features and class indices."""

    pixels_NHWC: NDArray[np.uint8]
    features_NF: NDArray[np.float32]
    labels_N: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels_N)


def embed(embedding: Embedding, pixels_NHWC: NDArray[np.uint8], labels_N: NDArray[np.int64]) -> Embedded:
    """Return images with their features."""
    return Embedded(pixels_NHWC, embedding.compute(pixels_NHWC), labels_N)


def classifier_embedding(
    pixels_NHWC: NDArray[np.uint8],
    labels_N: NDArray[np.int64],
    classes: int,
    *,
    seed: int,
    config: ClassifierConfig | None = None,
    device: torch.device | None = None,
    report: Callable[[float], None] = lambda _: None,
) -> Embedding:
    """Train a classifier on real images and return its last features.

    Args:
        classes: K.
        config: `ClassifierConfig()` if None; the batch size is at most the number of images.
        device: the CPU if None.
        report: called with the fraction of the training that is done.
    """
    config = config or ClassifierConfig()
    classifier = fit_classifier(
        [Source(pixels_NHWC, labels_N)],
        classes,
        seed=seed_of(seed, "embedding"),
        config=dataclasses.replace(config, batch_size=min(config.batch_size, len(labels_N))),
        device=device,
        report=report,
    )
    return Embedding(
        f"last-layer features of a classifier trained on these {len(labels_N):,} real images", classifier.embeddings
    )


def pretrained_embedding(
    network: str,
    weights: str | None = None,
    *,
    layer: str | None = None,
    images: NetworkInput | None = None,
    device: torch.device | None = None,
    option: str = "--embedding-weights FILE",
) -> Embedding:
    """Return the features of whole images by a pretrained network (`vaeaug.nn.pretrained_vectors`).

    Images are resized, gray ones repeated to three channels, and normalized.

    Args:
        network: a network by name (`vaeaug.nn.named_network`).
        weights: a file with a state dict; the published or the callable's own weights if None.
        layer: a submodule that outputs vectors (B, D), tokens (B, T, D) or feature maps (B, F, h, w), by name; the last
            two are averaged. If None, the input of a classifier's last layer, or the output of the callable's module.
        images: how the network receives images. If None, at `PRETRAINED_SIDE` and normalized like ImageNet, but as timm
            records it for a network of timm.
        device: the CPU if None.
        option: how the user names a weights file, for messages.

    Raises:
        InputError: if the network, the layer or the weights are missing, or if the output has none of these shapes.
    """
    target_device = device or torch.device("cpu")
    if images is None:
        images = network_input(network) if split_network_name(network)[0] == TIMM else NetworkInput()
    vectors = pretrained_vectors(network, weights, layer, images.side, target_device, option)

    def compute(pixels_NHWC: NDArray[np.uint8]) -> NDArray[np.float32]:
        # A small chunk keeps the maps of a large network within some hundred MB.
        chunks = in_chunks(
            pixels_NHWC, np.zeros(len(pixels_NHWC), np.int64), np.arange(len(pixels_NHWC)), target_device, CHUNK
        )
        with torch.inference_mode():
            parts = [vectors(images(x_BCHW)).float().cpu().numpy() for x_BCHW, _ in chunks]
        return np.concatenate(parts) if parts else np.empty((0, vectors.width), np.float32)

    source = f"{network} ({Path(weights).name})" if weights else network
    return Embedding(f"features of {source}, {vectors.description}", compute)

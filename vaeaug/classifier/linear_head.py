"""A linear classifier on features that were computed before: regularized softmax regression by optimizer steps.

Features are standardized on the training images. The steps are those of all classifiers (`vaeaug.classifier.fit`), so
sources, class weights and mixup mean the same; mixup mixes features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vaeaug.classifier.class_weights import ClassWeights
from vaeaug.classifier.fit import ClassifierConfig, Source, optimize, seeded
from vaeaug.classifier.network import ClassifierNetwork
from vaeaug.training.batches import Augment

LINEAR_HEAD = ClassifierConfig(learning_rate=1e-3, weight_decay=0.0, l2=8e-4)
"""How the head is trained. `tests/benchmarks/linear_head.py` compares penalties on features of EfficientNet-Lite0."""


class LinearHead(ClassifierNetwork):
    """Features (B, D) to logits (B, K).

    Args:
        mean_D, std_D: of the features of the training images.
    """

    mean_D: Tensor
    std_D: Tensor

    def __init__(self, mean_D: Tensor, std_D: Tensor, classes: int) -> None:
        super().__init__()
        self.register_buffer("mean_D", mean_D)
        self.register_buffer("std_D", std_D)
        self.head = nn.Linear(len(mean_D), classes)
        nn.init.zeros_(self.head.weight)

    def embed(self, x_BD: Tensor) -> Tensor:
        """Return standardized features."""
        return (x_BD - self.mean_D) / self.std_D


class LinearClassifier:
    """A trained linear head."""

    def __init__(self, network: LinearHead) -> None:
        self.network = network

    def probabilities(self, features_NVD: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return p(class | image), (N, K), from the first view of each image."""
        with torch.inference_mode():
            logits_NK = self.network(_as_input(features_NVD, self.network.head.weight.device))
        probabilities_NK: NDArray[np.float32] = logits_NK.softmax(dim=1).cpu().numpy()
        return probabilities_NK


def fit_linear_head(
    sources: Sequence[Source],
    classes: int,
    *,
    seed: int,
    config: ClassifierConfig = LINEAR_HEAD,
    augment: Augment | None = None,
    weights: ClassWeights | None = None,
    device: torch.device | None = None,
    report: Callable[[float], None] = lambda _: None,
) -> LinearClassifier:
    """Train a linear head, as `fit_classifier` trains a network.

    Args:
        sources: of features, float32 (N, V, D): V views of each image.
        augment: `choose_view`; the first view of each image is used if None.
    """
    device = device or torch.device("cpu")
    features_MD = np.concatenate([source.pixels_NHWC.reshape(-1, source.pixels_NHWC.shape[-1]) for source in sources])
    mean_D = torch.from_numpy(features_MD.mean(axis=0)).to(device)
    std_D = torch.from_numpy(features_MD.std(axis=0) + np.float32(1e-6)).to(device)
    with seeded(seed, device):
        network = LinearHead(mean_D, std_D, classes).to(device)
        optimize(
            network,
            sources,
            seed=seed,
            config=config,
            augment=augment,
            weights=weights,
            device=device,
            as_input=_as_input,
            report=report,
        )
    return LinearClassifier(network.eval())


def choose_view(features_BVD: NDArray[Any], seeds: Sequence[int]) -> NDArray[Any]:
    """Return one view of each image, (B, 1, D), chosen by its seed."""
    images, views = features_BVD.shape[:2]
    chosen_BD: NDArray[Any] = features_BVD[np.arange(images), [seed % views for seed in seeds]]
    return chosen_BD[:, None]


def _as_input(features_BVD: NDArray[np.float32], device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(features_BVD[:, 0])).to(device)

"""Training a classifier on images in memory: cross-entropy, AdamW, one cycle of the learning rate."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from vaeaug.classifier.class_weights import ClassWeights, weighted_mean
from vaeaug.classifier.network import ClassifierNetwork, ConvClassifier
from vaeaug.nn.adamw import AdamW
from vaeaug.nn.learning_rate import one_cycle
from vaeaug.seeds import seed_of
from vaeaug.training.batches import Augment, as_images, in_chunks


@dataclass(frozen=True, slots=True)
class ClassifierConfig:
    """How a classifier is trained.

    Attributes:
        learning_rate: at its peak, after 30 % of the steps.
        weight_decay: decoupled.
        label_smoothing: of the targets (Szegedy et al. 2016).
        features: of the first convolution.
        mixup: alpha of the Beta distribution by which pairs of images are mixed (Zhang et al. 2018); 0 for none.
        l2: per feature, the factor of half the squared weights of the head, which is added to the cross-entropy.

    `features` and `dropout` are of the small network only.
    """

    steps: int = 1200
    batch_size: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    features: int = 32
    dropout: float = 0.3
    mixup: float = 0.0
    l2: float = 0.0


NetworkBuilder = Callable[[int], ClassifierNetwork]
"""Returns an untrained classifier of K classes. Its random numbers are those of torch, which are seeded."""

AsInput = Callable[[NDArray[Any], torch.device], Tensor]
"""Returns a batch as a network receives it, on a device."""


@dataclass(frozen=True, slots=True)
class Source:
    """Images that a part of every batch is drawn from, uniformly.

    Attributes:
        pixels_NHWC: uint8; or features of images, (N, V, D) (`vaeaug.classifier.linear_head`).
        fraction: of the batch, in (0, 1]; all sources together have 1.
    """

    pixels_NHWC: NDArray[Any]
    labels_N: NDArray[np.int64]
    fraction: float = 1.0


class Classifier:
    """A trained classifier; its network is in eval mode."""

    def __init__(self, network: ClassifierNetwork) -> None:
        self.network = network
        self.device = next(network.parameters()).device

    def probabilities(self, pixels_NHWC: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return p(class | image), (N, K)."""
        parts = [self.network(x_BCHW).softmax(dim=1) for x_BCHW in self._chunks(pixels_NHWC)]
        return _stacked(parts, self.network.head.out_features)

    def embeddings(self, pixels_NHWC: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the last features, (N, F)."""
        parts = [self.network.embed(x_BCHW) for x_BCHW in self._chunks(pixels_NHWC)]
        return _stacked(parts, self.network.head.in_features)

    def _chunks(self, pixels_NHWC: NDArray[np.uint8]) -> Iterator[Tensor]:
        unused_labels, size = np.zeros(len(pixels_NHWC), np.int64), self.network.chunk
        with torch.inference_mode():
            for x_BCHW, _ in in_chunks(pixels_NHWC, unused_labels, np.arange(len(pixels_NHWC)), self.device, size):
                yield x_BCHW


def _stacked(parts: list[Tensor], width: int) -> NDArray[np.float32]:
    if not parts:
        return np.empty((0, width), np.float32)
    stacked: NDArray[np.float32] = torch.cat(parts).float().cpu().numpy()
    return stacked


def fit_classifier(
    sources: Sequence[Source],
    classes: int,
    *,
    seed: int,
    config: ClassifierConfig = ClassifierConfig(),
    augment: Augment | None = None,
    weights: ClassWeights | None = None,
    build: NetworkBuilder | None = None,
    device: torch.device | None = None,
    report: Callable[[float], None] = lambda _: None,
) -> Classifier:
    """Train a classifier; the result is deterministic on one machine with one thread.

    Args:
        sources: of images of one shape.
        classes: K.
        seed: of the weights, the batches, the dropout and the augmentation.
        augment: applied to every batch, with one seed per image.
        weights: of the classes in the cross-entropy; equal if None.
        build: returns the network, on the device; a `ConvClassifier` if None.
        device: the CPU if None.
        report: called with the fraction of the steps that are done, at every step.
    """
    device = device or torch.device("cpu")
    _, height, width, channels = sources[0].pixels_NHWC.shape

    def small_network(classes: int) -> ClassifierNetwork:
        return ConvClassifier(
            channels=channels,
            height=height,
            width=width,
            classes=classes,
            features=config.features,
            dropout=config.dropout,
        ).to(device)

    with seeded(seed, device):
        network = (build or small_network)(classes)
        optimize(
            network, sources, seed=seed, config=config, augment=augment, weights=weights, device=device, report=report
        )
    return Classifier(network.eval())


@contextlib.contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the random numbers of torch for the training of a classifier, and restore their state afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed_of(seed, "classifier"))
        yield


def optimize(
    network: ClassifierNetwork,
    sources: Sequence[Source],
    *,
    seed: int,
    config: ClassifierConfig,
    augment: Augment | None,
    weights: ClassWeights | None,
    device: torch.device,
    as_input: AsInput = as_images,
    report: Callable[[float], None],
) -> None:
    """Take the optimizer steps of `fit_classifier`; torch is seeded already (`seeded`)."""
    # Streams of their own, so that classifiers of one seed see the same images in the same order, augmented or not.
    rng, augment_rng, mixup_rng = (
        np.random.default_rng(seed_of(seed, name))
        for name in ("classifier batches", "classifier augmentation", "classifier mixup")
    )
    weights_K = None if weights is None else torch.from_numpy(weights.values_K).float().to(device)
    counts = _counts([source.fraction for source in sources], config.batch_size)
    optimizers = [
        (AdamW(parameters, weight_decay=config.weight_decay), config.learning_rate * fraction)
        for parameters, fraction in network.parameter_groups()
    ]
    for step in range(config.steps):
        pixels_BHWC, labels_B = _batch(sources, counts, rng)
        if augment is not None:
            seeds = augment_rng.integers(0, 2**32, len(pixels_BHWC))
            pixels_BHWC = augment(pixels_BHWC, [int(value) for value in seeds])
        x_BCHW, targets_B = as_input(pixels_BHWC, device), torch.from_numpy(labels_B).to(device)
        active_weights_K = weights_K if weights is not None and weights.active_at(step, config.steps) else None
        loss = _loss(network, x_BCHW, targets_B, config, mixup_rng, active_weights_K)
        if config.l2:
            loss = loss + config.l2 * network.head.in_features / 2 * network.head.weight.square().sum()
        for optimizer, _ in optimizers:
            optimizer.zero_grad()
        torch.autograd.backward(loss)
        for optimizer, peak_rate in optimizers:
            rate, beta1 = one_cycle(peak_rate, step, config.steps)
            optimizer.step(rate, beta1=beta1)
        report((step + 1) / config.steps)


def _loss(
    network: ClassifierNetwork,
    x_BCHW: Tensor,
    targets_B: Tensor,
    config: ClassifierConfig,
    rng: np.random.Generator,
    weights_K: Tensor | None = None,
) -> Tensor:
    """Return the mean cross-entropy of a batch, with each image mixed with another one if requested."""

    def mean_loss(logits_BK: Tensor, targets_B: Tensor) -> Tensor:
        if weights_K is None:
            return cross_entropy(logits_BK, targets_B, label_smoothing=config.label_smoothing)
        losses_B = cross_entropy(logits_BK, targets_B, reduction="none", label_smoothing=config.label_smoothing)
        return weighted_mean(losses_B, targets_B, weights_K)

    if not config.mixup:
        return mean_loss(network(x_BCHW), targets_B)
    weight = float(rng.beta(config.mixup, config.mixup))
    other_B = torch.from_numpy(rng.permutation(len(x_BCHW))).to(x_BCHW.device)
    logits_BK = network(weight * x_BCHW + (1 - weight) * x_BCHW[other_B])
    # Cross-entropy is linear in the target, so mixed targets cost what mixed costs do.
    return weight * mean_loss(logits_BK, targets_B) + (1 - weight) * mean_loss(logits_BK, targets_B[other_B])


def _counts(fractions: Sequence[float], size: int) -> list[int]:
    """Return how many images of a batch come from each source; they add up to `size`."""
    edges = np.round(np.cumsum([0.0, *fractions]) / sum(fractions) * size).astype(int)
    return [int(count) for count in np.diff(edges)]


def _batch(
    sources: Sequence[Source], counts: Sequence[int], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    chosen = [rng.integers(0, len(source.labels_N), count) for source, count in zip(sources, counts, strict=True)]
    pixels = [source.pixels_NHWC[rows] for source, rows in zip(sources, chosen, strict=True)]
    labels = [source.labels_N[rows] for source, rows in zip(sources, chosen, strict=True)]
    return np.concatenate(pixels), np.concatenate(labels)

"""The classifier of an evaluation: the small network, a named network that is fine-tuned, or one that is frozen."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaeaug.classifier.fine_tuned import FineTunedNetwork, network_builder, training_memory
from vaeaug.cpus import cpu_count
from vaeaug.dataset.size import DEFAULT_MAX_SIDE, MAX_SIDE
from vaeaug.errors import InputError
from vaeaug.evaluation.embedding import CHUNK, Embedding, pretrained_embedding
from vaeaug.memory import available_memory
from vaeaug.nn.layer_trace import ImageSizeError
from vaeaug.nn.named_network import CALLABLE, RANDOM, split_network_name
from vaeaug.nn.network_input import NetworkInput, network_input
from vaeaug.workflows.evaluate.evaluate_settings import SMALL, EvaluateSettings

FINE_TUNED, EMBEDDING = "fine-tuned", "embedding"

VIEWS = 4
"""Views of each real image for classical augmentation, if features are computed beforehand."""

MIN_SIDE = 96
"""Pixels per side to which small images are enlarged at least, if the network accepts it."""

_MEMORY_REMEDY = "use a smaller --classifier-size or --classifier embedding:NETWORK"
_OPTION = "--classifier-weights FILE"
_PREFIX = "embedding:"


@dataclass(frozen=True, slots=True)
class ClassifierChoice:
    """Which classifier is trained.

    Attributes:
        kind: `SMALL`, `FINE_TUNED` or `EMBEDDING`.
        network: its name (`vaeaug.nn.named_network`); empty for `SMALL`.
        weights: a file, `RANDOM`, or None for the published or the callable's own weights.
        images: how the network receives images.
    """

    kind: str = SMALL
    network: str = ""
    weights: str | None = None
    images: NetworkInput = field(default_factory=NetworkInput)

    @property
    def name(self) -> str:
        """The classifier at the end of the verdict."""
        if self.kind == SMALL:
            return "a small network"
        return f"a linear layer on {self.network}" if self.kind == EMBEDDING else f"{self.network}, {self._training}"

    @property
    def description(self) -> str:
        """The classifier in a few words, without paths of this machine."""
        if self.kind == SMALL:
            return "small, a network of three convolutions"
        named = f"{self.network} ({self._weights_name}, {self.images.side} x {self.images.side} pixels)"
        if self.kind == EMBEDDING:
            return f"a linear layer on the frozen features of {named}"
        return f"{named}, {self._training}"

    @property
    def max_image_side(self) -> int:
        """Pixels of the longer side at which images are read, at most."""
        return DEFAULT_MAX_SIDE if self.kind == SMALL else min(MAX_SIDE, self.images.side)

    @property
    def values(self) -> dict[str, Any]:
        """The classifier as JSON values."""
        if self.kind == SMALL:
            return {"kind": SMALL}
        views = {"views": VIEWS} if self.kind == EMBEDDING else {}
        return {
            "kind": self.kind,
            "network": self.network,
            "weights": self._weights_name.removesuffix(" weights"),
            "side": self.images.side,
            **views,
        }

    @property
    def _training(self) -> str:
        return "trained from scratch" if self.weights == RANDOM else "fine-tuned"

    @property
    def _weights_name(self) -> str:
        if self.weights is None:
            return "its own weights" if split_network_name(self.network)[0] == CALLABLE else "pretrained weights"
        return "random weights" if self.weights == RANDOM else Path(self.weights).name

    @property
    def weights_file(self) -> Path | None:
        """The file that the weights are read from, if one was named."""
        return None if self.weights in (None, RANDOM) else Path(str(self.weights)).expanduser()

    def builder(self, device: torch.device) -> Callable[[int], FineTunedNetwork]:
        """Return the function that builds the network for fine-tuning (`network_builder`)."""
        return network_builder(self.network, self.weights, self.images, device, _OPTION)

    def embedding(self, device: torch.device) -> Embedding:
        """Return the features of the frozen network."""
        return pretrained_embedding(self.network, self.weights, images=self.images, device=device, option=_OPTION)


def choose_classifier(settings: EvaluateSettings) -> ClassifierChoice:
    """Return the classifier that the settings name, with the size of images that its weights were trained on.

    Raises:
        InputError: if there is no such network, or if the settings contradict each other.
    """
    text, weights = settings.classifier, settings.classifier_weights
    if text == SMALL:
        if weights is not None or settings.classifier_size is not None:
            raise InputError("--classifier-weights and --classifier-size require --classifier, which names the network")
        return ClassifierChoice()
    kind = EMBEDDING if text.startswith(_PREFIX) else FINE_TUNED
    network = text.removeprefix(_PREFIX)
    if weights == RANDOM and kind == EMBEDDING:
        raise InputError(
            f"a frozen network with random weights has no useful features; use --classifier {network} to train it, or "
            "give --classifier-weights FILE"
        )
    if weights == RANDOM and split_network_name(network)[0] == CALLABLE:
        raise InputError(f"{network} returns a network with its own weights; leave out --classifier-weights random")
    try:
        images = network_input(network)
    except InputError as error:
        alternative = f"; or --classifier {SMALL}" if ":" not in text else ""
        raise InputError(f"{error}{alternative}") from None
    if settings.classifier_size is not None:
        images = dataclasses.replace(images, side=settings.classifier_size)
    return ClassifierChoice(kind, network, weights, images)


def ready_classifier(
    choice: ClassifierChoice,
    settings: EvaluateSettings,
    shape: tuple[int, ...],
    classes: int,
    images: int,
    device: torch.device,
) -> ClassifierChoice:
    """Return the classifier with the size at which it receives images, after checking that it can be trained.

    Without `--classifier-size`, images are enlarged to twice their size, but at least to `MIN_SIDE` pixels, and at most
    to the size that the weights were trained on. A network that only accepts that size receives it.

    Args:
        shape: of the images as they are read, (H, W, C).
        classes: K.
        images: number of real and synthetic training images.

    Raises:
        InputError: if weights are missing, if the network cannot be used, or if there is too little memory.
    """
    if choice.kind == SMALL:
        return choice
    own = choice.images.side
    side = own
    if settings.classifier_size is None:
        side = min(own, max(MIN_SIDE, 32 * math.ceil(2 * max(shape[:2]) / 32)))
    for candidate in dict.fromkeys((side, own)):
        ready = dataclasses.replace(choice, images=dataclasses.replace(choice.images, side=candidate))
        try:
            _check(ready, settings, classes, images, device)
        except ImageSizeError:
            if candidate == own:
                raise
        else:
            break
    return ready


def _check(
    choice: ClassifierChoice, settings: EvaluateSettings, classes: int, images: int, device: torch.device
) -> None:
    """Build the network, load its weights, run it, and compare the memory that it takes with what there is."""
    workers = settings.workers or (cpu_count() if device.type == "cpu" else 1)
    side = choice.images.side
    try:
        if choice.kind == EMBEDDING:
            features_ND = choice.embedding(device).compute(np.zeros((CHUNK, 8, 8, 1), np.uint8))
            needed = 2 * VIEWS * images * features_ND[0].nbytes  # of all training images, as parts and together
            purpose = f"the features of {images:,} images take"
        else:
            with torch.random.fork_rng(devices=[]):
                needed = training_memory(choice.builder(device)(classes), choice.network)
            purpose = f"to fine-tune {choice.network} at {side} x {side} pixels takes"
    except (MemoryError, torch.cuda.OutOfMemoryError):
        raise InputError(
            f"{choice.network} needs more memory at {side} x {side} pixels than is available; {_MEMORY_REMEDY}"
        ) from None
    on_gpu = device.type == "cuda" and choice.kind == FINE_TUNED
    available = torch.cuda.mem_get_info(device)[0] if on_gpu else available_memory()
    if available is not None and workers * needed > available:
        remedy = "use --workers 1 or fewer images" if choice.kind == EMBEDDING else f"{_MEMORY_REMEDY} or --workers 1"
        raise InputError(
            f"{purpose} about {needed / 1e9:.1f} GB in each of {workers} processes, but {available / 1e9:.1f} GB are "
            f"free; {remedy}"
        )

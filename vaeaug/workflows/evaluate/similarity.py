"""How alike real and synthetic images are, whether some are copies, and where they lie in the plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vaeaug.classifier.fit import ClassifierConfig
from vaeaug.evaluation.embedding import Embedded, Embedding, classifier_embedding, embed, pretrained_embedding
from vaeaug.evaluation.embedding_map import EmbeddingMap, embedding_map
from vaeaug.evaluation.fidelity import FidelityReport, measure_fidelity
from vaeaug.evaluation.memorisation import Memorisation, measure_memorisation
from vaeaug.progress import Progress, Tick
from vaeaug.workflows.evaluate.data import EvaluateData
from vaeaug.workflows.evaluate.images import Images
from vaeaug.workflows.evaluate.settings import EvaluateSettings


@dataclass(frozen=True, slots=True)
class Similarity:
    """What was found.

    Attributes:
        fidelity: how alike they are.
        memorisation: how many are copies.
        map: where they lie.
        real: the real training images and their features.
        synthetic: likewise.
    """

    fidelity: FidelityReport
    memorisation: Memorisation
    map: EmbeddingMap
    real: Embedded
    synthetic: Embedded

    def remarks(self, *, edited: bool) -> tuple[str, ...]:
        """Return what the user should know of it.

        Args:
            edited: whether the synthetic images are changed real ones, which may be near to these.
        """
        if edited or not self.memorisation.far_above_chance:
            return ()
        held_out = self.memorisation.held_out
        beside = f", of held-out real ones {100 * held_out.unusually_near:.1f} %" if held_out else ""
        return (
            f"{100 * self.memorisation.overall.unusually_near:.1f} % of the synthetic images are unusually near to a "
            f"real training image{beside}: the model may give back what it was shown; look at the nearest pairs, and "
            "make them with another --sampler, or of a model that is trained for less long",
        )


def measure_similarity(
    data: EvaluateData, settings: EvaluateSettings, device: torch.device, steps: int, progress: Progress
) -> Similarity:
    """Compare the synthetic images with the real training images by the features of a network.

    Args:
        data: the images.
        settings: of the run; they may name the network.
        device: where to compute.
        steps: of the classifier that is trained where no network is named.
        progress: hears how it goes.

    Raises:
        InputError: there is no such network, or no weights for it are at hand.
    """
    progress.stage("Comparing images")
    pixels_NHWC = data.real.pixels()
    embedding = _embedding(data, pixels_NHWC, settings, device, steps, progress)
    real = embed(embedding, pixels_NHWC, data.real.labels_N)
    synthetic = _embedded(embedding, data.synthetic)
    held_out = None if data.test is None else _embedded(embedding, data.test)
    return Similarity(
        fidelity=measure_fidelity(embedding.name, real, synthetic, data.classes, held_out=held_out, seed=settings.seed),
        memorisation=measure_memorisation(
            embedding.name, real, synthetic, data.classes, held_out=held_out, seed=settings.seed
        ),
        map=embedding_map(embedding.name, real, synthetic, data.classes, seed=settings.seed),
        real=real,
        synthetic=synthetic,
    )


def named_embedding(settings: EvaluateSettings, device: torch.device) -> Embedding | None:
    """Return the features of the network that is named, or None where none is.

    Raises:
        InputError: there is no such network, or no weights for it are at hand.
    """
    if settings.embedding is None:
        return None
    weights, layer = settings.embedding_weights, settings.embedding_layer
    return pretrained_embedding(settings.embedding, weights, layer=layer, device=device)


def _embedding(
    data: EvaluateData,
    pixels_NHWC: NDArray[np.uint8],
    settings: EvaluateSettings,
    device: torch.device,
    steps: int,
    progress: Progress,
) -> Embedding:
    """Return what images are compared by: the network that was named, or a classifier of the real training images."""
    return named_embedding(settings, device) or classifier_embedding(
        pixels_NHWC,
        data.real.labels_N,
        len(data.classes),
        seed=settings.seed,
        config=ClassifierConfig(steps=steps),
        device=device,
        report=lambda share: progress.tick(Tick(share)),
    )


def _embedded(embedding: Embedding, images: Images) -> Embedded:
    return embed(embedding, images.pixels(), images.labels_N)

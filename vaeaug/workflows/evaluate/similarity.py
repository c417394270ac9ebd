"""How similar real and synthetic images are, whether some are near copies, and a two-dimensional map of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vaeaug.classifier.fit import ClassifierConfig
from vaeaug.evaluation.embedding import Embedded, Embedding, classifier_embedding, embed, pretrained_embedding
from vaeaug.evaluation.embedding_map import EmbeddingMap, embedding_map
from vaeaug.evaluation.fidelity import FidelityReport, measure_fidelity
from vaeaug.evaluation.memorisation import Memorisation, measure_memorisation
from vaeaug.progress import Tick
from vaeaug.workflows.evaluate.classifier_choice import EMBEDDING, ClassifierChoice
from vaeaug.workflows.evaluate.evaluate_settings import EvaluateSettings
from vaeaug.workflows.evaluate.evaluation_data import EvaluateData
from vaeaug.workflows.evaluate.image_subset import ImageSubset
from vaeaug.workflows.run import Run


@dataclass(frozen=True, slots=True)
class Similarity:
    """Similarity of synthetic and real images."""

    fidelity: FidelityReport
    memorisation: Memorisation
    map: EmbeddingMap
    real: Embedded
    synthetic: Embedded

    def warnings(self, *, edited: bool) -> tuple[str, ...]:
        """Return a warning if the model may have memorized training images; edited ones may be near their sources."""
        if edited or not self.memorisation.far_above_chance:
            return ()
        held_out = self.memorisation.held_out
        reference_text = f" ({100 * held_out.unusually_near:.1f} % of held-out real ones)" if held_out else ""
        return (
            f"{100 * self.memorisation.overall.unusually_near:.1f} % of the synthetic images are unusually close to a "
            f"real training image{reference_text}: the model may reproduce its training images; look at the closest "
            "pairs, and use another --sampler or train for less time",
        )


def measure_similarity(
    run: Run[EvaluateSettings], data: EvaluateData, classifier: ClassifierChoice, steps: int
) -> Similarity:
    """Compare the synthetic images with the real training images by the features of a network.

    It is the network of `--embedding`, or the frozen network of `classifier`. Otherwise a small classifier is trained
    for `steps` steps.

    Raises:
        InputError: if there is no such network, or if its weights are missing.
    """
    settings = run.settings
    run.progress.stage("Comparing images")
    pixels_NHWC = data.real.pixels()
    embedding = named_embedding(run)
    if embedding is None and classifier.kind == EMBEDDING:
        embedding = classifier.embedding(run.device)
    if embedding is None:
        embedding = _classifier_embedding(run, data, pixels_NHWC, steps)
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


def named_embedding(run: Run[EvaluateSettings]) -> Embedding | None:
    """Return the features of the network that the settings name, or None if they name none.

    Raises:
        InputError: if there is no such network, or if its weights are missing.
    """
    settings = run.settings
    if settings.embedding is None:
        return None
    weights, layer = settings.embedding_weights, settings.embedding_layer
    return pretrained_embedding(settings.embedding, weights, layer=layer, device=run.device)


def _classifier_embedding(
    run: Run[EvaluateSettings], data: EvaluateData, pixels_NHWC: NDArray[np.uint8], steps: int
) -> Embedding:
    return classifier_embedding(
        pixels_NHWC,
        data.real.labels_N,
        len(data.classes),
        seed=run.settings.seed,
        config=ClassifierConfig(steps=steps),
        device=run.device,
        report=lambda fraction: run.progress.tick(Tick(fraction)),
    )


def _embedded(embedding: Embedding, images: ImageSubset) -> Embedded:
    return embed(embedding, images.pixels(), images.labels_N)

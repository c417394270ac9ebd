"""What `encode` computes, chosen before any work, and how records and cards describe it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import vaeaug
from vaeaug.dataset.image_cache import UNSEEN
from vaeaug.dataset.index import SPLITS
from vaeaug.errors import name_list
from vaeaug.export.record import model_entry
from vaeaug.features.columns import Layout
from vaeaug.features.conditioning import INFERRED, ONE, OWN, is_conditional, network_count
from vaeaug.features.encode import layout_of
from vaeaug.models.store import StoredModel
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.encode.encode_settings import EncodeSettings
from vaeaug.workflows.image_data import ModelData


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """What is encoded, and how.

    Attributes:
        encode_as: `one`, `own` or `inferred`; None if the encoder does not depend on the class.
        label: the class for `one`.
        indices: split -> indices of its images; splits without images are missing.
    """

    model: StoredModel
    images: ModelData
    encode_as: str | None
    label: int
    layout: Layout
    indices: dict[str, NDArray[np.int64]]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the model's classes."""
        return self.model.classes


@one_thread()
def plan_features(model: StoredModel, images: ModelData, settings: EncodeSettings, label: int) -> FeaturePlan:
    """Choose the columns and how the class is chosen, by encoding one image."""
    first = images.cache.pixels_NHWC[0]
    indices = {split: images.cache.indices(split) for split in SPLITS}
    return FeaturePlan(
        model=model,
        images=images,
        encode_as=settings.encode_as if is_conditional(model, first) else None,
        label=label,
        layout=layout_of(model, first, label),
        indices={split: found for split, found in indices.items() if len(found)},
    )


def feature_warnings(plan: FeaturePlan, settings: EncodeSettings) -> Iterator[str]:
    """Yield the warnings about the features."""
    class_name, several_networks = plan.classes[plan.label], network_count(plan.model) > 1
    if plan.encode_as == ONE and settings.label is None:
        yield f"all images were encoded as the class {class_name!r}, so that features do not leak labels"
    if plan.encode_as == OWN and (plan.images.labels_N != UNSEEN).any():
        yield (
            "each image was encoded as its own class, so its features leak the label: do not train or test a "
            "classifier on them (use --encode-as one)"
        )
    if plan.encode_as in (OWN, INFERRED) and several_networks:
        yield (
            "the model has one network per class, so features of different classes (column 'class') are in different "
            "spaces: compare them within a class only, or use --encode-as one"
        )
    if plan.encode_as == OWN and plan.images.unknown:
        yield (
            f"the model was not trained on the classes {name_list(plan.images.unknown)}: their images were encoded as "
            "the most likely class of the model"
        )


def feature_settings(plan: FeaturePlan) -> dict[str, object]:
    """Return the settings that the card shows."""
    record = plan.model.record
    classes = {
        None: "no class (the encoder is not conditional)",
        ONE: plan.classes[plan.label],
        OWN: "each image's own class",
        INFERRED: "the class that explains each image best",
    }
    return {
        "variant": record.variant.name,
        "scope": record.scope,
        "model size": f"{record.height} x {record.width} x {record.channels}",
        "encoded as": classes[plan.encode_as],
        "model": record.fingerprint,
        "vaeaug": vaeaug.__version__,
    }


def feature_description(plan: FeaturePlan) -> dict[str, Any]:
    """Return how the features were computed, as JSON values for the record and for the schema of the shards."""
    return {
        "vaeaug": vaeaug.__version__,
        "model": model_entry(plan.model.record),
        "encoded_as": plan.encode_as,
        "label": plan.classes[plan.label] if plan.encode_as == ONE else None,
        "columns": {
            column.name: {"dtype": column.dtype, "shape": list(column.shape)} for column in plan.layout.columns
        },
    }

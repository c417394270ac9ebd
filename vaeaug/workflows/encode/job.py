"""What `encode` is to do, settled before any work, and how that is told to machines and people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import vaeaug
from vaeaug.dataset.image_cache import UNSEEN
from vaeaug.dataset.index import SPLITS
from vaeaug.export.record import model_entry
from vaeaug.features.columns import Layout
from vaeaug.features.conditioning import INFERRED, ONE, OWN, networks, told_a_class
from vaeaug.features.encode import layout_of
from vaeaug.models.store import StoredModel
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.encode.settings import EncodeSettings
from vaeaug.workflows.name_list import name_list
from vaeaug.workflows.read import ModelData


@dataclass(frozen=True, slots=True)
class EncodeJob:
    """What is to be encoded, and how, settled before any work.

    Attributes:
        model: the trained model.
        images: as it takes them.
        way: how the class that the encoder is told is chosen, or None where it depends on none.
        label: the class of the way `one`.
        layout: the columns.
        indices: split -> where its images stand; only splits that have some.
    """

    model: StoredModel
    images: ModelData
    way: str | None
    label: int
    layout: Layout
    indices: dict[str, NDArray[np.int64]]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the model's classes."""
        return self.model.classes


@one_thread()
def plan(model: StoredModel, images: ModelData, settings: EncodeSettings, label: int) -> EncodeJob:
    """Settle what is to be done, by encoding one image.

    Args:
        model: the trained model.
        images: at least one.
        settings: of the run.
        label: the class of the way `one`.
    """
    first = images.cache.pixels_NHWC[0]
    indices = {split: images.cache.indices(split) for split in SPLITS}
    return EncodeJob(
        model=model,
        images=images,
        way=settings.encode_as if told_a_class(model, first) else None,
        label=label,
        layout=layout_of(model, first, label),
        indices={split: where for split, where in indices.items() if len(where)},
    )


def remarks_on_features(job: EncodeJob, settings: EncodeSettings) -> list[str]:
    """Return the warnings about these features."""
    remarks = []
    one, apart = job.classes[job.label], networks(job.model) > 1
    if job.way == ONE and settings.label is None:
        remarks.append(f"all images were encoded as the class {one!r}, so that features do not leak labels")
    if job.way == OWN and (job.images.labels_N != UNSEEN).any():
        remarks.append(
            "each image was encoded as its own class, so its features leak the label: do not train or test a "
            "classifier on them (use --encode-as one)"
        )
    if job.way in (OWN, INFERRED) and apart:
        remarks.append(
            "the model has one network per class, so features of different classes (column 'class') are in different "
            "spaces: compare them within a class only, or use --encode-as one"
        )
    if job.way == OWN and job.images.unknown:
        remarks.append(
            f"the model was not trained on the classes {name_list(job.images.unknown)}: their images were encoded as "
            "the most likely class of the model"
        )
    return remarks


def in_words(job: EncodeJob) -> dict[str, object]:
    """Return how the features were made, in words for the card."""
    record = job.model.record
    ways = {
        None: "no class (its encoder depends on none)",
        ONE: job.classes[job.label],
        OWN: "each image's own class",
        INFERRED: "the class that explains each image best",
    }
    return {
        "variant": record.variant.name,
        "scope": record.scope,
        "model size": f"{record.height} x {record.width} x {record.channels}",
        "encoded as": ways[job.way],
        "model": record.fingerprint,
        "vaeaug": vaeaug.__version__,
    }


def how_made(job: EncodeJob) -> dict[str, Any]:
    """Return how the features were made, as JSON values: for the record and for the schema of the shards."""
    return {
        "vaeaug": vaeaug.__version__,
        "model": model_entry(job.model.record),
        "encoded_as": job.way,
        "label": job.classes[job.label] if job.way == ONE else None,
        "columns": {column.name: {"dtype": column.dtype, "shape": list(column.shape)} for column in job.layout.columns},
    }

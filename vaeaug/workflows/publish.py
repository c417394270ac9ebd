"""The files at the root of a dataset directory: manifest, record, card and report. Shared by `augment` and `sample`."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vaeaug
from vaeaug.export.card import CardData, ClassCount, write_card
from vaeaug.export.manifest import manifest_rows, write_manifest
from vaeaug.export.real import RealImage
from vaeaug.export.record import write_record
from vaeaug.models.store import StoredModel
from vaeaug.training.collapse import ActiveUnits
from vaeaug.workflows.write import JOURNAL


@dataclass(frozen=True, slots=True)
class Made:
    """What was made, and how.

    Attributes:
        out: the dataset directory while it is being built.
        name: its final name.
        scratch: where the journal of the synthetic images lies.
        model: the model they were drawn from.
        counts: class -> number of synthetic images.
        real: the real images that were copied.
        settings: what decided the result, for the record and the card.
        sampler: the sampler that drew them.
        seed: of the samples.
        remarks: what the user should know.
    """

    out: Path
    name: str
    scratch: Path
    model: StoredModel
    counts: Mapping[str, int]
    real: Sequence[RealImage]
    settings: Mapping[str, Any]
    sampler: str
    seed: int
    remarks: Sequence[str]


def class_counts(made: Made) -> list[ClassCount]:
    """Return how many images of each class and kind the output has, by class."""
    by_split = Counter((image.split, image.label) for image in made.real)
    labels = sorted({*made.counts, *(image.label for image in made.real)})
    return [
        ClassCount(
            label=label,
            real=by_split["train", label],
            synthetic=made.counts.get(label, 0),
            val=by_split["val", label],
            test=by_split["test", label],
        )
        for label in labels
    ]


def write_root(made: Made) -> None:
    """Write everything at the root. The same work gives the same bytes: no times and no places of this machine."""
    counts = class_counts(made)
    record = made.model.record
    write_manifest(made.out / "manifest.csv", manifest_rows(made.real, made.scratch / JOURNAL, made.seed))
    write_record(
        made.out / "vaeaug.json",
        {
            "vaeaug": vaeaug.__version__,
            "model": {
                "variant": dataclasses.asdict(record.variant),
                "loss": dataclasses.asdict(record.loss),
                "scope": record.scope,
                "image": {"channels": record.channels, "height": record.height, "width": record.width},
                "seed": record.seed,
                "training": record.training,
                "metrics": record.metrics,
                "classes": {entry.name: entry.metrics for entry in record.classes},
                "versions": record.versions,
                "fingerprint": record.fingerprint,
                "data_fingerprint": record.data_fingerprint,
            },
            "sampler": made.sampler,
            "seed": made.seed,
            "settings": dict(made.settings),
            "counts": {entry.label: dataclasses.asdict(entry) for entry in counts},
            "remarks": list(made.remarks),
        },
    )
    write_card(made.out / "README.md", CardData(made.name, counts, summary(made), warnings=tuple(made.remarks)))


def summary(made: Made) -> dict[str, object]:
    """Return how the images were made, in words for the card and the report."""
    record = made.model.record
    return {
        "variant": record.variant.name,
        "reconstruction loss": record.loss.name,
        "scope": record.scope,
        "latent dimensions in use": f"{record.metrics['active_units']} of {record.metrics['latent_units']}",
        "model size": f"{record.height} x {record.width} x {record.channels}",
        "training": record.metrics["stopped"],
        "sampler": made.sampler,
        "seed": made.seed,
        "model": record.fingerprint,
        "vaeaug": vaeaug.__version__,
        "torch": record.versions["torch"],
    }


def remarks_on(model: StoredModel) -> list[str]:
    """Return what a user should know of a model: posterior collapse, class by class."""
    record = model.record
    named = {entry.name: entry.metrics for entry in record.classes if entry.metrics} or {"all classes": record.metrics}
    advice = {
        name: ActiveUnits(metrics["active_units"], metrics["latent_units"]).advice() for name, metrics in named.items()
    }
    return [f"{name}: {text}" for name, text in advice.items() if text is not None]

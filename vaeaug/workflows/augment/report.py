"""What the report and the card say of synthetic images that were made. Shared by `augment` and `sample`."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import vaeaug
from vaeaug.dataset.decode import decode_full, read_file
from vaeaug.dataset.rules import DecodeRules
from vaeaug.evaluation.evaluation_part import EvaluationPart
from vaeaug.evaluation.report import ReportData
from vaeaug.evaluation.strip import ContactRow
from vaeaug.evaluation.training_curves import History
from vaeaug.export.card import ClassCount
from vaeaug.workflows.augment.made import Made, Written
from vaeaug.workflows.augment.rejected import first_rejected
from vaeaug.workflows.remarks import latents_in_words


def report_of(
    made: Made,
    written: Written,
    counts: Sequence[ClassCount],
    remarks: Sequence[str],
    evaluation: EvaluationPart | None = None,
) -> ReportData:
    """Gather what the report shows.

    Args:
        made: what was made, and how.
        written: what there is in the end.
        counts: images by class and kind.
        remarks: what the user should know.
        evaluation: whether the images help, where that was asked; it shows samples of its own, beside the nearest
            real images.
    """
    record = made.model.record
    real, synthetic = sum(count.real for count in counts), sum(count.synthetic for count in counts)
    units = {entry.name: entry.metrics for entry in record.classes if entry.metrics} or {"all classes": record.metrics}
    beside = {"manifest.csv": "says which images are synthetic"}
    if evaluation is not None:
        beside["utility/evaluation.json"] = "has every figure of the test"
    return ReportData(
        title=made.staging.final.name,
        summary=f"{synthetic:,} synthetic images of {len(made.counts)} classes, "
        + (f"beside {real:,} real ones." if real else "without the real ones."),
        counts=counts,
        contact=_contact(made, written) if evaluation is None else (),
        nearest=made.keep is not None,
        histories=_histories(made.model.directory / "history.jsonl"),
        units={
            name: (metrics["active_units"], metrics["latent_units"])
            for name, metrics in units.items()
            if "codes" not in metrics
        },
        codes={name: latents_in_words(metrics) for name, metrics in units.items() if "codes" in metrics},
        dropped=written.dropped,
        rejected=_rejected(made, written),
        settings=settings_of(made, written),
        warnings=tuple(remarks),
        beside=beside,
        evaluation=evaluation,
        edited=made.edited,
    )


def settings_of(made: Made, written: Written) -> dict[str, object]:
    """Return how the images were made and how many were dropped, in words."""
    if made.keep is None:
        return _summary(made)
    causes: Counter[str] = Counter()
    for dropped in written.dropped.values():
        causes.update(dropped)
    listed = ", ".join(f"{count:,} {cause}" for cause, count in causes.most_common())
    return {**_summary(made), "dropped by the filter": listed or "none"}


def _summary(made: Made) -> dict[str, object]:
    record = made.model.record
    return {
        "variant": record.variant.name,
        "reconstruction loss": record.loss.name + (f" ({record.loss_reason})" if record.loss_reason else ""),
        "scope": record.scope,
        "latent": latents_in_words(record.metrics),
        "model size": f"{record.height} x {record.width} x {record.channels}",
        "training" if record.scope == "shared" else "training of the shared network": record.metrics["stopped"],
        "sampler": " ".join([made.sampler, *(f"{name}={value}" for name, value in made.sampler_options.items())]),
        "seed": made.seed,
        "model": record.fingerprint,
        "vaeaug": vaeaug.__version__,
        "torch": record.versions["torch"],
    }


def _contact(made: Made, written: Written) -> list[ContactRow]:
    """Return some synthetic images of each class, and the nearest real ones where a filter can tell, else some."""
    train, rows = made.out / "train", []
    for label, names in written.examples.items():
        synthetic = [_pixels(train / name, made.decoding) for name in names]
        real = made.examples.get(label, ()) if made.keep is None else made.keep.nearest(label, synthetic)
        rows.append(ContactRow(label, real, synthetic))
    return rows


def _rejected(made: Made, written: Written) -> dict[str, dict[str, list[NDArray[np.uint8]]]]:
    """Return the first dropped samples by class and cause."""
    return {
        label: {
            cause: [_pixels(path, made.decoding) for path in first_rejected(made.rejected, label, cause)]
            for cause in causes
        }
        for label, causes in written.dropped.items()
    }


def _pixels(path: Path, decoding: DecodeRules) -> NDArray[np.uint8]:
    """Return an image as a model sees it before resizing, uint8 (H, W, 1 or 3)."""
    return decode_full(read_file(path), dataclasses.replace(decoding, keep_alpha=False)).eight_bit()


def _histories(path: Path) -> list[History]:
    """Return the trainings of `history.jsonl`, in order."""
    trainings: dict[str, list[dict[str, Any]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        trainings.setdefault(row["training"], []).append(row)
    return [History(name, rows) for name, rows in trainings.items()]

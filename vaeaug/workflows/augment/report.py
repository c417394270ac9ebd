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
from vaeaug.export.card import ClassCount
from vaeaug.pages.class_samples import SampleRow
from vaeaug.pages.dataset_report import ReportData
from vaeaug.pages.embedded_images import PageImage
from vaeaug.pages.evaluation_results import EvaluationPart
from vaeaug.pages.training_curves import History
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
    """Return what the report shows.

    Args:
        made: what was made, and how.
        written: what was written.
        counts: images by class and kind.
        remarks: the warnings.
        evaluation: the evaluation, if one was requested; it has samples of its own.
    """
    record = made.model.record
    real, synthetic = sum(count.real for count in counts), sum(count.synthetic for count in counts)
    classes = f"{len(made.counts):,} {'class' if len(made.counts) == 1 else 'classes'}"
    units = {entry.name: entry.metrics for entry in record.classes if entry.metrics} or {"all classes": record.metrics}
    beside = {"manifest.csv": "lists which images are synthetic"}
    if evaluation is not None:
        beside["utility/evaluation.json"] = "contains every figure of the evaluation"
    return ReportData(
        title=made.staging.final.name,
        summary=f"{synthetic:,} synthetic images in {classes}"
        + (f", added to {real:,} real ones." if real else ", without the real ones."),
        counts=counts,
        samples=_samples(made, written, counts) if evaluation is None else (),
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
    """Return how the images were made, and how many were dropped."""
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
        "sampler": " ".join([made.sampler.name, *(f"{name}={value}" for name, value in made.sampler_options.items())]),
        "seed": made.seed,
        "model": record.fingerprint,
        "vaeaug": vaeaug.__version__,
        "torch": record.versions["torch"],
    }


def _samples(made: Made, written: Written, counts: Sequence[ClassCount]) -> list[SampleRow]:
    """Return the first synthetic images of each class, and real ones: if there is a filter, the most similar ones."""
    copies = {image.source: image.file_name for image in made.real}
    count_of, rows = {count.label: count for count in counts}, []

    def real_image(name: str) -> PageImage:
        copy = copies.get(name, "")  # with --synthetic-only there is none
        return PageImage(made.out / copy if copy else made.originals[name], copy, name, made.decoding)

    for label, names in written.examples.items():
        files = [f"train/{name}" for name in names]
        if made.keep is None:
            real = made.examples.get(label, ())
        else:
            real = made.keep.nearest(label, [_pixels(made.out / file, made.decoding) for file in files])
        count = count_of[label]
        synthetic = [PageImage(made.out / file, file, rules=made.decoding) for file in files]
        rows.append(SampleRow(label, synthetic, list(map(real_image, real)), count.synthetic, count.real))
    return rows


def _rejected(made: Made, written: Written) -> dict[str, dict[str, list[PageImage]]]:
    """Return the first dropped samples by class and cause."""
    return {
        label: {
            cause: [PageImage(path, rules=made.decoding) for path in first_rejected(made.rejected, label, cause)]
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

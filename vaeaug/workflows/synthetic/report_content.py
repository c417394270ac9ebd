"""The content of the report and of the card of a dataset with synthetic images."""

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
from vaeaug.pages.evaluation_results import EvaluationResults
from vaeaug.pages.training_curves import History
from vaeaug.workflows.model_warnings import describe_latents
from vaeaug.workflows.synthetic.rejected_samples import first_rejected
from vaeaug.workflows.synthetic.synthetic_dataset import SyntheticDataset, WrittenSamples

_WITHOUT_MODEL = ("sampler", "seed", "vaeaug", "torch")
"""The settings that are shown if the sampler uses nothing that a model has learned."""


def report_content(
    dataset: SyntheticDataset,
    written: WrittenSamples,
    counts: Sequence[ClassCount],
    evaluation: EvaluationResults | None = None,
) -> ReportData:
    """Return the content of the report.

    Args:
        evaluation: the evaluation, if one was requested; it has samples of its own.
    """
    record = dataset.model.record
    real, synthetic = sum(count.real for count in counts), sum(count.synthetic for count in counts)
    classes = f"{len(dataset.counts):,} {'class' if len(dataset.counts) == 1 else 'classes'}"
    uses_model = dataset.sampler.cls.trains
    units = {entry.name: entry.metrics for entry in record.classes if entry.metrics} or {"all classes": record.metrics}
    units = units if uses_model else {}
    linked_files = {"manifest.csv": "lists which images are synthetic"}
    if evaluation is not None:
        linked_files["utility/evaluation.json"] = "contains every figure of the evaluation"
    return ReportData(
        title=dataset.run.title,
        summary=f"{synthetic:,} synthetic images in {classes}"
        + (f", added to {real:,} real ones." if real else ", without the real ones."),
        counts=counts,
        samples=_samples(dataset, written, counts) if evaluation is None else (),
        nearest=dataset.sample_filter is not None,
        histories=_histories(dataset.model.directory / "history.jsonl") if uses_model else (),
        units={
            name: (metrics["active_units"], metrics["latent_units"])
            for name, metrics in units.items()
            if "codes" not in metrics
        },
        codes={name: describe_latents(metrics) for name, metrics in units.items() if "codes" in metrics},
        dropped=written.dropped,
        rejected=_rejected(dataset, written),
        settings=settings_shown(dataset, written),
        warnings=tuple(dataset.run.warnings),
        linked_files=linked_files,
        evaluation=evaluation,
        edited=dataset.edited,
    )


def settings_shown(dataset: SyntheticDataset, written: WrittenSamples) -> dict[str, object]:
    """Return the settings that the report and the card show, and how many samples were dropped."""
    if dataset.sample_filter is None:
        return _summary(dataset)
    causes: Counter[str] = Counter()
    for dropped in written.dropped.values():
        causes.update(dropped)
    listed = ", ".join(f"{count:,} {cause}" for cause, count in causes.most_common())
    return {**_summary(dataset), "dropped by the filter": listed or "none"}


def _summary(dataset: SyntheticDataset) -> dict[str, object]:
    record = dataset.model.record
    shown: dict[str, object] = {
        "variant": record.variant.name,
        "reconstruction loss": record.loss.name + (f" ({record.loss_reason})" if record.loss_reason else ""),
        "scope": record.scope,
        "latent": describe_latents(record.metrics),
        "model size": f"{record.height} x {record.width} x {record.channels}",
        "training" if record.scope == "shared" else "training of the shared network": record.metrics["stopped"],
        "sampler": " ".join(
            [dataset.sampler.name, *(f"{name}={value}" for name, value in dataset.sampler_options.items())]
        ),
        "seed": dataset.seed,
        "model": record.fingerprint,
        "vaeaug": vaeaug.__version__,
        "torch": record.versions["torch"],
    }
    return shown if dataset.sampler.cls.trains else {name: shown[name] for name in _WITHOUT_MODEL}


def _samples(dataset: SyntheticDataset, written: WrittenSamples, counts: Sequence[ClassCount]) -> list[SampleRow]:
    """Return the first synthetic images of each class, and real ones: if there is a filter, the most similar ones."""
    copies = {image.source: image.file_name for image in dataset.real}
    count_of, rows = {count.label: count for count in counts}, []

    def real_image(name: str) -> PageImage:
        copy = copies.get(name, "")  # with --synthetic-only there is none
        return PageImage(dataset.out / copy if copy else dataset.originals[name], copy, name, dataset.decoding)

    for label, names in written.examples.items():
        files = [f"train/{name}" for name in names]
        if dataset.sample_filter is None:
            real = dataset.examples.get(label, ())
        else:
            real = dataset.sample_filter.nearest(
                label, [_pixels(dataset.out / file, dataset.decoding) for file in files]
            )
        count = count_of[label]
        synthetic = [PageImage(dataset.out / file, file, rules=dataset.decoding) for file in files]
        rows.append(SampleRow(label, synthetic, list(map(real_image, real)), count.synthetic, count.real))
    return rows


def _rejected(dataset: SyntheticDataset, written: WrittenSamples) -> dict[str, dict[str, list[PageImage]]]:
    return {
        label: {
            cause: [PageImage(path, rules=dataset.decoding) for path in first_rejected(dataset.rejected, label, cause)]
            for cause in causes
        }
        for label, causes in written.dropped.items()
    }


def _pixels(path: Path, decoding: DecodeRules) -> NDArray[np.uint8]:
    """Return an image as a model sees it before resizing, uint8 (H, W, 1 or 3)."""
    return decode_full(read_file(path), dataclasses.replace(decoding, keep_alpha=False)).eight_bit()


def _histories(path: Path) -> list[History]:
    trainings: dict[str, list[dict[str, Any]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        trainings.setdefault(row["training"], []).append(row)
    return [History(name, rows) for name, rows in trainings.items()]

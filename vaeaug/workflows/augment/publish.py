"""The files at the root of a dataset directory: manifest, record, card and report. Shared by `augment` and `sample`."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import vaeaug
from vaeaug.evaluation.report import History, ReportData, write_report
from vaeaug.evaluation.strip import ContactRow
from vaeaug.export.card import CardData, ClassCount, write_card
from vaeaug.export.manifest import manifest_rows, write_manifest
from vaeaug.export.record import write_record
from vaeaug.progress import Progress
from vaeaug.workflows.augment.made import AugmentResult, Made, Written
from vaeaug.workflows.augment.write import write_synthetic


def finish(
    made: Made, *, threads: int | None, progress: Progress, evaluate: Callable[[Path], str] | None = None
) -> AugmentResult:
    """Write the synthetic images and all that stands at the root, and move everything to its place.

    Args:
        made: what to make; its real images are there already.
        threads: how many encode images; chosen from their size if None.
        progress: hears how it goes.
        evaluate: is given the directory when all is in it, may add to it, and returns a verdict.
    """
    written = write_synthetic(made, threads=threads, progress=progress)
    remarks = [*made.remarks, *_unfilled(made, written)]
    counts = class_counts(made, written)
    write_root(made, written, counts, remarks)
    verdict = None if evaluate is None else evaluate(made.out)
    made.staging.publish()
    for remark in remarks:
        progress.say(remark)
    return AugmentResult(made.staging.final, tuple(counts), made.sampler, tuple(remarks), written.dropped, verdict)


def class_counts(made: Made, written: Written) -> list[ClassCount]:
    """Return how many images of each class and kind the output has, by class."""
    by_split = Counter((image.split, image.label) for image in made.real)
    labels = sorted({*made.counts, *(image.label for image in made.real)})
    return [
        ClassCount(
            label=label,
            real=by_split["train", label],
            synthetic=written.counts.get(label, 0),
            val=by_split["val", label],
            test=by_split["test", label],
        )
        for label in labels
    ]


def _unfilled(made: Made, written: Written) -> list[str]:
    """Return a remark on classes that have fewer images than asked for, because too many samples were dropped."""
    short = [
        f"{label} has {written.counts[label]:,} of {wanted:,}"
        for label, wanted in made.counts.items()
        if written.counts[label] < wanted
    ]
    if not short:
        return []
    return [
        f"most samples of some classes were dropped, so these are not full: {', '.join(short)}; "
        "a longer training (--steps), another --sampler or --no-filter gives more"
    ]


def write_root(made: Made, written: Written, counts: Sequence[ClassCount], remarks: Sequence[str]) -> None:
    """Write everything at the root. The same work gives the same bytes: no times and no places of this machine."""
    record = made.model.record
    write_manifest(made.out / "manifest.csv", manifest_rows(made.real, made.journal, made.seed))
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
            "sampler_options": dict(made.sampler_options),
            "seed": made.seed,
            "settings": dict(made.settings),
            "counts": {entry.label: dataclasses.asdict(entry) for entry in counts},
            "dropped": written.dropped,
            "remarks": list(remarks),
        },
    )
    card = CardData(made.staging.final.name, counts, _settings(made, written), warnings=tuple(remarks))
    write_card(made.out / "README.md", card)
    write_report(made.out / "report.html", _report(made, written, counts, remarks))


def _report(made: Made, written: Written, counts: Sequence[ClassCount], remarks: Sequence[str]) -> ReportData:
    """Gather what the report shows."""
    record = made.model.record
    real, synthetic = sum(count.real for count in counts), sum(count.synthetic for count in counts)
    train = made.out / "train"
    contact = [
        ContactRow(label, made.examples.get(label, ()), [_pixels(train / name) for name in synthetic])
        for label, synthetic in written.examples.items()
    ]
    units = {entry.name: entry.metrics for entry in record.classes if entry.metrics} or {"all classes": record.metrics}
    return ReportData(
        title=made.staging.final.name,
        summary=f"{synthetic:,} synthetic images of {len(made.counts)} classes, "
        + (f"beside {real:,} real ones." if real else "without the real ones."),
        counts=counts,
        contact=contact,
        histories=_histories(made.model.directory / "history.jsonl"),
        units={name: (metrics["active_units"], metrics["latent_units"]) for name, metrics in units.items()},
        dropped=written.dropped,
        settings=_settings(made, written),
        warnings=tuple(remarks),
    )


def _pixels(path: Path) -> NDArray[np.uint8]:
    """Return an image, uint8 (H, W, C)."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB") if image.mode == "P" else image)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def _histories(path: Path) -> list[History]:
    """Return the trainings of `history.jsonl`, in order."""
    trainings: dict[str, list[dict[str, Any]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        trainings.setdefault(row["training"], []).append(row)
    return [History(name, rows) for name, rows in trainings.items()]


def _settings(made: Made, written: Written) -> dict[str, object]:
    """Return how the images were made and how many were dropped, in words for the card and the report."""
    if made.keep is None:
        return summary(made)
    causes: Counter[str] = Counter()
    for dropped in written.dropped.values():
        causes.update(dropped)
    listed = ", ".join(f"{count:,} {cause}" for cause, count in causes.most_common())
    return {**summary(made), "dropped by the filter": listed or "none"}


def summary(made: Made) -> dict[str, object]:
    """Return how the images were made, in words for the card and the report."""
    record = made.model.record
    return {
        "variant": record.variant.name,
        "reconstruction loss": record.loss.name + (f" ({record.loss_reason})" if record.loss_reason else ""),
        "scope": record.scope,
        "latent dimensions in use": f"{record.metrics['active_units']} of {record.metrics['latent_units']}",
        "model size": f"{record.height} x {record.width} x {record.channels}",
        "training" if record.scope == "shared" else "training of the shared network": record.metrics["stopped"],
        "sampler": " ".join([made.sampler, *(f"{name}={value}" for name, value in made.sampler_options.items())]),
        "seed": made.seed,
        "model": record.fingerprint,
        "vaeaug": vaeaug.__version__,
        "torch": record.versions["torch"],
    }

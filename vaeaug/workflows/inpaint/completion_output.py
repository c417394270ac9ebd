"""The files at the root of a directory of completed images: manifest, record, card and page."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import vaeaug
from vaeaug.dataset.decode import read_file
from vaeaug.dataset.index import REAL, SPLITS, ImageFile
from vaeaug.dataset.passed_over import PassedOver
from vaeaug.dataset.rules import DecodeRules
from vaeaug.export.card import CardData, ClassCount, write_card
from vaeaug.export.completions import CompletedRow, CompletionsCard, write_archive, write_completions_card
from vaeaug.export.layout import synthetic_number
from vaeaug.export.manifest import ManifestRow, write_manifest
from vaeaug.export.synthesis_method import Inpainted
from vaeaug.inpainting.files.opening import open_completed
from vaeaug.inpainting.picture import read_picture
from vaeaug.models.record import ModelRecord
from vaeaug.pages.embedded_images import PageImage
from vaeaug.pages.inpainting_report import (
    MAX_COMPLETIONS,
    MAX_IMAGES,
    CompletionExample,
    CompletionsPage,
    write_completions_page,
)
from vaeaug.workflows.inpaint.checked_images import open_image
from vaeaug.workflows.inpaint.completion_files import WrittenCompletion
from vaeaug.workflows.inpaint.completion_plan import Job, Plan
from vaeaug.workflows.inpaint.inpaint_settings import InpaintSettings
from vaeaug.workflows.run import Run

SAMPLER = "inpaint"


@dataclass(frozen=True, slots=True)
class InpaintOutput:
    """The completed images of a run."""

    record: ModelRecord
    plan: Plan
    written: Sequence[WrittenCompletion]
    uncertainty: Path
    method: str
    passed_over: Sequence[PassedOver]


def write_root(run: Run[InpaintSettings], completed: InpaintOutput) -> None:
    """Write everything at the root. The same work gives the same bytes: no times and no places of this machine."""
    content = run.content
    written = {entry.name: entry for entry in completed.written}
    if completed.plan.has_class_folders and run.settings.samples > 1 and not run.settings.random_holes:
        write_archive(content / "uncertainty.zip", completed.uncertainty)
    if run.settings.random_holes:
        _write_dataset(run, completed)
    else:
        rows = list(_rows(run, completed, written))
        write_manifest(content / "manifest.csv", rows, CompletedRow)
        card = CompletionsCard(
            run.title, rows, completed.plan.has_class_folders, _summary(run, completed), run.warnings
        )
        write_completions_card(content / "README.md", card)
    _write_record(run, completed)
    page = CompletionsPage(
        title=run.title,
        summary=_sentence(run, completed),
        shown=[_shown(run, completed, job, written[job.names[0]]) for job in completed.plan.jobs[:MAX_IMAGES]],
        images=len(completed.plan.jobs),
        settings=_summary(run, completed),
        warnings=run.warnings,
    )
    write_completions_page(content / "report.html", page)


def _rows(
    run: Run[InpaintSettings], completed: InpaintOutput, written: dict[str, WrittenCompletion]
) -> Iterator[CompletedRow]:
    jobs = {job.file.file_name: job for job in completed.plan.jobs}
    unchanged_files = {file.file_name: file for file in completed.plan.unchanged}
    for name in sorted({*jobs, *unchanged_files}):
        if name in unchanged_files:
            file = unchanged_files[name]
            provenance = file.provenance
            yield CompletedRow(
                file_name=name,
                split=file.split,
                label=file.label,
                label_given="folder" if file.label else "",
                synthetic=REAL if provenance is None else provenance.synthetic,
                source=name,
                original=_original(file),
            )
            continue
        job = jobs[name]
        entry = written[job.names[0]]
        label_source = "" if job.label is None else "--label" if run.settings.label else "folder"
        for sample, completion in enumerate(job.names):
            yield CompletedRow(
                file_name=completion,
                split=job.file.split,
                label=entry.label,
                label_given=label_source,
                synthetic="true" if job.file.provenance and job.file.provenance.synthetic == "true" else "partly",
                source=name,
                original=_original(job.file),
                mask=entry.origin,
                missing=f"{entry.fraction:.6g}",
                pages=" ".join(str(page + 1) for page in job.pages) if job.is_multipage else "",
                sample=str(sample),
                seed=str(run.settings.seed),
                evidence="" if entry.evidence is None else f"{entry.evidence:.6g}",
                margin="" if entry.margin is None else f"{entry.margin:.6g}",
                spread="" if entry.std is None else f"{entry.std:.4g}",
            )


def _original(file: ImageFile) -> str:
    """Return the name of the real image that a file shows, in the dataset that it was first in."""
    return file.file_name if file.provenance is None else file.provenance.original or file.file_name


def _write_dataset(run: Run[InpaintSettings], completed: InpaintOutput) -> None:
    """Write the manifest and the card of a dataset with added images, as `augment` does."""
    content, plan = run.content, completed.plan
    write_manifest(content / "manifest.csv", _dataset_rows(run, completed))
    numbers = Counter(job.file.label for job in plan.jobs)
    by_split = Counter((image.split, image.label) for image in plan.real if not image.synthetic)
    carried = Counter(image.label for image in plan.real if image.synthetic)
    counts = [
        ClassCount(
            label,
            by_split["train", label],
            numbers[label] + carried[label],
            by_split["val", label],
            by_split["test", label],
            carried[label],
        )
        for label in sorted({image.label for image in plan.real})
    ]
    card = CardData(run.title, counts, _summary(run, completed), warnings=run.warnings, method=Inpainted())
    write_card(content / "README.md", card)


def _dataset_rows(run: Run[InpaintSettings], completed: InpaintOutput) -> Iterator[ManifestRow]:
    """Yield the rows in the order of `augment`: by split, by label, real images by name, then the completed ones."""
    by_class: defaultdict[tuple[str, str], list[Job]] = defaultdict(list)
    for job in completed.plan.jobs:
        by_class["train", job.file.label].append(job)
    real = sorted(
        completed.plan.real,
        key=lambda image: (SPLITS.index(image.split), image.label, image.synthetic, image.file_name),
    )
    for (split, label), images in groupby(real, key=lambda image: (image.split, image.label)):
        for image in images:
            yield completed.plan.sources.row(image)
        for job in by_class[split, label]:
            seed, name = str(run.settings.seed), PurePosixPath(job.names[0]).name
            source, original = completed.plan.sources.of(job.file.file_name)
            number = str(synthetic_number(label, name))
            yield ManifestRow(job.names[0], split, label, "true", source, original, SAMPLER, number, seed)


def _write_record(run: Run[InpaintSettings], completed: InpaintOutput) -> None:
    run.write_record(
        "inpaint",
        model=completed.record,
        method=completed.method,
        images=len({job.file.file_name for job in completed.plan.jobs}),
        completions=sum(len(job.names) for job in completed.plan.jobs),
        passed_through=completed.plan.passed_through,
        passed_over=completed.passed_over,
        invalid=completed.plan.invalid,
    )


def _sentence(run: Run[InpaintSettings], completed: InpaintOutput) -> str:
    images = len({job.file.file_name for job in completed.plan.jobs})
    files = sum(len(job.names) for job in completed.plan.jobs)
    if run.settings.random_holes:
        return f"{files:,} images with a random hole, completed; {completed.plan.passed_through:,} real images."
    completed_text = f"{images:,} {'image' if images == 1 else 'images'} with holes, completed"
    per_image = "" if files == images else f", {files // images} completions each"
    return f"{completed_text}{per_image}" + (
        f"; {len(completed.plan.unchanged):,} without holes." if completed.plan.unchanged else "."
    )


def _summary(run: Run[InpaintSettings], completed: InpaintOutput) -> dict[str, object]:
    settings, record = run.settings, completed.record
    sources = {
        "masks": settings.masks and f"mask files ({Path(settings.masks).name})",
        "alpha": settings.alpha and "transparent pixels",
        "missing_color": settings.missing_color and f"the colour {settings.missing_color}",
        "coco": settings.coco and f"COCO annotations ({Path(settings.coco).name})",
        "random_holes": settings.random_holes and "cut at random",
    }
    return {
        "holes": next(value for value in sources.values() if value),
        "method": completed.method,
        "latents tried per completion": settings.draws,
        "seam": settings.blend,
        "region": settings.region,
        "class": settings.label or "the name of the folder; inferred if it is not a class of the model",
        "seed": settings.seed,
        "variant": record.variant.name,
        "reconstruction loss": record.loss.name,
        "model size": f"{record.height} x {record.width} x {record.channels}",
        "model": record.fingerprint,
        "vaeaug": vaeaug.__version__,
        "torch": record.versions["torch"],
    }


def _shown(
    run: Run[InpaintSettings], completed: InpaintOutput, job: Job, entry: WrittenCompletion
) -> CompletionExample:
    page = job.pages[0]
    rules = completed.record.rules(run.settings.max_megapixels)
    picture = read_picture(open_image(read_file(job.file.path), rules, job.kind), page, rules)
    missing_HW = job.source.holes(job.file.file_name, picture).missing_HW
    names = job.names[:MAX_COMPLETIONS]
    first_names = f" ({len(names)} of {len(job.names)} completions shown)" if len(names) < len(job.names) else ""
    inferred = f"{entry.label} (inferred)" if job.label is None else entry.label
    return CompletionExample(
        name=job.file.file_name
        + (f", page {page + 1}" if page else "")
        + (f", hole {job.variation}" if run.settings.random_holes else ""),
        caption=f"class {inferred}, {entry.fraction:.0%} missing{first_names}",
        original_HWC=picture.seen_HWC,
        missing_HW=missing_HW,
        completions=[PageImage(_page_pixels(run.content / name, page, rules), name) for name in names],
        std_HW=np.asarray(Image.open(completed.uncertainty / job.uncertainty[0])) if job.uncertainty else None,
    )


def _page_pixels(path: Path, page: int, rules: DecodeRules) -> NDArray[np.uint8]:
    """Return a page of a completed image as the model sees it, uint8 (H, W, 1 or 3)."""
    return read_picture(open_completed(read_file(path), rules), page, rules).seen_HWC

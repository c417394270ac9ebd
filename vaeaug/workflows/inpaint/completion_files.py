"""Write completions one image at a time; a journal records which ones exist."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

import vaeaug
from vaeaug.dataset.contents import content_digest
from vaeaug.dataset.decode import UnreadableImageError, read_file
from vaeaug.dataset.index import ImageFile
from vaeaug.disk import write_atomic
from vaeaug.errors import VaeaugError
from vaeaug.export.completed import encode_completed, encode_gray
from vaeaug.inpainting.complete import Completer
from vaeaug.inpainting.fill import Filled, fill
from vaeaug.inpainting.picture import read_picture, with_channels
from vaeaug.models.record import ModelRecord
from vaeaug.progress import Progress, Tick
from vaeaug.seeds import seed_of
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.inpaint.checked_images import open_image
from vaeaug.workflows.inpaint.completion_plan import Job
from vaeaug.workflows.inpaint.inpaint_settings import InpaintSettings

STD_WHITE = 0.5
"""Standard deviation that an uncertainty image shows as white: the maximum for values in [0, 1]."""


@dataclass(frozen=True, slots=True)
class WrittenCompletion:
    """How an image was completed.

    Attributes:
        name: of its first completion, relative to OUT.
        fraction: of its pixels that were missing.
        evidence: log p(visible pixels | class) in nats up to a constant, if the class was inferred (`Completion`).
        std: mean standard deviation of the completions in the holes, for values in [0, 1]; None for one completion.
        digests: file name -> hash of the written file.
    """

    name: str
    label: str
    origin: str
    fraction: float
    evidence: float | None
    margin: float | None
    std: float | None
    digests: dict[str, str]


@one_thread()
def write_completions(
    jobs: Iterable[Job],
    completer: Completer,
    settings: InpaintSettings,
    content: Path,
    uncertainty: Path,
    journal: Path,
    progress: Progress,
) -> None:
    """Complete and write the images that are not written yet; `journal` records finished images.

    Raises:
        VaeaugError: if an image or its mask is missing or has changed.
    """
    progress.stage("Completing images")
    jobs = list(jobs)
    written_entries = {entry.name: entry for entry in read_journal(journal)}
    missing_jobs = [
        job
        for job in jobs
        if job.names[0] not in written_entries
        or not _is_complete(job, written_entries[job.names[0]], content, uncertainty)
    ]
    began = time.monotonic()
    with journal.open("ab") as journal_file:
        journal_file.write(b"\n")  # the last run may have been stopped in the middle of a line
        for number, job in enumerate(missing_jobs, start=len(jobs) - len(missing_jobs)):
            progress.tick(Tick(number / len(jobs), _rate(number - len(jobs) + len(missing_jobs), began)))
            written = _complete(job, completer, settings, content, uncertainty)
            journal_file.write(json.dumps(asdict(written)).encode() + b"\n")
            journal_file.flush()
    progress.tick(Tick(1.0, _rate(len(missing_jobs), began)))


def read_journal(journal: Path) -> list[WrittenCompletion]:
    """Return the entries of a journal; a truncated line is left out."""
    if not journal.exists():
        return []
    entries = []
    for line in journal.read_bytes().splitlines(keepends=True):
        if line.endswith(b"}\n"):
            entries.append(WrittenCompletion(**json.loads(line)))
    return entries


def copy_unchanged(files: Iterable[ImageFile], content: Path) -> None:
    """Copy images without holes, byte for byte, under their own names.

    Raises:
        VaeaugError: if one is missing.
    """
    for file in files:
        target = content / file.file_name
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, _read_source(file), durable=False)


def native_size(record: ModelRecord, label: str | None) -> tuple[int, int]:
    """Return the median height and width of the images that a model was trained on, of a class or of all classes."""
    entries = [entry for entry in record.classes if label in (None, entry.name)]
    return round(median(entry.height for entry in entries)), round(median(entry.width for entry in entries))


def _complete(
    job: Job, completer: Completer, settings: InpaintSettings, content: Path, uncertainty: Path
) -> WrittenCompletion:
    record = completer.model.record
    filled: list[dict[int, NDArray[Any]]] = [{} for _ in job.names]
    stds: list[NDArray[np.float32]] = []
    digests: dict[str, str] = {}
    first_result: Filled | None = None
    text = {"Software": f"vaeaug {vaeaug.__version__}", "vaeaug:model": record.fingerprint}
    text |= {"vaeaug:seed": str(settings.seed), "vaeaug:source": job.file.file_name, "vaeaug:missing": job.origin}
    rules = record.rules(settings.max_megapixels)
    try:
        file = open_image(_read_source(job.file), rules, job.kind)
        for number, page in enumerate(job.pages):
            picture = read_picture(file, page, rules)
            missing_HW = job.source.holes(job.file.file_name, picture).missing_HW
            label = None if job.label is None else record.label(job.label)
            result = fill(
                with_channels(record.channels, picture, missing_HW),
                missing_HW,
                completer,
                label if first_result is None else first_result.label,
                native=native_size(record, job.label),
                samples=len(job.names),
                seed=seed_of(settings.seed, "inpaint", job.file.file_name, job.variation, *([page] if page else [])),
                blending=settings.blend,
                region=settings.region,
            )
            first_result = first_result or result
            text["vaeaug:class"] = record.classes[result.label].name
            if job.uncertainty:
                std_HW = std_over_samples(result.images_SHWC)
                stds.append(std_HW[missing_HW])
                levels_HW = np.floor(std_HW / STD_WHITE * 255 + 0.5).clip(0, 255).astype(np.uint8)
                text_chunks = {
                    **text,
                    "Comment": f"standard deviation of {len(job.names)} completions; 255 is {STD_WHITE}",
                }
                name = job.uncertainty[number]
                digests[name] = _write(uncertainty / name, encode_gray(levels_HW, text_chunks))
            for sample, pages in enumerate(filled):
                pages[page] = picture.filled(missing_HW, result.images_SHWC[sample])
        for sample, name in enumerate(job.names):
            data = encode_completed(file, filled[sample], {**text, "vaeaug:sample": str(sample)})
            digests[name] = _write(content / name, data)
    except UnreadableImageError as error:
        raise VaeaugError(f"{job.file.path} has changed ({error}); put it back and add --resume") from error
    assert first_result is not None  # noqa: S101 (a job has a page with holes)
    evidence, margin = _evidence(first_result)
    std = float(np.concatenate(stds).mean()) if stds else None
    return WrittenCompletion(
        job.names[0], text["vaeaug:class"], job.origin, job.fraction, evidence, margin, std, digests
    )


def std_over_samples(images_SHWC: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the standard deviation of each pixel over S images, (H, W): of colours, the root of the mean variance."""
    variance_HW: NDArray[np.float32] = images_SHWC.var(axis=0).mean(axis=-1)
    return np.sqrt(variance_HW)


def _evidence(result: Filled) -> tuple[float | None, float | None]:
    if result.evidence_K is None:
        return None, None
    values = sorted(result.evidence_K.tolist(), reverse=True)
    best = round(values[0], 3) + 0.0  # not -0.0
    return best, round(values[0] - values[1], 3) if len(values) > 1 else None


def _read_source(file: ImageFile) -> bytes:
    try:
        return read_file(file.path)
    except UnreadableImageError as error:
        raise VaeaugError(f"{file.path} has disappeared ({error}); put it back and add --resume") from error


def _write(path: Path, data: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, data, durable=False)
    return content_digest(data)


def _is_complete(job: Job, entry: WrittenCompletion, content: Path, uncertainty: Path) -> bool:
    """Return whether all files of an image are complete: after a power cut, a written file may be empty."""
    paths = [(name, content / name) for name in job.names] + [(name, uncertainty / name) for name in job.uncertainty]
    return all(path.is_file() and content_digest(path.read_bytes()) == entry.digests.get(name) for name, path in paths)


def _rate(images: int, began: float) -> float | None:
    seconds = time.monotonic() - began
    return images / seconds if images and seconds > 0.5 else None

"""Fill holes in images, or add images completed after a random hole to a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.passed_over import MASKS, summary
from vaeaug.dataset.provenance import recognize, set_apart, warnings_of
from vaeaug.dataset.scan import scan
from vaeaug.export.real import copy_real
from vaeaug.inpainting.complete import Completer
from vaeaug.inpainting.window import shown_whole
from vaeaug.models.record import ModelRecord
from vaeaug.progress import SILENT, Progress, Tick
from vaeaug.staging import Staging, refuse_overlap
from vaeaug.workflows.device import choose_device
from vaeaug.workflows.finished import finished_record
from vaeaug.workflows.inpaint.check import some
from vaeaug.workflows.inpaint.partial import fingerprint, partial_encoder
from vaeaug.workflows.inpaint.plan import Plan, make_plan
from vaeaug.workflows.inpaint.publish import Completed, write_root
from vaeaug.workflows.inpaint.settings import InpaintSettings
from vaeaug.workflows.inpaint.write import copy_unchanged, native_size, read_journal, write_completions
from vaeaug.workflows.model import open_stored
from vaeaug.workflows.settings import build, real_path


@dataclass(frozen=True, slots=True)
class InpaintResult:
    """What `inpaint` made.

    Attributes:
        out: the directory.
        images: how many images were completed.
        files: how many completions were written.
        passed: images without holes, passed through; with `random_holes` the real images of the dataset.
        invalid: images that could not be read, or whose mask could not, and were left out: name -> reason.
        method: `partial-encoder` or `gibbs`.
        remarks: what the user should know.
    """

    out: Path
    images: int
    files: int
    passed: int
    invalid: dict[str, str]
    method: str
    remarks: tuple[str, ...]


def inpaint(
    model: str | Path, images: str | Path, out: str | Path, *, progress: Progress = SILENT, **settings: Any
) -> InpaintResult:
    """Fill the holes of images with what a trained model finds likely beside the visible pixels.

    Visible pixels stay as they are, bit for bit, and so does everything else in the file: profile, EXIF, pages. A file
    of a format with losses becomes a PNG file; an image without holes is copied.

    Args:
        model: the directory of the model. Its partial encoder is trained and kept there on first use.
        images: a dataset, a folder of images, or one image. It is never written to.
        out: the directory to make; nothing, or an empty directory, must be there.
        progress: hears how it goes.
        **settings: the fields of `InpaintSettings`: one of `masks`, `alpha`, `missing_color`, `coco` and
            `random_holes`; `samples`, `label`, `method`, `draws`, `blend`, `data`, `skip_invalid`, `seed`, `device`,
            `workers`, `resume`, `plugins_dirs`, `allow_imports`.

    Returns:
        What was made.

    Raises:
        InputError: the model, the images, the masks, an option or the place is not usable; nothing was changed.
        VaeaugError: the work failed; with `resume=True` it goes on where it was.
    """
    chosen: InpaintSettings = build(InpaintSettings, settings, "vaeaug.inpaint")
    chosen.check()
    model, images, out = real_path(model), real_path(images), real_path(out)
    device = choose_device(chosen.device)
    stored = open_stored(model, device, chosen.plugins_dirs, allow_imports=chosen.allow_imports)
    stored.require_consent()
    if chosen.label is not None:
        stored.record.label(chosen.label)
    index = scan(images, training=False, options=chosen.label_options())
    passed_over = [entry for entry in index.passed_over if not (chosen.masks and entry.reason == MASKS)]
    unused = summary(passed_over)
    for note in (*index.notes, *([] if unused is None else [unused])):
        progress.say(note)
    for place in (model, images, *(real_path(name) for name in (chosen.masks, chosen.coco, chosen.data) if name)):
        refuse_overlap(place, out)
    request = {"model": stored.record.fingerprint, "images": str(images.resolve()), **chosen.request()}
    with Staging(out, request, resume=chosen.resume) as staging:
        index = recognize(index, read_contents(index, workers=chosen.workers))
        known = set_apart(index, minimum=1) if chosen.random_holes else None
        plan = make_plan(index if known is None else known.index, images, chosen, stored.record, progress)
        staging.refuse_changed(**{"set of images and holes": plan.digest})
        if (before := finished_record(staging, progress)) is not None:
            return _result_of(staging.final, before)
        partial = partial_encoder(
            stored,
            chosen.method,
            None if chosen.data is None else real_path(chosen.data),
            workers=chosen.workers,
            skip_invalid=chosen.skip_invalid,
            max_megapixels=chosen.max_megapixels,
            steps=chosen.partial_steps,
            progress=progress,
        )
        staging.refuse_changed(**{"partial encoder of the model": fingerprint(partial)})
        method = "gibbs" if partial is None else "partial-encoder"
        completer = Completer(stored, method=method, draws=chosen.draws, partial=partial)
        _copy(plan, staging.content, progress)
        journal = staging.scratch / "completed.jsonl"
        uncertainty = (staging.scratch if plan.foldered else staging.content) / "uncertainty"
        write_completions(plan.jobs, completer, chosen, staging.content, uncertainty, journal, progress)
        remarks = _remarks(plan, chosen, stored.record)
        if known is not None:
            remarks += warnings_of(known, "they are copied as they are and stay synthetic in the manifest")
        done = Completed(
            staging, stored.record, chosen, plan, read_journal(journal), uncertainty, method, passed_over, remarks
        )
        write_root(done)
        staging.publish()
    for remark in remarks:
        progress.say(remark)
    return InpaintResult(
        out=staging.final,
        images=len({job.file.file_name for job in plan.jobs}),
        files=sum(len(job.names) for job in plan.jobs),
        passed=plan.passed_through,
        invalid={image.file_name: image.reason for image in plan.invalid},
        method=method,
        remarks=tuple(remarks),
    )


def _result_of(out: Path, record: Mapping[str, Any]) -> InpaintResult:
    """Return the result of a run that has finished, from its record."""
    return InpaintResult(
        out=out,
        images=record["images"],
        files=record["completions"],
        passed=record["passed_through"],
        invalid={entry["name"]: entry["reason"] for entry in record["invalid"]},
        method=record["method"],
        remarks=tuple(record["remarks"]),
    )


def _copy(plan: Plan, content: Path, progress: Progress) -> None:
    """Copy what is not completed."""
    if plan.passed:
        progress.stage("Copying images without holes")
        copy_unchanged(plan.passed, content)
    if plan.real:
        progress.stage("Copying images")
        copy_real(plan.real, content, progress=lambda done, total: progress.tick(Tick(done / max(total, 1))))


def _remarks(plan: Plan, chosen: InpaintSettings, record: ModelRecord) -> list[str]:
    """Return what a user should know of the images."""
    remarks = []
    native = native_size(record, None)
    larger = {job.file.file_name: None for job in plan.jobs if not shown_whole(job.size, native, chosen.region)}
    if larger:
        remarks.append(
            f"the model knows images of {native[1]}x{native[0]} pixels, and was shown the surroundings of the holes of "
            f"larger ones ({some(list(larger))}); --region whole shows it all of them"
        )
    if plan.passed:
        many = len(plan.passed)
        what = "1 image has no holes and was" if many == 1 else f"{many:,} images have no holes and were"
        remarks.append(f"{what} passed through: {some([file.file_name for file in plan.passed])}")
    remarks += plan.notes
    if plan.unused:
        remarks.append(f"masks that belong to no image: {some(list(plan.unused))} ({len(plan.unused):,} in all)")
    full = [job.file.file_name for job in plan.jobs if job.share == 1]
    if full:
        remarks.append(f"nothing is visible, so these are draws of their class: {some(full)}")
    if plan.invalid:
        names = [image.file_name for image in plan.invalid]
        remarks.append(f"images that cannot be read were left out: {some(names)} ({len(names):,} in all)")
    return remarks

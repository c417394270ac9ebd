"""Fill holes in images, or add images completed after a random hole to a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.passed_over import MASKS, summary
from vaeaug.dataset.provenance import separate_synthetic, synthetic_warnings
from vaeaug.dataset.scan import scan
from vaeaug.export.real import copy_real
from vaeaug.inpainting.complete import Completer
from vaeaug.inpainting.window import shown_whole
from vaeaug.models.record import ModelRecord
from vaeaug.progress import SILENT, Progress, Tick
from vaeaug.workflows.inpaint.checked_images import first_names
from vaeaug.workflows.inpaint.completion_files import copy_unchanged, native_size, read_journal, write_completions
from vaeaug.workflows.inpaint.completion_output import InpaintOutput, write_root
from vaeaug.workflows.inpaint.completion_plan import Plan, make_plan
from vaeaug.workflows.inpaint.inpaint_settings import InpaintSettings
from vaeaug.workflows.inpaint.inpainting_encoder import fingerprint, inpainting_encoder, resolved_method
from vaeaug.workflows.run import begin_run
from vaeaug.workflows.settings import build, expand_user


@dataclass(frozen=True, slots=True)
class InpaintResult:
    """The result of `inpaint`.

    Attributes:
        out: the directory.
        images: number of completed images.
        files: number of completions that were written.
        unchanged: number of images without holes, which were copied; with `random_holes`, of the real images.
        invalid: images that were left out because they or their masks could not be read: name -> reason.
        method: `blend`, `partial-encoder`, `gaussian` or `gibbs`.
        warnings: the warnings.
    """

    out: Path
    images: int
    files: int
    unchanged: int
    invalid: dict[str, str]
    method: str
    warnings: tuple[str, ...]

    @classmethod
    def from_record(cls, out: Path, record: Mapping[str, Any]) -> InpaintResult:
        """Return the result of a finished run from its `vaeaug.json`."""
        return cls(
            out=out,
            images=record["images"],
            files=record["completions"],
            unchanged=record["passed_through"],
            invalid={entry["name"]: entry["reason"] for entry in record["invalid"]},
            method=record["method"],
            warnings=tuple(record["remarks"]),
        )


def inpaint(
    model: str | Path, images: str | Path, out: str | Path, *, progress: Progress = SILENT, **settings: Any
) -> InpaintResult:
    """Fill the holes of images with what a trained model considers likely, given the visible pixels.

    Visible pixels are bit-identical, and so is everything else in the file: profile, EXIF, pages. A file of a lossy
    format becomes a PNG file; an image without holes is copied.

    Args:
        model: the directory of the model. Its inpainting encoder is trained on first use and kept there.
        images: a dataset, a folder of images, or one image. It is never written to.
        out: the output directory: a path that does not exist, or an empty directory.
        **settings: the options of `vaeaug inpaint`, with underscores; the fields of `InpaintSettings`.

    Raises:
        InputError: if the model, the images, the masks, an option or the output directory cannot be used; nothing was
            changed.
        VaeaugError: if the work failed; `resume=True` continues it.
    """
    chosen: InpaintSettings = build(InpaintSettings, settings, "vaeaug.inpaint")
    chosen.check()
    run = begin_run(chosen, progress)
    model, images, out = expand_user(model), expand_user(images), expand_user(out)
    stored = run.open_model(model, allow_imports=chosen.allow_imports)
    stored.require_consent()
    if chosen.label is not None:
        stored.record.label(chosen.label)
    index = scan(images, training=False, options=chosen.label_options())
    passed_over = [entry for entry in index.passed_over if not (chosen.masks and entry.reason == MASKS)]
    unused = summary(passed_over)
    for note in (*index.notes, *([] if unused is None else [unused])):
        progress.say(note)
    inputs = [model, images, *(expand_user(name) for name in (chosen.masks, chosen.coco, chosen.data) if name)]
    resolved = {"model": stored.record.fingerprint, "images": str(images.resolve())}
    with run.writing(out, resolved, inputs=inputs) as run:
        index = read_contents(index, workers=chosen.workers)
        separated = separate_synthetic(index, minimum=1) if chosen.random_holes else None
        plan = make_plan(index if separated is None else separated.index, images, chosen, stored.record, progress)
        if (record := run.finished_record(**{"set of images and holes": plan.digest})) is not None:
            return InpaintResult.from_record(run.staging.final, record)
        encoder = inpainting_encoder(
            stored,
            chosen.method,
            None if chosen.data is None else expand_user(chosen.data),
            workers=chosen.workers,
            skip_invalid=chosen.skip_invalid,
            max_megapixels=chosen.max_megapixels,
            steps=chosen.partial_steps,
            progress=progress,
        )
        run.staging.check_unchanged(**{"partial encoder of the model": fingerprint(encoder)})
        completer = Completer(
            stored, method=resolved_method(chosen.method, encoder), draws=chosen.draws, encoder=encoder
        )
        _copy(plan, run.content, progress)
        journal = run.scratch / "completed.jsonl"
        uncertainty = (run.scratch if plan.has_class_folders else run.content) / "uncertainty"
        write_completions(plan.jobs, completer, chosen, run.content, uncertainty, journal, progress)
        run.warn(*_warnings(plan, chosen, stored.record))
        if separated is not None:
            run.warn(*synthetic_warnings(separated, "they are copied as they are and stay synthetic in the manifest"))
        completed = InpaintOutput(
            stored.record, plan, read_journal(journal), uncertainty, completer.method, passed_over
        )
        write_root(run, completed)
        run.publish()
    return InpaintResult(
        out=run.staging.final,
        images=len({job.file.file_name for job in plan.jobs}),
        files=sum(len(job.names) for job in plan.jobs),
        unchanged=plan.passed_through,
        invalid={image.file_name: image.reason for image in plan.invalid},
        method=completer.method,
        warnings=tuple(run.warnings),
    )


def _copy(plan: Plan, content: Path, progress: Progress) -> None:
    if plan.unchanged:
        progress.stage("Copying images without holes")
        copy_unchanged(plan.unchanged, content)
    if plan.real:
        progress.stage("Copying images")
        copy_real(plan.real, content, progress=lambda done, total: progress.tick(Tick(done / max(total, 1))))


def _warnings(plan: Plan, chosen: InpaintSettings, record: ModelRecord) -> Iterator[str]:
    native = native_size(record, None)
    larger = {job.file.file_name: None for job in plan.jobs if not shown_whole(job.size, native, chosen.region)}
    if larger:
        yield (
            f"the model was trained on images of {native[1]}x{native[0]} pixels, so it saw only the surroundings of "
            f"the holes in larger ones ({first_names(list(larger))}); with --region whole it sees the whole image"
        )
    if plan.unchanged:
        count = len(plan.unchanged)
        subject = "1 image has no holes and was" if count == 1 else f"{count:,} images have no holes and were"
        yield f"{subject} copied unchanged: {first_names([file.file_name for file in plan.unchanged])}"
    yield from plan.notes
    if plan.unused:
        yield f"masks that belong to no image: {first_names(list(plan.unused))} ({len(plan.unused):,} in all)"
    full = [job.file.file_name for job in plan.jobs if job.fraction == 1]
    if full:
        yield f"no pixels are visible in these images, so they are samples of their class: {first_names(full)}"
    if plan.invalid:
        names = [image.file_name for image in plan.invalid]
        yield f"images that cannot be read were left out: {first_names(names)} ({len(names):,} in all)"

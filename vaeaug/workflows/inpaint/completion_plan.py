"""Which images are completed, and where their holes are: every image and mask is read once before any completion."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vaeaug.dataset.build import unreadable_message
from vaeaug.dataset.contents import thread_pool, windows
from vaeaug.dataset.image_cache import InvalidImage
from vaeaug.dataset.index import NO_LABEL, DatasetIndex, ImageFile
from vaeaug.dataset.opening import UnreadableImageError, read_file
from vaeaug.dataset.rules import DecodeRules
from vaeaug.dataset.traits import read_traits
from vaeaug.errors import InputError
from vaeaug.export.class_format import ClassFormat, recorded_format
from vaeaug.export.layout import folder_name, synthetic_name
from vaeaug.export.manifest import Sources
from vaeaug.export.normalize import CopyRule, copy_rule
from vaeaug.export.real import RealImage, first_numbers, place_real
from vaeaug.inpainting.coco import CocoFile
from vaeaug.inpainting.masks import MaskFiles
from vaeaug.inpainting.sources import HoleSource, MissingColour, RandomHoles, Transparent
from vaeaug.models.record import ModelRecord
from vaeaug.progress import Progress, Tick
from vaeaug.workflows.copies import copy_warnings
from vaeaug.workflows.inpaint.checked_images import CheckedImage, check_image, first_names, image_warnings
from vaeaug.workflows.inpaint.completion_names import base_names, completion_names, uncertainty_names
from vaeaug.workflows.inpaint.inpaint_settings import InpaintSettings
from vaeaug.workflows.settings import expand_user


@dataclass(frozen=True, slots=True)
class Job:
    """An image to be completed.

    Attributes:
        fraction: fraction of the pixels that are missing, in (0, 1], of the pages that have holes.
        size: height and width in pixels of the first page that has holes.
        label: the class that it is completed as, or None to infer it.
        names: of the completions, relative to OUT; one per sample.
        uncertainty: names of the uncertainty images, one per page that has holes; empty if there is one sample.
        variation: number of the job among the jobs of the same image.
        pages: the pages that have holes, from 0.
        kind: of its class, if it becomes an image of a dataset and keeps nothing else of its file; otherwise None.
    """

    file: ImageFile
    source: HoleSource
    origin: str
    fraction: float
    size: tuple[int, int]
    label: str | None
    names: tuple[str, ...]
    uncertainty: tuple[str, ...]
    variation: int = 0
    pages: tuple[int, ...] = (0,)
    is_multipage: bool = False
    kind: ClassFormat | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The images of a run.

    Attributes:
        unchanged: images without holes, which are copied byte for byte under their own names.
        real: with `--random-holes`, the images of the dataset, including synthetic ones of earlier runs, with their
            places in OUT; otherwise empty.
    """

    jobs: tuple[Job, ...]
    unchanged: tuple[ImageFile, ...]
    real: tuple[RealImage, ...]
    invalid: tuple[InvalidImage, ...]
    digest: str
    has_class_folders: bool
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sources: Sources = field(default_factory=lambda: Sources((), ()))

    @property
    def passed_through(self) -> int:
        """Number of images without holes, or with `--random-holes` of real images, that are copied."""
        return len(self.unchanged) + sum(not image.synthetic for image in self.real)


def make_plan(
    index: DatasetIndex, images: Path, settings: InpaintSettings, record: ModelRecord, progress: Progress
) -> Plan:
    """Read every image and its holes, and decide how it is written.

    Raises:
        InputError: if images or masks cannot be read (all are named) and `skip_invalid` is not set, if no image has a
            hole, if the masks are missing, if two images would become one file, or with `random_holes` if the model
            does not know a class.
    """
    if settings.random_holes:
        return _plan_random(index, settings, record, progress)
    source = _source(settings, images, record)
    files = [file for file in index.files if not (isinstance(source, MaskFiles) and source.is_mask(file.path))]
    if isinstance(source, CocoFile):
        source.check_unambiguous([file.file_name for file in files])
    checked, invalid = _check_all(files, source, settings, record, progress)
    model_classes = {entry.name for entry in record.classes}
    bases = base_names(list(checked), settings.samples, checked)
    jobs, unchanged = [], []
    for file in files:
        entry = checked.get(file.file_name)
        if entry is None:
            continue
        if not entry.fraction:
            unchanged.append(file)
            continue
        label = settings.label or next(
            (name for name in (file.label or index.root.name,) if name in model_classes), None
        )
        names = completion_names(file.file_name, bases[file.file_name], entry.suffixes, settings.samples)
        uncertainty = uncertainty_names(bases[file.file_name], entry.pages) if settings.samples > 1 else ()
        is_multipage = entry.file_pages > 1
        jobs.append(
            Job(
                file,
                source,
                entry.origin,
                entry.fraction,
                entry.size,
                label,
                names,
                uncertainty,
                0,
                entry.pages,
                is_multipage,
            )
        )
    if not jobs:
        raise InputError(source.no_holes_message())
    _check_names([name for job in jobs for name in job.names], [file.file_name for file in unchanged])
    has_class_folders = any(file.label != NO_LABEL for file in files)
    unused = source.unused(file.file_name for file in files) if isinstance(source, MaskFiles) else ()
    notes = image_warnings(checked)
    return Plan(
        tuple(jobs), tuple(unchanged), (), invalid, _digest(checked.values()), has_class_folders, tuple(unused), notes
    )


def _plan_random(index: DatasetIndex, settings: InpaintSettings, record: ModelRecord, progress: Progress) -> Plan:
    """Plan the larger dataset: every real image, and completions of the training images."""
    training = [file for file in index.files if file.split == "train" and file.label != NO_LABEL]
    if not training:
        raise InputError(f"{index.root} has no class folders; --random-holes adds images to the classes of a dataset")
    model_classes = [entry.name for entry in record.classes]
    unknown = sorted({file.label for file in training} - set(model_classes))
    if unknown:
        raise InputError(
            f"the model was not trained on the class {unknown[0]!r} of {index.root}; its classes are "
            f"{', '.join(model_classes)}"
        )
    kinds = {entry.name: recorded_format(record, entry) for entry in record.classes}
    checked, invalid = _check_all(training, RandomHoles(settings.seed, 0), settings, record, progress, kinds)
    left_out = {image.file_name for image in invalid}
    kept = [file for file in index.files if file.label != NO_LABEL and file.file_name not in left_out]
    copied = place_real(kept, index.layout, _copy_rules(kept, kinds, record.rules(settings.max_megapixels)))
    jobs: list[Job] = []
    next_number = Counter(first_numbers(copied))
    for file in training:
        for variation in range(settings.samples if file.file_name in checked else 0):
            entry, kind = checked[file.file_name], kinds[file.label]
            name = synthetic_name(file.label, next_number[file.label], entry.suffixes[0])
            name = f"train/{folder_name(file.label)}/{name}"
            next_number[file.label] += 1
            source = RandomHoles(settings.seed, variation)
            jobs.append(
                Job(
                    file,
                    source,
                    entry.origin,
                    entry.fraction,
                    entry.size,
                    file.label,
                    (name,),
                    (),
                    variation,
                    kind=kind,
                )
            )
    multi_frame = [name for name, entry in checked.items() if entry.frames > 1]
    note = (
        f"only the first page or frame of these files is used: {first_names(multi_frame)} ({len(multi_frame):,} in all)"
    )
    notes = (*([note] if multi_frame else []), *copy_warnings(copied, remedy=""))
    return Plan(
        jobs=tuple(jobs),
        unchanged=(),
        real=copied,
        invalid=invalid,
        digest=_digest(checked.values()),
        has_class_folders=True,
        notes=notes,
        sources=Sources(index.files, copied),
    )


def _copy_rules(
    files: Iterable[ImageFile], kinds: Mapping[str, ClassFormat], decoding: DecodeRules
) -> dict[str, CopyRule]:
    """Return how real images are copied, so that readers decode them like the completed ones.

    An image that cannot be read (of val or test), or of a class that the model does not know, is copied unchanged.
    """
    rules = {}
    for file in files:
        if file.synthetic or file.label not in kinds:
            continue
        try:
            traits = read_traits(read_file(file.path), decoding.max_megapixels)
        except UnreadableImageError:
            continue
        rules[file.file_name] = copy_rule(traits, file.path.suffix, kinds[file.label], decoding, exact=False)
    return rules


def _source(settings: InpaintSettings, images: Path, record: ModelRecord) -> HoleSource:
    if settings.masks is not None:
        return MaskFiles(expand_user(settings.masks), images, record.rules(settings.max_megapixels))
    if settings.coco is not None:
        return CocoFile(expand_user(settings.coco))
    return Transparent() if settings.alpha else MissingColour(str(settings.missing_color))


def _check_all(
    files: Sequence[ImageFile],
    source: HoleSource,
    settings: InpaintSettings,
    record: ModelRecord,
    progress: Progress,
    kinds: Mapping[str, ClassFormat] | None = None,
) -> tuple[dict[str, CheckedImage], tuple[InvalidImage, ...]]:
    """Read every image and its holes, in threads; return the images by file name, and those that cannot be read."""
    progress.stage("Reading images and holes")
    rules = record.rules(settings.max_megapixels)

    def check(file: ImageFile) -> CheckedImage | InvalidImage:
        try:
            return check_image(file, source, record.channels, rules, (kinds or {}).get(file.label))
        except UnreadableImageError as error:
            return InvalidImage(file.file_name, str(error))

    found: dict[str, CheckedImage] = {}
    invalid = []
    with thread_pool(settings.workers) as pool:
        done = 0
        for window in windows(pool, check, files):
            for file, entry in zip(files[done:], window, strict=False):
                if isinstance(entry, InvalidImage):
                    invalid.append(entry)
                else:
                    found[file.file_name] = entry
            done += len(window)
            progress.tick(Tick(done / len(files)))
    if invalid and not (settings.skip_invalid and found):
        raise InputError(unreadable_message(invalid))
    return found, tuple(invalid)


def _check_names(completed: Iterable[str], unchanged: Iterable[str]) -> None:
    duplicates = [name for name, count in Counter([*completed, *unchanged]).items() if count > 1]
    if duplicates:
        raise InputError(f"two images would both be written as {duplicates[0]}; rename one of them")


def _digest(checked: Iterable[CheckedImage]) -> str:
    state = hashlib.blake2b(digest_size=16)
    for entry in checked:
        state.update(entry.digest.encode())
    return state.hexdigest()

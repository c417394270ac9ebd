"""Draw the path that a trained model sees between two images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaeaug.export.record import RECORD, command_record, write_record
from vaeaug.models.store import StoredModel
from vaeaug.pages.drawing import enlarged
from vaeaug.pages.strips import path_factor, path_strip, write_film
from vaeaug.progress import SILENT, Progress
from vaeaug.staging import Staging, refuse_overlap
from vaeaug.synthesis.between import images_between
from vaeaug.workflows.device import choose_device, one_thread
from vaeaug.workflows.finished import finished_record
from vaeaug.workflows.model import open_stored
from vaeaug.workflows.pictures.interpolate_settings import InterpolateSettings
from vaeaug.workflows.pictures.read_one import class_of, in_class_folder, read_one
from vaeaug.workflows.settings import build, public_settings, real_path


@dataclass(frozen=True, slots=True)
class InterpolateResult:
    """What `interpolate` drew.

    Attributes:
        out: the directory: `strip.png`, `path.gif`, `frames/`.
        labels: the class that each of the two images was taken for.
        steps: images of the path.
        remarks: what the user should know.
    """

    out: Path
    labels: tuple[str, str]
    steps: int
    remarks: tuple[str, ...]


def interpolate(
    model: str | Path,
    first: str | Path,
    second: str | Path,
    out: str | Path,
    *,
    progress: Progress = SILENT,
    **settings: Any,
) -> InterpolateResult:
    """Draw what a model decodes between two images: a strip, a film and single frames.

    Between two classes, the path is decoded as both and cross-faded; see
    `vaeaug.synthesis.between.images_between`.

    Args:
        model: the directory of the model.
        first: an image file.
        second: another.
        out: the directory to make; nothing, or an empty directory, must be there.
        progress: hears how it goes.
        **settings: the fields of `InterpolateSettings`: `steps`, `path`, `label`, `enlarge`, `device`, `resume`,
            `plugins_dirs`, `allow_imports`.

    Returns:
        What was drawn.

    Raises:
        InputError: the model, an image, an option or the place is not usable; nothing was changed.
    """
    chosen: InterpolateSettings = build(InterpolateSettings, settings, "vaeaug.interpolate")
    model, out, files = real_path(model), real_path(out), (real_path(first), real_path(second))
    device = choose_device(chosen.device)
    stored = open_stored(model, device, chosen.plugins_dirs, allow_imports=chosen.allow_imports)
    for place in (model, *files):
        refuse_overlap(place, out)
    real = [read_one(stored, path, chosen.max_megapixels) for path in files]
    labels = _labels(stored, files, real, chosen.label)
    names = (stored.classes[labels[0]], stored.classes[labels[1]])
    digests = [hashlib.blake2b(image_HWC.tobytes(), digest_size=16).hexdigest() for image_HWC in real]
    factor = chosen.enlarge or path_factor(stored.spec.height, stored.spec.width)
    made: dict[str, Any] = {"steps": chosen.steps, "path": chosen.path, "labels": list(names), "enlarge": factor}
    guessed = [chosen.label is None and not in_class_folder(stored, path) for path in files]
    remarks = _remarks(files, names, guessed)
    request = {"model": stored.record.fingerprint, "images": digests, **made}
    with Staging(out, request, resume=chosen.resume) as staging:
        if finished_record(staging, progress) is not None:
            return InterpolateResult(staging.final, names, chosen.steps, remarks)
        _draw(stored, real, labels, chosen, staging.content, factor)
        record = command_record(
            "interpolate",
            public_settings(chosen),
            model=stored.record,
            images=[path.name for path in files],
            **made,
            remarks=remarks,
        )
        write_record(staging.content / RECORD, record)
        staging.publish()
    for remark in remarks:
        progress.say(remark)
    return InterpolateResult(staging.final, names, chosen.steps, remarks)


@one_thread()
def _labels(
    model: StoredModel, files: tuple[Path, Path], real: list[NDArray[np.uint8]], label: str | None
) -> tuple[int, int]:
    first, second = (class_of(model, path, image, label) for path, image in zip(files, real, strict=True))
    return first, second


@one_thread()
def _draw(
    model: StoredModel,
    real: list[NDArray[np.uint8]],
    labels: tuple[int, int],
    settings: InterpolateSettings,
    out: Path,
    factor: int,
) -> None:
    """Write the pictures."""
    images = images_between(model, real[0], real[1], labels, settings.steps, settings.path)
    names = [model.classes[label] for label in labels]
    path_strip(real, list(images), names, factor).save(out / "strip.png")
    write_film(out / "path.gif", list(images), factor)
    frames = out / "frames"
    frames.mkdir(exist_ok=True)
    digits = max(2, len(str(settings.steps - 1)))
    for number, image_HWC in enumerate(images):
        enlarged(image_HWC, factor).save(frames / f"{number:0{digits}d}.png")


def _remarks(files: tuple[Path, Path], names: tuple[str, str], guessed: list[bool]) -> tuple[str, ...]:
    remarks = [
        f"{path.name} is not in a class folder; it was classified as {name!r} (override with --label NAME)"
        for path, name, guess in zip(files, names, guessed, strict=True)
        if guess
    ]
    if names[0] != names[1]:
        remarks.append(
            f"the images belong to two classes: the paths decoded as {names[0]!r} and as {names[1]!r} are cross-faded "
            "(--label NAME decodes both as one class)"
        )
    return tuple(remarks)

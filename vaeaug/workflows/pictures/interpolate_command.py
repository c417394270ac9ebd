"""Draw the images that a trained model decodes between two images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaeaug.models.store import StoredModel
from vaeaug.pages.drawing import enlarged
from vaeaug.pages.strips import path_factor, path_strip, write_gif
from vaeaug.progress import SILENT, Progress
from vaeaug.synthesis.between import images_between
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.pictures.picture_settings import InterpolateSettings
from vaeaug.workflows.pictures.single_image import class_of, in_class_folder, read_single_image
from vaeaug.workflows.run import begin_run
from vaeaug.workflows.settings import build, expand_user


@dataclass(frozen=True, slots=True)
class InterpolateResult:
    """The result of `interpolate`.

    Attributes:
        out: the directory: `strip.png`, `path.gif`, `frames/`.
        labels: the class that each of the two images was decoded as.
        steps: number of images of the path.
        warnings: the warnings.
    """

    out: Path
    labels: tuple[str, str]
    steps: int
    warnings: tuple[str, ...]

    @classmethod
    def from_record(cls, out: Path, record: Mapping[str, Any]) -> InterpolateResult:
        """Return the result of a finished run from its `vaeaug.json`."""
        first, second = record["labels"]
        return cls(out, (first, second), record["steps"], tuple(record["remarks"]))


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
        out: the output directory: a path that does not exist, or an empty directory.
        **settings: the options of `vaeaug interpolate`, with underscores; the fields of `InterpolateSettings`.

    Raises:
        InputError: if the model, an image, an option or the output directory cannot be used; nothing was changed.
    """
    chosen: InterpolateSettings = build(InterpolateSettings, settings, "vaeaug.interpolate")
    run = begin_run(chosen, progress)
    model, out, files = expand_user(model), expand_user(out), (expand_user(first), expand_user(second))
    stored = run.open_model(model, allow_imports=chosen.allow_imports)
    real = [read_single_image(stored, path, chosen.max_megapixels) for path in files]
    labels = _labels(stored, files, real, chosen.label)
    names = (stored.classes[labels[0]], stored.classes[labels[1]])
    digests = [hashlib.blake2b(image_HWC.tobytes(), digest_size=16).hexdigest() for image_HWC in real]
    factor = chosen.enlarge or path_factor(stored.spec.height, stored.spec.width)
    resolved: dict[str, Any] = {"steps": chosen.steps, "path": chosen.path, "labels": list(names), "enlarge": factor}
    predicted = [chosen.label is None and not in_class_folder(stored, path) for path in files]
    run.warn(*_warnings(files, names, predicted))
    compared = {"model": stored.record.fingerprint, "images": digests, **resolved}
    with run.writing(out, compared, inputs=[model, *files]) as run:
        if (record := run.finished_record()) is not None:
            return InterpolateResult.from_record(run.staging.final, record)
        _draw(stored, real, labels, chosen, run.content, factor)
        run.write_record("interpolate", model=stored.record, images=[path.name for path in files], **resolved)
        run.publish()
    return InterpolateResult(run.staging.final, names, chosen.steps, tuple(run.warnings))


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
    images = images_between(model, real[0], real[1], labels, settings.steps, settings.path)
    names = [model.classes[label] for label in labels]
    path_strip(real, list(images), names, factor).save(out / "strip.png")
    write_gif(out / "path.gif", list(images), factor)
    frames = out / "frames"
    frames.mkdir(exist_ok=True)
    digits = max(2, len(str(settings.steps - 1)))
    for number, image_HWC in enumerate(images):
        enlarged(image_HWC, factor).save(frames / f"{number:0{digits}d}.png")


def _warnings(files: tuple[Path, Path], names: tuple[str, str], predicted: list[bool]) -> Iterator[str]:
    for path, name, is_predicted in zip(files, names, predicted, strict=True):
        if is_predicted:
            yield f"{path.name} is not in a class folder; it was classified as {name!r} (override with --label NAME)"
    if names[0] != names[1]:
        yield (
            f"the images belong to two classes: the paths decoded as {names[0]!r} and as {names[1]!r} are cross-faded "
            "(--label NAME decodes both as one class)"
        )

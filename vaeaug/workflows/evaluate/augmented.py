"""`augment --evaluate`: whether the images help a classifier, told before the directory is published."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from vaeaug.dataset.albumentations_module import albumentations_module
from vaeaug.dataset.index import DatasetIndex
from vaeaug.errors import DivergedError, InputError, VaeaugError
from vaeaug.export.real import RealImage
from vaeaug.pages.evaluation_results import EvaluationPart
from vaeaug.progress import Progress
from vaeaug.staging import Staging
from vaeaug.workflows.evaluate.settings import LEAST_IMAGES, EvaluateSettings
from vaeaug.workflows.settings import AugmentSettings

FOLDER = "utility"
"""Where the figures are, in OUT; the page shows the rest. (A folder called `evaluation` is a test split to Hugging Face
`datasets`.)"""


def refuse_to_evaluate(index: DatasetIndex, chosen: AugmentSettings) -> None:
    """Refuse, before any work, what `--evaluate` would refuse at its end.

    Raises:
        InputError: there is one class, the model would have to be trained anew and cannot be, or albumentations, which
            the classical augmentation takes, cannot be used.
    """
    if len(index.classes) < 2:
        raise InputError(f"--evaluate takes two classes to tell apart, and {index.root} has one; leave it out")
    albumentations_module()
    tested = any(file.label in index.classes for split in ("test", "val") for file in index.of(split))
    if not tested and chosen.train_augment:
        raise InputError(
            "--evaluate trains the model anew where there are no test images, and does not with --train-augment; "
            f"hold images out in {index.root.name}/test/<class>"
        )
    few = [label for label, count in index.counts("train").items() if count < LEAST_IMAGES]
    if not tested and few:
        raise InputError(
            f"the class {few[0]!r} has too few images for --evaluate to hold any out; leave it out, or hold some out "
            f"in {index.root.name}/test/<class>"
        )


def verdict_of(out: Path) -> str | None:
    """Return the verdict on the images of a finished output, or None if they were not evaluated."""
    path = out / FOLDER / "evaluation.json"
    return str(json.loads(path.read_bytes())["verdict"]) if path.exists() else None


def discard_evaluation(staging: Staging) -> None:
    """Remove the figures that an interrupted run wrote: this one may evaluate no more, or writes them again."""
    shutil.rmtree(staging.content / FOLDER, ignore_errors=True)


def evaluation_of(
    index: DatasetIndex, chosen: AugmentSettings, staging: Staging, copied: Sequence[RealImage], progress: Progress
) -> Callable[[Path], EvaluationPart]:
    """Return a function that evaluates the images of a directory and writes all figures into it.

    Args:
        index: the files of DATA.
        chosen: the settings of the run.
        staging: of the run.
        copied: the images of DATA that were copied; a click on one opens its copy.
        progress: progress callback.
    """
    # Both compute, and the first augments itself, fold by fold.
    from vaeaug.workflows.evaluate.command import evaluate_into  # noqa: PLC0415
    from vaeaug.workflows.evaluate.page import part_of  # noqa: PLC0415

    settings = EvaluateSettings(
        image_size=chosen.image_size,
        seed=chosen.seed,
        background=chosen.background,
        max_megapixels=chosen.max_megapixels,
        skip_invalid=chosen.skip_invalid,
        labels=chosen.labels,
        file_column=chosen.file_column,
        label_column=chosen.label_column,
        device=chosen.device,
        workers=chosen.workers,
        plugins_dirs=chosen.plugins_dirs,
        allow_imports=chosen.model is None,  # then it is the user who named the code
    )
    scratch = staging.scratch / FOLDER
    copies = {image.path: image.file_name for image in copied}

    def evaluate(out: Path) -> EvaluationPart:
        try:
            found = evaluate_into(index, out, out / FOLDER, scratch, settings, progress)
        except (InputError, DivergedError) as error:  # at which staging drops all, and here only the question failed
            kept = VaeaugError(
                f"the images are made, but whether they help cannot be told: {error}; to have them as they are, run "
                "the same command with --resume and without --evaluate"
            )
            kept.exit_code = error.exit_code
            raise kept from error

        def link(path: Path) -> str:
            return path.relative_to(out).as_posix() if path.is_relative_to(out) else copies.get(path, "")

        return part_of(found, link)

    return evaluate

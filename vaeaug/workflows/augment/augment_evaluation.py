"""`augment --evaluate`: evaluate the synthetic images before the directory is published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vaeaug.dataset.albumentations_module import albumentations_module
from vaeaug.dataset.index import DatasetIndex
from vaeaug.errors import DivergedError, InputError, VaeaugError
from vaeaug.export.real import RealImage
from vaeaug.pages.evaluation_results import EvaluationResults
from vaeaug.workflows.evaluate.evaluate_command import evaluate_into
from vaeaug.workflows.evaluate.evaluate_settings import MIN_IMAGES, EvaluateSettings
from vaeaug.workflows.evaluate.evaluation_page import evaluation_results
from vaeaug.workflows.run import Run
from vaeaug.workflows.sample_settings import AugmentSettings
from vaeaug.workflows.synthetic.dataset_evaluation import FOLDER


class AugmentEvaluation:
    """The evaluation of an extended dataset (`vaeaug.workflows.synthetic.dataset_evaluation.Evaluation`)."""

    def __init__(self, settings: AugmentSettings) -> None:
        self._settings = settings

    def check(self, index: DatasetIndex) -> None:
        """Check before any work that the images of DATA can be evaluated.

        Raises:
            InputError: if there is one class, if the model would have to be trained again and cannot be, or if
                albumentations, which classical augmentation uses, cannot be used.
        """
        if len(index.classes) < 2:
            raise InputError(
                f"--evaluate requires at least two classes, and {index.root} has one; leave out --evaluate"
            )
        albumentations_module()
        tested = any(file.label in index.classes for split in ("test", "val") for file in index.of(split))
        if not tested and self._settings.train_augment:
            raise InputError(
                "--evaluate needs test images: without them the model must be retrained, which is not possible with "
                f"--train-augment; add test images in {index.root.name}/test/<class>"
            )
        small_classes = [label for label, count in index.counts("train").items() if count < MIN_IMAGES]
        if not tested and small_classes:
            raise InputError(
                f"the class {small_classes[0]!r} has too few images for --evaluate to hold any out; leave out "
                f"--evaluate, or add test images in {index.root.name}/test/<class>"
            )

    def evaluate(
        self, run: Run[AugmentSettings], index: DatasetIndex, copied: Sequence[RealImage], out: Path
    ) -> EvaluationResults:
        """Evaluate the images of a dataset under construction, and write all figures into it.

        A click on a real image in the page opens its copy in `out`.

        Raises:
            VaeaugError: if the images cannot be evaluated; they are kept.
        """
        try:
            evaluation = evaluate_into(
                run.nested(self._evaluate_settings()), index, out, out / FOLDER, run.scratch / FOLDER
            )
        except (InputError, DivergedError) as error:  # staging drops all work at these, and only the evaluation failed
            kept_error = VaeaugError(
                f"the images were made, but their evaluation failed: {error}; to keep the images without it, run "
                "the same command with --resume and without --evaluate"
            )
            kept_error.exit_code = error.exit_code
            raise kept_error from error
        copies = {image.path: image.file_name for image in copied}

        def link(path: Path) -> str:
            return path.relative_to(out).as_posix() if path.is_relative_to(out) else copies.get(path, "")

        return evaluation_results(evaluation, link)

    def _evaluate_settings(self) -> EvaluateSettings:
        chosen = self._settings
        return EvaluateSettings(
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
            allow_imports=chosen.model is None,  # then the user named the code
        )

"""Cross-validation without test images: real images are held out in turn, and the model is trained without them.

The `vaeaug.json` of the synthetic images records how they were made. They are made again from the images of all folds
but one, so that neither the model nor its filter sees the images that the classifiers are tested on.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vaeaug.classifier.folds import stratified_folds
from vaeaug.errors import InputError, VaeaugError
from vaeaug.options import check_names_no_code
from vaeaug.progress import Progress, Tick
from vaeaug.seeds import seed_of
from vaeaug.staging import write_atomic
from vaeaug.training.config import TrainingConfig
from vaeaug.workflows.evaluate.classifier_task import TrainTestSplit
from vaeaug.workflows.evaluate.evaluate_settings import MIN_IMAGES, EvaluateSettings
from vaeaug.workflows.evaluate.evaluation_data import EvaluateData, read_synthetic
from vaeaug.workflows.evaluate.image_subset import ImageSubset
from vaeaug.workflows.evaluate.synthetic_record import sampler_plugin
from vaeaug.workflows.run import Run
from vaeaug.workflows.sample_settings import AugmentSettings
from vaeaug.workflows.samplers import find_sampler
from vaeaug.workflows.settings import build
from vaeaug.workflows.synthetic.dataset_maker import make_dataset

RECORD = "vaeaug.json"
_REMEDY = "move some images to REAL/test/<class>, or give test images with --test DIR"


def augment_settings(directory: Path, real: Mapping[str, int]) -> dict[str, Any]:
    """Return the settings of `vaeaug.augment` that make such images again, for numbers of real images per class.

    Raises:
        InputError: if there is no record of how they were made, if it names a file that is missing, or if `augment` has
            no settings for these numbers of images; the message says what to do instead.
    """
    unknown = f"REAL has no test images, and cross-validation cannot make images like those in {directory}"
    try:
        record = json.loads((directory / RECORD).read_text(encoding="utf-8"))
        model, recorded = record["model"], record["settings"]
        training_options = {field.name for field in dataclasses.fields(TrainingConfig)}
        augment_options = {
            "variant": model["variant"]["name"],
            "variant_options": {**model["variant"]["options"], **recorded.get("variant_options", {})},
            "loss": model["loss"]["name"],
            "loss_options": model["loss"]["options"],
            "scope": model["scope"],
            "image_size": "{height}x{width}".format(**model["image"]),
            **{name: value for name, value in model["training"].items() if name in training_options},
            "sampler": record["sampler"],
            "sampler_options": record["sampler_options"],
            "seed": record["seed"],
            "filter": bool(recorded.get("filter", False)),
            "background": str(recorded.get("background", "white")),
        }
        counts = _counts(real, recorded)
        train_augment = recorded.get("train_augment") or model["training"].get("train_augment")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{unknown}: it is not an output of vaeaug augment or sample; {_REMEDY}") from None
    if train_augment:
        raise InputError(f"{unknown}: it does not contain the file of --train-augment; {_REMEDY}")
    if counts is None:
        raise InputError(
            f"{unknown}: vaeaug augment does not make these numbers of images per class; make it with augment, or "
            f"{_REMEDY}"
        )
    return {**augment_options, **counts}


def check_plugins(run: Run[EvaluateSettings], augment_options: Mapping[str, Any], directory: Path) -> None:
    """Check that the plugins of SYNTHETIC are installed, and that the user consents to code that their options name.

    Raises:
        InputError: if options name code and there is no consent, or if a plugin is missing.
    """
    registry = run.registry
    variant, loss = registry.variant(augment_options["variant"]), registry.loss(augment_options["loss"])
    plugin = sampler_plugin(directory)
    try:
        find_sampler(
            augment_options["sampler"], augment_options["sampler_options"], registry, plugin.get("distribution")
        )
    except InputError as error:
        if not plugin or plugin["distribution"] is not None:
            raise
        raise InputError(f"{error}; {directory} was made with a plugin file: add its --plugins-dir DIR") from None
    if not run.settings.allow_imports:
        check_names_no_code(
            variant.cls.Config, augment_options["variant_options"], f"{directory} was made with '{variant.name}'"
        )
        check_names_no_code(
            loss.cls.Config, augment_options["loss_options"], f"{directory} was made with '{loss.name}'"
        )


def _counts(real: Mapping[str, int], recorded: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the settings of `augment` for numbers of images; None if there are no such settings.

    Args:
        real: class -> number of real images.
    """
    requested: Mapping[str, int] | None = recorded.get("counts")
    if requested is None:
        options = {name: recorded.get(name) for name in ("per_class", "ratio", "balance")}
        return {name: value for name, value in options.items() if value is not None and value is not False}
    if requested.keys() != real.keys():
        return None
    if len(set(requested.values())) == 1:
        return {"per_class": next(iter(requested.values()))}
    if len({requested[name] + real[name] for name in real}) == 1:
        return {"balance": True}
    ratio = sum(requested.values()) / sum(real.values())
    return {"ratio": ratio} if all(abs(requested[name] - ratio * real[name]) <= 1 for name in real) else None


def folds(
    run: Run[EvaluateSettings], data: EvaluateData, augment_options: Mapping[str, Any], scratch: Path
) -> Iterator[tuple[int, TrainTestSplit]]:
    """Yield every split with the number of its repeat; images that exist already are not made again.

    Raises:
        InputError: if a class has too few images to hold any out, or a name that tables do not keep.
        VaeaugError: if a training failed.
    """
    settings = run.settings
    labels_N, digests = data.real.labels_N, data.real.digests()
    distinct = Counter(label for label, _ in set(zip(labels_N.tolist(), digests, strict=True)))  # without copies
    for label, name in enumerate(data.classes):
        if name != name.strip():
            raise InputError(f"the class {name!r} begins or ends with a space; rename its folder, or {_REMEDY}")
        held_out = -(-distinct[label] // settings.folds)  # at most
        if distinct[label] - held_out < MIN_IMAGES - 1:
            raise InputError(f"the class {name!r} has too few images to hold any out; {_REMEDY}")
    total = settings.repeats * settings.folds
    for repeat in range(settings.repeats):
        fold_N = stratified_folds(
            labels_N, settings.folds, seed_of(settings.seed, "evaluate folds", repeat), digests=digests
        )
        for fold in range(settings.folds):
            held_out_N = fold_N == fold
            if not held_out_N.any():
                continue
            number = repeat * settings.folds + fold + 1
            training = data.real.subset(~held_out_N)
            fold_run = dataclasses.replace(run, progress=_FoldProgress(run.progress, f"Fold {number} of {total}: "))
            directory = scratch / f"fold-{number:03}"
            if not (directory / "synthetic").is_dir():
                _write_fold(training, data, directory / "real")
                try:
                    _recreate_images(fold_run, directory, augment_options)
                except VaeaugError as error:
                    message = f"without fold {number} of {total} the images cannot be made again: {error}"
                    raise type(error)(message) from error
            synthetic = read_synthetic(fold_run, directory / "synthetic", training.cache)
            yield repeat, TrainTestSplit(training, synthetic, data.real.subset(held_out_N))


def _recreate_images(run: Run[EvaluateSettings], directory: Path, augment_options: Mapping[str, Any]) -> None:
    run_options = {name: getattr(run.settings, name) for name in ("device", "workers", "plugins_dirs")}
    options = {**augment_options, **run_options, "synthetic_only": True, "resume": True}
    settings: AugmentSettings = build(AugmentSettings, options, "vaeaug.augment")
    make_dataset(run.nested(settings), directory / "real", directory / "synthetic")


def _write_fold(training: ImageSubset, data: EvaluateData, directory: Path) -> None:
    """Write some real images as a dataset: links to the user's files, or copies if links are not possible."""
    directory.mkdir(parents=True, exist_ok=True)
    path = {file.file_name: file.path for file in data.index.files}
    table = io.StringIO(newline="")
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(("file_name", "label"))
    for row, label in zip(training.rows_N, training.labels_N, strict=True):
        source = path[training.cache.files[row].file_name]
        name = f"{row:07}{source.suffix}"
        rows.writerow((name, data.classes[label]))
        if not (directory / name).exists():
            try:
                (directory / name).symlink_to(source.resolve())
            except OSError:  # Windows requires a privilege, and some file systems have no links
                write_atomic(directory / name, source.read_bytes())
    write_atomic(directory / "metadata.csv", table.getvalue().encode())


class _FoldProgress(Progress):
    """Reports the stages of a fold with its number; its warnings are those of the evaluation, which were reported."""

    def __init__(self, progress: Progress, prefix: str) -> None:
        self.progress, self.prefix = progress, prefix

    def stage(self, name: str) -> None:
        self.progress.stage(self.prefix + name[:1].lower() + name[1:])

    def tick(self, tick: Tick) -> None:
        self.progress.tick(tick)

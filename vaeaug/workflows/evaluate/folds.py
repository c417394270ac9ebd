"""Where there are no test images: real images are held out in turn, and the model is trained anew without them.

What made the synthetic images stands in their `vaeaug.json`; the same is done again with the images of all folds but
one, so that neither the model nor its filter ever sees what the classifiers are tested on.
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

from vaeaug import plugins
from vaeaug.classifier.folds import stratified_folds
from vaeaug.errors import InputError, VaeaugError
from vaeaug.options import refuse_named_code
from vaeaug.progress import Progress, Tick
from vaeaug.seeds import seed_of
from vaeaug.staging import write_atomic
from vaeaug.training.config import TrainingConfig
from vaeaug.workflows.augment.command import augment
from vaeaug.workflows.evaluate.data import EvaluateData, read_made
from vaeaug.workflows.evaluate.images import Images
from vaeaug.workflows.evaluate.settings import LEAST_IMAGES, EvaluateSettings
from vaeaug.workflows.evaluate.synthetic_record import sampler_plugin
from vaeaug.workflows.evaluate.task import Division
from vaeaug.workflows.samplers import find_sampler

RECORD = "vaeaug.json"
_REMEDY = "hold images out in REAL/test/<class>, or give test images with --test DIR"


def how_made(directory: Path, real: Mapping[str, int]) -> dict[str, Any]:
    """Return the settings of `vaeaug.augment` that make such images again.

    Args:
        directory: an output of `augment` or `sample`.
        real: class -> number of the real images they are of.

    Raises:
        InputError: it does not say how it was made, or with a file that is not named fully, or there are numbers of
            images that `augment` cannot be asked for; the message says what will do instead.
    """
    unknown = f"REAL has no test images, and {directory} does not tell how to make such images without some of REAL's"
    try:
        record = json.loads((directory / RECORD).read_text(encoding="utf-8"))
        model, asked = record["model"], record["settings"]
        knobs = {field.name for field in dataclasses.fields(TrainingConfig)}
        made = {
            "variant": model["variant"]["name"],
            "variant_options": {**model["variant"]["options"], **asked.get("variant_options", {})},
            "loss": model["loss"]["name"],
            "loss_options": model["loss"]["options"],
            "scope": model["scope"],
            "image_size": "{height}x{width}".format(**model["image"]),
            **{name: value for name, value in model["training"].items() if name in knobs},
            "sampler": record["sampler"],
            "sampler_options": record["sampler_options"],
            "seed": record["seed"],
            "filter": bool(asked.get("filter", False)),
            "background": str(asked.get("background", "white")),
        }
        counts = _counts(real, asked)
        train_augment = asked.get("train_augment") or model["training"].get("train_augment")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{unknown}: it is no output of vaeaug augment or sample; {_REMEDY}") from None
    if train_augment:
        raise InputError(f"{unknown}: the file of --train-augment is not in it; {_REMEDY}")
    if counts is None:
        raise InputError(
            f"{unknown}: its classes have other numbers of images than vaeaug augment makes; make it with that, or "
            f"{_REMEDY}"
        )
    return {**made, **counts}


def require_consent(made: Mapping[str, Any], directory: Path, settings: EvaluateSettings) -> None:
    """Check that the plugins of SYNTHETIC are here, and refuse what imports code it names without the user's consent.

    Raises:
        InputError: it names code, and there is no consent; or a plugin is missing.
    """
    registry = plugins.load(settings.plugins_dirs)
    variant, loss = registry.variant(made["variant"]), registry.loss(made["loss"])
    plugin = sampler_plugin(directory)
    try:
        find_sampler(made["sampler"], made["sampler_options"], settings.plugins_dirs, plugin.get("distribution"))
    except InputError as error:
        if not plugin or plugin["distribution"] is not None:
            raise
        raise InputError(f"{error}; {directory} was made with a plugin file: add its --plugins-dir DIR") from None
    if not settings.allow_imports:
        refuse_named_code(variant.cls.Config, made["variant_options"], f"{directory} was made with '{variant.name}'")
        refuse_named_code(loss.cls.Config, made["loss_options"], f"{directory} was made with '{loss.name}'")


def _counts(real: Mapping[str, int], asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how many images were asked for, as `augment` is asked; None where it cannot be.

    Args:
        real: class -> number of real images.
        asked: the settings of what was made; those of `sample` name a number for each class.
    """
    wanted: Mapping[str, int] | None = asked.get("counts")
    if wanted is None:
        given = {name: asked.get(name) for name in ("per_class", "ratio", "balance")}
        return {name: value for name, value in given.items() if value is not None and value is not False}
    if wanted.keys() != real.keys():
        return None
    if len(set(wanted.values())) == 1:
        return {"per_class": next(iter(wanted.values()))}
    if len({wanted[name] + real[name] for name in real}) == 1:
        return {"balance": True}
    ratio = sum(wanted.values()) / sum(real.values())
    return {"ratio": ratio} if all(abs(wanted[name] - ratio * real[name]) <= 1 for name in real) else None


def folds(
    data: EvaluateData, made: Mapping[str, Any], settings: EvaluateSettings, scratch: Path, progress: Progress
) -> Iterator[tuple[int, Division]]:
    """Yield every division with the number of its repeat; what is there already is not made again.

    Args:
        data: the real images.
        made: how synthetic images are made (`how_made`).
        settings: of the run.
        scratch: where models and images go.
        progress: hears how it goes.

    Raises:
        InputError: a class has too few images to hold any out, or a name that tables do not keep.
        VaeaugError: a training failed.
    """
    labels_N, digests = data.real.labels_N, data.real.digests()
    distinct = Counter(label for label, _ in set(zip(labels_N.tolist(), digests, strict=True)))  # without copies
    for label, name in enumerate(data.classes):
        if name != name.strip():
            raise InputError(f"the class {name!r} begins or ends with a space; rename its folder, or {_REMEDY}")
        held_out = -(-distinct[label] // settings.folds)  # at most
        if distinct[label] - held_out < LEAST_IMAGES - 1:
            raise InputError(f"the class {name!r} has too few images to hold any out; {_REMEDY}")
    total = settings.repeats * settings.folds
    for repeat in range(settings.repeats):
        fold_N = stratified_folds(
            labels_N, settings.folds, seed_of(settings.seed, "evaluate folds", repeat), digests=digests
        )
        for fold in range(settings.folds):
            held_N = fold_N == fold
            if not held_N.any():
                continue
            number = repeat * settings.folds + fold + 1
            training = data.real.only(~held_N)
            synthetic = _made_from(training, data, made, settings, scratch / f"fold-{number:03}", progress, total)
            yield repeat, Division(training, synthetic, data.real.only(held_N))


def _made_from(
    training: Images,
    data: EvaluateData,
    made: Mapping[str, Any],
    settings: EvaluateSettings,
    place: Path,
    progress: Progress,
    total: int,
) -> Images:
    """Return synthetic images that are made from some of the real ones."""
    number = int(place.name.rpartition("-")[2])
    told = _Told(progress, f"Fold {number} of {total}: ")
    out = place / "synthetic"
    if not out.is_dir():
        _write_fold(training, data, place / "real")
        try:
            augment(
                place / "real",
                out,
                progress=told,
                **made,
                synthetic_only=True,
                resume=True,
                device=settings.device,
                workers=settings.workers,
                plugins_dirs=settings.plugins_dirs,
            )
        except VaeaugError as error:
            raise type(error)(f"without fold {number} of {total} the images cannot be made again: {error}") from error
    return read_made(out, training.cache, settings, told)


def _write_fold(training: Images, data: EvaluateData, place: Path) -> None:
    """Lay some real images out as a dataset: links to the user's files, or copies where links are not to be had."""
    place.mkdir(parents=True, exist_ok=True)
    path = {file.file_name: file.path for file in data.index.files}
    table = io.StringIO(newline="")
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(("file_name", "label"))
    for row, label in zip(training.rows_N, training.labels_N, strict=True):
        source = path[training.cache.files[row].file_name]
        name = f"{row:07}{source.suffix}"
        rows.writerow((name, data.classes[label]))
        if not (place / name).exists():
            try:
                (place / name).symlink_to(source.resolve())
            except OSError:  # Windows asks for a privilege, some file systems have no links
                write_atomic(place / name, source.read_bytes())
    write_atomic(place / "metadata.csv", table.getvalue().encode())


class _Told(Progress):
    """Passes on what a fold tells, with its number before it; its remarks are those of the whole, which were made."""

    def __init__(self, progress: Progress, before: str) -> None:
        self.progress, self.before = progress, before

    def stage(self, name: str) -> None:
        self.progress.stage(self.before + name[:1].lower() + name[1:])

    def tick(self, tick: Tick) -> None:
        self.progress.tick(tick)

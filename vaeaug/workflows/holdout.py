"""Held-out images of a dataset, in agreement with the model that is used on it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vaeaug.dataset.groups import check_groups, groups_of
from vaeaug.dataset.holdout import hold_out
from vaeaug.dataset.holdout_options import HoldOut
from vaeaug.dataset.index import DatasetIndex
from vaeaug.errors import InputError
from vaeaug.models.latents import FILE as LATENTS
from vaeaug.models.latents import load_latents
from vaeaug.models.record import ModelRecord, read_record
from vaeaug.workflows.train_settings import TrainSettings


def apply_holdout(
    index: DatasetIndex, digests: Mapping[str, str], settings: TrainSettings, model: Path | None
) -> tuple[DatasetIndex, HoldOut | None]:
    """Return a dataset with images held out, as the settings or a trained model require, and how they were held out.

    Args:
        digests: `file_name` -> hash of the file's content.
        model: the directory of a trained model that is used on the dataset; None if one is trained on it.

    Raises:
        InputError: if images cannot be held out as requested, if a trained model has seen them, or if groups are in
            more than one split.
    """
    requested = settings.held_out()
    if model is None:
        return _divided(index, digests, requested, settings.group_by), requested
    record = read_record(model)
    recorded = None if record.holdout is None else HoldOut(**record.holdout)
    if requested is None:
        return _match_model(index, digests, recorded, record, model, settings.group_by)
    if recorded is not None and recorded.options() != requested.options():
        raise InputError(
            f"the model {model} was trained with {recorded.options()}, not {requested.options()}; give the same options"
        )
    divided = _divided(index, digests, recorded or requested, settings.group_by)
    training_names = _training_names(record, model)
    overlap = sum(file.file_name in training_names for file in divided.of(requested.split))
    if overlap:
        raise InputError(
            f"the model {model} was trained on {overlap:,} of the {len(divided.of(requested.split)):,} images to hold "
            f"out; train it with {requested.options()} too, or give another --model directory to train a new one"
        )
    return divided, recorded or requested


def _divided(
    index: DatasetIndex, digests: Mapping[str, str], requested: HoldOut | None, group_by: str | None
) -> DatasetIndex:
    """Return a dataset with images held out, or with the groups of its own splits checked."""
    if requested is not None:
        return hold_out(index, digests, requested)
    if group_by is not None:
        if not any(file.split in ("val", "test") for file in index.files):
            raise InputError(
                f"--group-by requires --holdout (for example 0.2), because {index.root} has no val or test split"
            )
        check_groups(index, groups_of(index, group_by), group_by)
    return index


def _match_model(
    index: DatasetIndex,
    digests: Mapping[str, str],
    recorded: HoldOut | None,
    record: ModelRecord,
    model: Path,
    group_by: str | None,
) -> tuple[DatasetIndex, HoldOut | None]:
    """Return a dataset with the same images held out as in the training of a model on it.

    Data that the model was not trained on are not changed.
    """
    names = {file.file_name for file in index.of("train")}
    if recorded is None or index.of(recorded.split) or not _training_names(record, model) < names:
        return _divided(index, digests, None, group_by), None
    divided = hold_out(index, digests, recorded)
    if {file.file_name for file in divided.of("train")} != _training_names(record, model):
        raise InputError(
            f"the images have changed since the model {model} was trained with {recorded.options()}, so other images "
            "would be held out now; train it again, or give another --model directory to train a new one"
        )
    return divided, recorded


def _training_names(record: ModelRecord, model: Path) -> set[str]:
    labels = range(len(record.classes))
    return {name for label in labels for name in load_latents(model / LATENTS, label).sources}

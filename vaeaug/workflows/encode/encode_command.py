"""Write the latent features of images, computed by the encoder of a trained model."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaeaug.dataset.image_cache import UNSEEN
from vaeaug.errors import InputError
from vaeaug.export.feature_card import FeatureCard, write_feature_card
from vaeaug.features.arrays import write_index, write_npy_tree, write_npz
from vaeaug.features.columns import Column
from vaeaug.features.conditioning import INFERRED, ONE, inferred_labels
from vaeaug.features.encode import encode_block, rows_per_block
from vaeaug.features.shards import Rows, Shard, schema_of, shards_of, write_shard
from vaeaug.progress import SILENT, Progress, Tick
from vaeaug.staging import check_output
from vaeaug.workflows.device import one_thread
from vaeaug.workflows.encode.encode_settings import EncodeSettings
from vaeaug.workflows.encode.feature_plan import (
    FeaturePlan,
    feature_description,
    feature_settings,
    feature_warnings,
    plan_features,
)
from vaeaug.workflows.image_data import ModelData, read_for_model
from vaeaug.workflows.run import begin_run, check_disjoint
from vaeaug.workflows.settings import build, expand_user


@dataclass(frozen=True, slots=True)
class EncodeResult:
    """The result of `encode`.

    Attributes:
        out: the directory.
        images: split -> number of images.
        columns: the numeric columns.
        encoded_as: `one`, `own` or `inferred`, or None if the encoder does not depend on the class.
        label: the class that all images were encoded as; None if there was no such class.
        warnings: the warnings.
    """

    out: Path
    images: dict[str, int]
    columns: tuple[Column, ...]
    encoded_as: str | None
    label: str | None
    warnings: tuple[str, ...]

    @classmethod
    def from_record(cls, out: Path, record: Mapping[str, Any]) -> EncodeResult:
        """Return the result of a finished run from its `vaeaug.json`."""
        columns = tuple(
            Column(name, tuple(entry["shape"]), entry["dtype"]) for name, entry in record["columns"].items()
        )
        return cls(out, record["images"], columns, record["encoded_as"], record["label"], tuple(record["remarks"]))


def encode(
    model: str | Path, data: str | Path, out: str | Path, *, progress: Progress = SILENT, **settings: Any
) -> EncodeResult:
    """Encode images with a trained model and write their features.

    Nothing is random: the features are the posterior's mean and log-variance.

    Args:
        model: the directory of the model.
        data: a dataset in any of the layouts, a folder of images, or one image.
        out: the output directory: a path that does not exist, or an empty directory.
        **settings: the options of `vaeaug encode`, with underscores; the fields of `EncodeSettings`.

    Raises:
        InputError: if the model, the images, an option or the output directory cannot be used; nothing was changed.
        VaeaugError: if the work failed; `resume=True` continues it.
    """
    chosen: EncodeSettings = build(EncodeSettings, settings, "vaeaug.encode")
    run = begin_run(chosen, progress)
    model, data, out = expand_user(model), expand_user(data), expand_user(out)
    stored = run.open_model(model, allow_imports=chosen.allow_imports)
    if chosen.label is not None and chosen.encode_as != ONE:
        raise InputError("--label requires --encode-as one, because it encodes all images as one class")
    label = stored.largest_class if chosen.label is None else stored.record.label(chosen.label)
    check_disjoint(out, [model, data])  # before all images are read, as what follows
    if not chosen.resume:
        check_output(out)
    images = read_for_model(
        stored,
        data,
        labels=chosen.label_options(),
        workers=chosen.workers,
        skip_invalid=chosen.skip_invalid,
        progress=progress,
        max_megapixels=chosen.max_megapixels,
    )
    resolved = {
        "model": stored.record.fingerprint,
        "data": _content_hash(images),
        "encode_as": chosen.encode_as,
        "label": stored.classes[label],
    }
    with run.writing(out, resolved, inputs=[model, data]) as run:
        if (before := run.finished_record()) is not None:
            return EncodeResult.from_record(run.staging.final, before)
        plan = plan_features(stored, images, chosen, label)
        description = feature_description(plan)
        run.warn(*feature_warnings(plan, chosen))
        features = run.content / "features"
        parquet = features if chosen.format == "parquet" else run.scratch / "shards"
        shards = _write_shards(plan, parquet, schema_of(plan.layout.columns, description), progress)
        _write_format(plan, chosen.format, shards, features, progress)
        counts = {split: len(indices) for split, indices in plan.indices.items()}
        about = {name: description[name] for name in ("encoded_as", "label", "columns")}
        run.write_record(
            "encode",
            model=stored.record,
            data_fingerprint=images.cache.fingerprint,
            images=counts,
            **about,
            passed_over=images.passed_over,
            invalid=images.cache.invalid,
        )
        card = FeatureCard(
            run.title, chosen.format, counts, plan.layout.columns, feature_settings(plan), tuple(run.warnings)
        )
        write_feature_card(run.content / "README.md", card)
        if chosen.format == "npy-tree":
            write_index(run.content / "index.csv", [path for paths in shards.values() for path in paths])
        run.publish()
    return EncodeResult(
        out=run.staging.final,
        images=counts,
        columns=plan.layout.columns,
        encoded_as=plan.encode_as,
        label=description["label"],
        warnings=tuple(run.warnings),
    )


@one_thread()
def _write_shards(plan: FeaturePlan, directory: Path, schema: Any, progress: Progress) -> dict[str, list[Path]]:
    """Encode the images whose shards do not exist yet, and return the shards of each split, in order."""
    progress.stage("Encoding images")
    directory.mkdir(exist_ok=True)
    rows = rows_per_block(plan.layout)
    planned = {split: shards_of(split, len(indices), rows) for split, indices in plan.indices.items()}
    paths = {split: [directory / shard.file_name for shard in shards] for split, shards in planned.items()}
    todo = [shard for shards in planned.values() for shard in shards if not (directory / shard.file_name).exists()]
    total = sum(map(len, plan.indices.values()))
    before = total - sum(shard.stop - shard.start for shard in todo)
    encoded_count, began = 0, time.monotonic()

    def reported(blocks: Iterator[Rows]) -> Iterator[Rows]:
        nonlocal encoded_count
        for block in blocks:
            yield block
            encoded_count += len(block)
            progress.tick(Tick((before + encoded_count) / total, encoded_count / (time.monotonic() - began)))

    for shard in todo:
        write_shard(directory / shard.file_name, schema, reported(_blocks(plan, shard, rows)))
    return paths


def _blocks(plan: FeaturePlan, shard: Shard, rows: int) -> Iterator[Rows]:
    cache = plan.images.cache
    labels_N = np.full(len(cache), plan.label)
    for start in range(shard.start, shard.stop, rows):
        indices = plan.indices[shard.split][start : min(start + rows, shard.stop)]
        labels_N[indices] = _labels(plan, indices)
        files = [cache.files[i] for i in indices]
        texts = {
            "file_name": [file.file_name for file in files],
            "split": [file.split for file in files],
            "label": [file.label or None for file in files],
            "class": [None if plan.encode_as is None else plan.classes[label] for label in labels_N[indices]],
        }
        synthetic = [file.synthetic for file in files]
        yield Rows(texts, synthetic, encode_block(plan.model, cache.pixels_NHWC, labels_N, indices, plan.layout))


def _labels(plan: FeaturePlan, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    if plan.encode_as in (None, ONE):
        return np.full(len(indices), plan.label)
    pixels_NHWC = plan.images.cache.pixels_NHWC
    if plan.encode_as == INFERRED:
        return inferred_labels(plan.model, pixels_NHWC, indices)
    labels_B = plan.images.labels_N[indices]
    unknown = labels_B == UNSEEN
    labels_B[unknown] = inferred_labels(plan.model, pixels_NHWC, indices[unknown])
    return labels_B


def _write_format(
    plan: FeaturePlan, kind: str, shards: dict[str, list[Path]], directory: Path, progress: Progress
) -> None:
    """Write the features in another format than Parquet; Parquet shards are in `directory` already."""
    columns = plan.layout.columns
    if kind == "npz":
        progress.stage("Writing arrays")
        directory.mkdir(exist_ok=True)
        for split, paths in shards.items():
            write_npz(directory / f"{split}.npz", paths, columns, len(plan.indices[split]))
    elif kind == "npy-tree":
        progress.stage("Writing one file per image")
        paths = [path for listed in shards.values() for path in listed]
        encoded_count = 0
        for images in write_npy_tree(directory, paths, columns):
            encoded_count += images
            progress.tick(Tick(encoded_count / len(plan.images.cache)))


def _content_hash(images: ModelData) -> str:
    state = hashlib.blake2b(digest_size=16)
    for file in images.cache.files:
        state.update(json.dumps([file.file_name, file.split, file.label, file.digest]).encode() + b"\n")
    return state.hexdigest()

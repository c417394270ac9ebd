"""Write the latent features of images: what the encoder of a trained model says of them."""

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
from vaeaug.export.record import RECORD, command_record, write_record
from vaeaug.features.arrays import write_index, write_npy_tree, write_npz
from vaeaug.features.columns import Column
from vaeaug.features.conditioning import INFERRED, ONE, inferred_labels
from vaeaug.features.encode import encode_block, rows_of_a_block
from vaeaug.features.shards import Rows, Shard, schema_of, shards_of, write_shard
from vaeaug.progress import SILENT, Progress, Tick
from vaeaug.staging import Staging, check_output, refuse_overlap
from vaeaug.workflows.device import choose_device, one_thread
from vaeaug.workflows.encode.job import EncodeJob, how_made, in_words, plan, remarks_on_features
from vaeaug.workflows.encode.settings import EncodeSettings
from vaeaug.workflows.finished import finished_record
from vaeaug.workflows.model import open_stored
from vaeaug.workflows.read import ModelData, read_for_model
from vaeaug.workflows.settings import build, public_settings, real_path


@dataclass(frozen=True, slots=True)
class EncodeResult:
    """What `encode` wrote.

    Attributes:
        out: the directory.
        images: split -> number of images.
        columns: the columns of numbers.
        encoded_as: `one`, `own` or `inferred`, or None where the encoder depends on no class.
        label: the class that all images were encoded as, where it was one.
        remarks: what the user should know.
    """

    out: Path
    images: dict[str, int]
    columns: tuple[Column, ...]
    encoded_as: str | None
    label: str | None
    remarks: tuple[str, ...]


def encode(
    model: str | Path, data: str | Path, out: str | Path, *, progress: Progress = SILENT, **settings: Any
) -> EncodeResult:
    """Encode images with a trained model and write their features.

    There is no randomness in it: a feature is the posterior's mean, and its log-variance stands beside it.

    Args:
        model: the directory of the model.
        data: a dataset in any of the layouts, a folder of images, or one image.
        out: the directory to make; nothing, or an empty directory, must be there.
        progress: hears how it goes.
        **settings: the fields of `EncodeSettings`: `encode_as`, `label`, `format`, `skip_invalid`, `device`, `workers`,
            `labels`, `file_column`, `label_column`, `resume`, `plugins_dirs`, `allow_imports`.

    Returns:
        What was written.

    Raises:
        InputError: the model, the images, an option or the place is not usable; nothing was changed.
        VaeaugError: the work failed; with `resume=True` it goes on where it was.
    """
    chosen: EncodeSettings = build(EncodeSettings, settings, "vaeaug.encode")
    model, data, out = real_path(model), real_path(data), real_path(out)
    device = choose_device(chosen.device)
    stored = open_stored(model, device, chosen.plugins_dirs, allow_imports=chosen.allow_imports)
    if chosen.label is not None and chosen.encode_as != ONE:
        raise InputError("--label encodes all images as one class, so it goes with --encode-as one only")
    label = stored.largest_class if chosen.label is None else stored.record.label(chosen.label)
    for place in (model, data):
        refuse_overlap(place, out)
    if not chosen.resume:
        check_output(out)  # before all images are read
    images = read_for_model(
        stored,
        data,
        labels=chosen.label_options(),
        workers=chosen.workers,
        skip_invalid=chosen.skip_invalid,
        progress=progress,
        max_megapixels=chosen.max_megapixels,
    )
    request = {
        "model": stored.record.fingerprint,
        "data": _listing(images),
        "encode_as": chosen.encode_as,
        "label": stored.classes[label],
        "format": chosen.format,
    }
    with Staging(out, request, resume=chosen.resume) as staging:
        if (before := finished_record(staging, progress)) is not None:
            return _result_of(staging.final, before)
        job = plan(stored, images, chosen, label)
        made, remarks = how_made(job), tuple(remarks_on_features(job, chosen))
        features = staging.content / "features"
        parquet = features if chosen.format == "parquet" else staging.scratch / "shards"
        shards = _write_shards(job, parquet, schema_of(job.layout.columns, made), progress)
        _write_format(job, chosen.format, shards, features, progress)
        counts = {split: len(where) for split, where in job.indices.items()}
        about = {name: made[name] for name in ("encoded_as", "label", "columns")}
        record = command_record(
            "encode",
            public_settings(chosen),
            model=stored.record,
            data_fingerprint=images.cache.fingerprint,
            images=counts,
            **about,
            passed_over=images.passed_over,
            invalid=images.cache.invalid,
            remarks=remarks,
        )
        write_record(staging.content / RECORD, record)
        card = FeatureCard(staging.final.name, chosen.format, counts, job.layout.columns, in_words(job), remarks)
        write_feature_card(staging.content / "README.md", card)
        if chosen.format == "npy-tree":
            write_index(staging.content / "index.csv", [path for paths in shards.values() for path in paths])
        staging.publish()
    for remark in remarks:
        progress.say(remark)
    one = stored.classes[label] if job.way == ONE else None
    return EncodeResult(staging.final, counts, job.layout.columns, job.way, one, remarks)


def _result_of(out: Path, record: Mapping[str, Any]) -> EncodeResult:
    """Return the result of a run that has finished, from its record."""
    columns = tuple(Column(name, tuple(entry["shape"]), entry["dtype"]) for name, entry in record["columns"].items())
    return EncodeResult(out, record["images"], columns, record["encoded_as"], record["label"], tuple(record["remarks"]))


@one_thread()
def _write_shards(job: EncodeJob, directory: Path, schema: Any, progress: Progress) -> dict[str, list[Path]]:
    """Encode what is not there yet, and return the shards of each split, in order."""
    progress.stage("Encoding images")
    directory.mkdir(exist_ok=True)
    rows = rows_of_a_block(job.layout)
    planned = {split: shards_of(split, len(where), rows) for split, where in job.indices.items()}
    paths = {split: [directory / shard.file_name for shard in shards] for split, shards in planned.items()}
    todo = [shard for shards in planned.values() for shard in shards if not (directory / shard.file_name).exists()]
    total = sum(map(len, job.indices.values()))
    before = total - sum(shard.stop - shard.start for shard in todo)
    done, began = 0, time.monotonic()

    def told(blocks: Iterator[Rows]) -> Iterator[Rows]:
        nonlocal done
        for block in blocks:
            yield block
            done += len(block)
            progress.tick(Tick((before + done) / total, done / (time.monotonic() - began)))

    for shard in todo:
        write_shard(directory / shard.file_name, schema, told(_blocks(job, shard, rows)))
    return paths


def _blocks(job: EncodeJob, shard: Shard, rows: int) -> Iterator[Rows]:
    """Encode a shard, a block at a time."""
    cache = job.images.cache
    labels_N = np.full(len(cache), job.label)
    for start in range(shard.start, shard.stop, rows):
        indices = job.indices[shard.split][start : min(start + rows, shard.stop)]
        labels_N[indices] = _labels(job, indices)
        files = [cache.files[i] for i in indices]
        texts = {
            "file_name": [file.file_name for file in files],
            "split": [file.split for file in files],
            "label": [file.label or None for file in files],
            "class": [None if job.way is None else job.classes[label] for label in labels_N[indices]],
        }
        synthetic = [file.synthetic for file in files]
        yield Rows(texts, synthetic, encode_block(job.model, cache.pixels_NHWC, labels_N, indices, job.layout))


def _labels(job: EncodeJob, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the class that each image is encoded as."""
    if job.way in (None, ONE):
        return np.full(len(indices), job.label)
    pixels_NHWC = job.images.cache.pixels_NHWC
    if job.way == INFERRED:
        return inferred_labels(job.model, pixels_NHWC, indices)
    labels_B = job.images.labels_N[indices]
    nobody = labels_B == UNSEEN
    labels_B[nobody] = inferred_labels(job.model, pixels_NHWC, indices[nobody])
    return labels_B


def _write_format(
    job: EncodeJob, kind: str, shards: dict[str, list[Path]], directory: Path, progress: Progress
) -> None:
    """Put together what is asked for from the shards; they are in `directory` already where that is them."""
    columns = job.layout.columns
    if kind == "npz":
        progress.stage("Writing arrays")
        directory.mkdir(exist_ok=True)
        for split, paths in shards.items():
            write_npz(directory / f"{split}.npz", paths, columns, len(job.indices[split]))
    elif kind == "npy-tree":
        progress.stage("Writing a file an image")
        paths = [path for listed in shards.values() for path in listed]
        done = 0
        for images in write_npy_tree(directory, paths, columns):
            done += images
            progress.tick(Tick(done / len(job.images.cache)))


def _listing(images: ModelData) -> str:
    """Return what identifies the images: names, splits, labels and contents."""
    state = hashlib.blake2b(digest_size=16)
    for file in images.cache.files:
        state.update(json.dumps([file.file_name, file.split, file.label, file.digest]).encode() + b"\n")
    return state.hexdigest()

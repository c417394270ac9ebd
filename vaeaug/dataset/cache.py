"""Decode a dataset once, into a memory-mapped cache keyed by its content.

The key covers every file's content, name, label and split, the requested size, and the decode rule. Memory does not
grow with the dataset, and the pixels do not depend on the number of workers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING

import PIL

from vaeaug.dataset.build import DecodeSettings, build_pixels, unreadable_message
from vaeaug.dataset.contents import content_digest, thread_pool
from vaeaug.dataset.decode import DECODE_RULE
from vaeaug.dataset.image_cache import (
    UNSEEN,
    CachedImage,
    ImageCache,
    InvalidImage,
    open_cache,
    try_open,
    write_meta,
)
from vaeaug.dataset.index import SYNTHETIC, DatasetIndex
from vaeaug.dataset.rules import DEFAULT_RULES, DecodeRules
from vaeaug.dataset.size import DEFAULT_MAX_SIDE, check_image_size, model_size
from vaeaug.dataset.store import building, cache_directory, evict, publish, remove, size_limit, writable_directory
from vaeaug.errors import InputError, VaeaugError
from vaeaug.progress import SILENT, Progress, Tick

if TYPE_CHECKING:
    from vaeaug.contracts import ImageSpec  # not at run time: this room does without torch

__all__ = ["UNSEEN", "CachedImage", "ImageCache", "InvalidImage", "build_cache", "open_cache"]


MAX_NAMED = 20
"""Unreadable images that are named at most."""


def build_cache(
    index: DatasetIndex,
    *,
    image_size: tuple[int, int] | None = None,
    max_side: int = DEFAULT_MAX_SIDE,
    spec: ImageSpec | None = None,
    rules: DecodeRules = DEFAULT_RULES,
    find_levels: bool = True,
    workers: int | None = None,
    skip_invalid: bool = False,
    progress: Progress = SILENT,
    cache_dir: Path | None = None,
) -> ImageCache:
    """Return a dataset's pixels at one size, from the cache or decoded into it; its files were read before.

    Without `image_size`, the size is derived from the training images (`model_size`).

    Args:
        spec: of a trained model: determines size, channels and palette, and a class may have any number of images.
        skip_invalid: leave unreadable images out; they are listed in `ImageCache.invalid`, and some are reported.
        cache_dir: see `store.py` for the default.
    """
    settings = DecodeSettings(
        image_size=None if image_size is None else check_image_size(image_size),
        max_side=max_side,
        spec=spec,
        rules=rules,
        find_levels=find_levels and spec is None and rules.levels is None,
        skip_invalid=skip_invalid,
    )
    model_size([(1, 1)], max_side)  # refuses a bound out of range before any work is done
    limit = size_limit()
    _check_outside(index.root, cache_dir)
    key = _key(index, settings)
    cache = _open_existing(key, cache_dir)
    if cache is not None:
        if cache.invalid and not skip_invalid:
            raise InputError(unreadable_message(cache.invalid))
        progress.tick(Tick(1.0))
    else:
        with thread_pool(workers) as pool:
            cache = _build(index, key, pool, settings, progress, cache_dir)
        evict(cache.directory.parent, limit)
    for image in cache.invalid[:MAX_NAMED]:
        progress.say(f"left out: {image.file_name}: {image.reason}")
    if len(cache.invalid) > MAX_NAMED:
        progress.say(f"left out: {len(cache.invalid) - MAX_NAMED} more images that cannot be read")
    return cache


def _build(
    index: DatasetIndex,
    key: str,
    pool: Executor,
    settings: DecodeSettings,
    progress: Progress,
    cache_dir: Path | None,
) -> ImageCache:
    directory, temporary = writable_directory(cache_dir)
    try:
        with building(directory) as folder:
            built = build_pixels(folder, index.files, index.classes, pool, settings, progress)
            fingerprint = _fingerprint(built.files)
            write_meta(
                folder,
                built.shape_HWC,
                built.files,
                index.classes,
                fingerprint,
                built.invalid,
                built.colours,
                built.rules,
            )
            publish(folder, directory / key)
            cache = try_open(directory / key, temporary=temporary)
    except OSError as error:
        raise VaeaugError(
            f"cannot write the image cache in {directory}: {error.strerror or error}; "
            "free some space, or set VAEAUG_CACHE_DIR to another disk"
        ) from error
    if cache is None:
        raise VaeaugError(
            f"the image cache {directory / key} was deleted right after it was built; run the command again"
        )
    return cache


def _key(index: DatasetIndex, settings: DecodeSettings) -> str:
    """Return the name of the entry: a hash of all that the pixels and their description depend on."""
    parameters: dict[str, object] = {"rule": DECODE_RULE, "pillow": PIL.__version__, "rules": settings.rules.to_json()}
    parameters |= {"classes": index.classes}
    if settings.spec is not None:
        spec = settings.spec
        parameters |= {"spec": [spec.channels, spec.height, spec.width, spec.palette]}
    else:
        parameters |= {"image_size": settings.image_size} if settings.image_size else {"max_side": settings.max_side}
        parameters |= {"find_levels": settings.find_levels}
    state = hashlib.blake2b(json.dumps(parameters, sort_keys=True).encode(), digest_size=16)
    for file in index.files:
        if file.digest is None:
            raise ValueError(f"{file.file_name} was not read (see `read_contents`)")
        values = [file.file_name, file.split, file.label, file.digest, file.synthetic]
        state.update(json.dumps(values).encode() + b"\n")
    return state.hexdigest()


def _fingerprint(files: Sequence[CachedImage]) -> str:
    """Return a hash of the readable data that does not depend on names, order, or synthetic images set apart."""
    rows = sorted(json.dumps([file.split, file.label, file.digest]) for file in files if file.split != SYNTHETIC)
    return content_digest("\n".join(rows).encode())


def _open_existing(key: str, cache_dir: Path | None) -> ImageCache | None:
    """Open the entry if there is one; a damaged one is removed, so that it is rebuilt."""
    directory, _ = cache_directory(cache_dir)
    if directory is None:
        return None
    entry = directory / key
    cache = try_open(entry)
    if cache is None and entry.is_dir():
        remove(entry)
    return cache


def _check_outside(root: Path, cache_dir: Path | None) -> None:
    """Refuse a cache directory inside the dataset: DATA is never written to."""
    directory, _ = cache_directory(cache_dir)
    if directory is not None and directory.resolve().is_relative_to(root.resolve()):
        raise InputError(
            f"the cache directory {directory} is inside the dataset {root}; set VAEAUG_CACHE_DIR to another directory"
        )

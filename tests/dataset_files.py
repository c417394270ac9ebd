"""Small datasets on disk, made with Pillow."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vaeaug.dataset.cache import ImageCache, build_cache, open_cache
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.scan import scan
from vaeaug.export.class_format import NativeShape, native_shape


def gray(seed: int, height: int = 12, width: int = 10) -> Image.Image:
    """A gray image of noise."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8))


def colour(seed: int, height: int = 12, width: int = 10) -> Image.Image:
    """An RGB image of noise."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def large_png() -> bytes:
    """A PNG file of a few kilobytes with 140 million pixels."""
    stream = io.BytesIO()
    Image.new("1", (14_000, 10_000)).save(stream, "PNG")
    return stream.getvalue()


def save(path: Path, image: Image.Image | None = None, **options: object) -> Path:
    """Save an image, making the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or gray(len(str(path)))).save(path, **options)
    return path


def class_folder(folder: Path, count: int = 3, *, start: int = 0, make: object = gray, **shape: int) -> None:
    """Write `count` different images `000.png` ... into a folder."""
    for i in range(count):
        save(folder / f"{i:03}.png", make(start + i, **shape))  # type: ignore[operator]


def build(data: Path, place: Path, **options: Any) -> ImageCache:
    """Build the cache of a dataset in `place/cache`."""
    return build_cache(read_contents(scan(data)), cache_dir=place / "cache", **options)


def shape_of(cache: ImageCache, label: str) -> NativeShape:
    """The form of the images of a class: of its training images, if it has any."""
    files = [file for file in cache.files if file.label == label]
    return native_shape([file for file in files if file.split == "train"] or files, cache)


def pixel_sum(directory: Path) -> int:
    """The sum of a cache's pixels. It stands here because a worker process can import this file, and not a test's."""
    return int(open_cache(directory).pixels_NHWC.sum())


def build_in_a_process(job: tuple[Path, Path]) -> tuple[str, int]:
    """Build the cache of (data, cache directory) and return its name and the sum of its pixels."""
    cache = build_cache(read_contents(scan(job[0])), cache_dir=job[1], workers=1)
    return cache.directory.name, int(cache.pixels_NHWC.sum())

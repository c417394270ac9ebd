"""Real images in SYNTHETIC: the wrong folder was given, or it also contains real images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from vaeaug.dataset.cache import ImageCache
from vaeaug.errors import InputError
from vaeaug.workflows.evaluate.image_subset import ImageSubset

_REMEDY = "give an output of vaeaug augment or sample, or class folders of synthetic images"


def exclude_real_images(
    synthetic: ImageSubset, real: ImageCache, directory: Path
) -> tuple[ImageSubset, tuple[str, ...]]:
    """Return the images of SYNTHETIC that are not files of REAL's training or validation split, and warnings.

    Files of the test split are kept: they are a leak, which is an error later.

    Raises:
        InputError: if every image is a file of REAL, or has the same pixels as one.
    """
    digests = np.array(synthetic.digests())
    if np.isin(digests, [file.digest for file in real.files]).all():
        raise InputError(
            f"{directory} contains no synthetic images: all {len(synthetic):,} images are files of REAL; {_REMEDY}"
        )
    if _all_in(_pixel_hashes(synthetic.cache, synthetic.rows_N), set(_pixel_hashes(real, range(len(real))))):
        raise InputError(
            f"{directory} contains no synthetic images: all {len(synthetic):,} have the same pixels as images of REAL; "
            f"{_REMEDY}"
        )
    copies_N = np.isin(digests, [file.digest for file in real.files if file.split != "test"])
    if not copies_N.any():
        return synthetic, ()
    left_out = int(copies_N.sum())
    return synthetic.subset(~copies_N), (
        f"images in {directory.name} that are copies of real ones and were left out: {left_out:,}",
    )


def _all_in(hashes: Iterator[bytes], known: set[bytes]) -> bool:
    return all(value in known for value in hashes)


def _pixel_hashes(cache: ImageCache, rows: Iterable[int]) -> Iterator[bytes]:
    for row in rows:
        yield hashlib.blake2b(cache.pixels_NHWC[row].tobytes(), digest_size=16).digest()

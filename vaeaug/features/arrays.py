"""Features as NumPy reads them, assembled from shards: one `.npz` per split, or a tree of one `.npy` per image.

Nothing in them is pickled: `numpy.load` opens all files directly.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from vaeaug.disk import atomic
from vaeaug.errors import VaeaugError
from vaeaug.features.columns import Column
from vaeaug.features.shards import IMAGE_COLUMNS, SYNTHETIC_COLUMN, TEXT_COLUMNS, read_blocks

MAX_NAME_BYTES = 255
"""Bytes of a file's name that file systems take."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold: the same features are the same bytes at any time."""


def write_npz(path: Path, shards: Sequence[Path], columns: Sequence[Column], rows: int) -> None:
    """Write one `.npz` atomically: one column after the other, each streamed from the shards.

    Its arrays have the names of the columns: numeric ones (N, *shape), text (N,) with "" for null, and `synthetic`
    (N,), bool.

    Args:
        shards: of one split, in order.
        columns: the numeric columns.
        rows: N, images in all the shards.
    """
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in TEXT_COLUMNS:
            longest = max((len(text) for block in _texts(shards, name) for text in block), default=0)
            dtype = np.dtype(f"<U{max(longest, 1)}")
            parts = (np.array(block, dtype) for block in _texts(shards, name))
            _write_member(archive, name, dtype, (rows,), parts)
        is_synthetic = (np.array(block.synthetic, np.bool_) for shard in shards for block in read_blocks(shard, []))
        _write_member(archive, SYNTHETIC_COLUMN, np.dtype(np.bool_), (rows,), is_synthetic)
        for column in columns:
            arrays = (block.features[column.name] for shard in shards for block in read_blocks(shard, [column.name]))
            _write_member(archive, column.name, np.dtype(column.dtype), (rows, *column.shape), arrays)


def write_npy_tree(directory: Path, shards: Sequence[Path], columns: Sequence[Column]) -> Iterator[int]:
    """Write one `.npy` per image and column, `<column>/<file_name>.npy`; yield the number of images of each block.

    A "/" in the name of a column becomes "-". Existing files are kept, so that an interrupted run can continue.
    """
    for shard in shards:
        for block in read_blocks(shard):
            for column in columns:
                folder = directory / column.name.replace("/", "-")
                for file_name, values in zip(block.texts["file_name"], block.features[column.name], strict=True):
                    _write_npy(folder / f"{file_name}.npy", values.reshape(column.shape))
            yield len(block)


def write_index(path: Path, shards: Sequence[Path]) -> None:
    """Write the columns that identify images as CSV, one row per image, in the order of the shards."""
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(IMAGE_COLUMNS)
        for shard in shards:
            for block in read_blocks(shard, []):
                is_synthetic = ["true" if synthetic else "false" for synthetic in block.synthetic]
                table.writerows(zip(*(block.texts[name] for name in TEXT_COLUMNS), is_synthetic, strict=True))


def _texts(shards: Sequence[Path], name: str) -> Iterator[list[str]]:
    for path in shards:
        for block in read_blocks(path, []):
            yield [text or "" for text in block.texts[name]]


def _write_member(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any], shape: tuple[int, ...], parts: Iterator[NDArray[Any]]
) -> None:
    """Write one array into a zip without holding all of it in memory."""
    member = zipfile.ZipInfo(f"{name}.npy", EPOCH)
    member.external_attr = 0o644 << 16  # else the files that unzip makes belong to nobody
    with archive.open(member, "w", force_zip64=True) as file:
        _write_header(file, dtype, shape)
        for part in parts:
            file.write(np.ascontiguousarray(part, dtype).tobytes())


def _write_header(file: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(file, header)


def _write_npy(path: Path, values: NDArray[Any]) -> None:
    if len(path.name.encode()) > MAX_NAME_BYTES:
        raise VaeaugError(f"the name {path.name[:40]!r}... is too long for a file name; use --format npz or parquet")
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary, temporary.open("wb") as file:
        npy.write_array(file, values, allow_pickle=False)

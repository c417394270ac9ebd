"""Parquet shards of features: `<split>-00000.parquet`, each of some row groups, written atomically.

All formats use them: arrays are assembled from finished shards, so resuming works the same for every format, and only
one block of features is in memory at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vaeaug.disk import atomic
from vaeaug.features.columns import Column
from vaeaug.features.encode import Arrays

BLOCKS_PER_SHARD = 16
"""Blocks of a shard; a block becomes a row group."""

METADATA_KEY = b"vaeaug"
"""Key of the schema metadata that records, in JSON, how the features were made."""

TEXT_COLUMNS = ("file_name", "split", "label", "class")
"""The columns that are texts. `label` is null for an image without one, `class` if the encoder is not conditional."""

SYNTHETIC_COLUMN = "synthetic"
"""The column that is true for images that a model made, or filled holes in."""

IMAGE_COLUMNS = (*TEXT_COLUMNS, SYNTHETIC_COLUMN)
"""The columns that identify the image of a row."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A file of features.

    Attributes:
        split: `train`, `val` or `test`.
        number: within the split, from 0.
        start: its first image within the split; `stop` is one past its last image.
    """

    split: str
    number: int
    start: int
    stop: int

    @property
    def file_name(self) -> str:
        """`<split>-00000.parquet`."""
        return f"{self.split}-{self.number:05d}.parquet"


@dataclass(frozen=True, slots=True)
class Rows:
    """Features of some images.

    Attributes:
        texts: the columns of `TEXT_COLUMNS`, each of B texts or None.
        features: the numeric columns, each (B, width).
    """

    texts: Mapping[str, Sequence[str | None]]
    synthetic: Sequence[bool]
    features: Arrays

    def __len__(self) -> int:
        """Return B."""
        return len(self.texts["file_name"])


def shards_of(split: str, images: int, rows: int) -> list[Shard]:
    """Return the shards of a split of `images` images, in blocks of `rows`."""
    size = rows * BLOCKS_PER_SHARD
    starts = range(0, images, size)
    return [Shard(split, number, start, min(start + size, images)) for number, start in enumerate(starts)]


def schema_of(columns: Sequence[Column], provenance: Mapping[str, Any]) -> pa.Schema:
    """Return the schema of a shard: image columns, then fixed-size lists. `provenance` becomes its metadata."""
    types = {"float32": pa.float32(), "int32": pa.int32()}
    fields = [pa.field(name, pa.string(), nullable=name in ("label", "class")) for name in TEXT_COLUMNS]
    fields.append(pa.field(SYNTHETIC_COLUMN, pa.bool_(), nullable=False))
    fields += [pa.field(column.name, pa.list_(types[column.dtype], column.width)) for column in columns]
    return pa.schema(fields, metadata={METADATA_KEY: json.dumps(provenance, ensure_ascii=False).encode()})


def write_shard(path: Path, schema: pa.Schema, blocks: Iterator[Rows]) -> None:
    """Write a shard atomically, one row group per block."""
    # Floats of a latent do not compress, and a dictionary of them is as long as they are many.
    with (
        atomic(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=list(TEXT_COLUMNS)) as writer,
    ):
        for rows in blocks:
            writer.write_table(_table(schema, rows))


def read_blocks(path: Path, columns: Sequence[str] | None = None) -> Iterator[Rows]:
    """Yield the row groups of a shard, with the given numeric columns, or all if None."""
    with pq.ParquetFile(path) as file:
        numeric = (
            [name for name in file.schema_arrow.names if name not in IMAGE_COLUMNS] if columns is None else columns
        )
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=[*IMAGE_COLUMNS, *numeric])
            texts = {name: table.column(name).to_pylist() for name in TEXT_COLUMNS}
            synthetic = table.column(SYNTHETIC_COLUMN).to_pylist()
            yield Rows(texts, synthetic, {name: _matrix(table.column(name).combine_chunks()) for name in numeric})


def _table(schema: pa.Schema, rows: Rows) -> pa.Table:
    arrays = [pa.array(rows.texts[name], pa.string()) for name in TEXT_COLUMNS]
    arrays.append(pa.array(rows.synthetic, pa.bool_()))
    for name, values in rows.features.items():
        arrays.append(pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), type=schema.field(name).type))
    return pa.Table.from_arrays(arrays, schema=schema)


def _matrix(lists: pa.FixedSizeListArray) -> Any:
    return lists.flatten().to_numpy().reshape(len(lists), lists.type.list_size)

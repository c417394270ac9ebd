"""Shards, and what is put together from them: nothing is lost, and no more than a block is in memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from vaeaug.features.arrays import write_npy_tree, write_npz
from vaeaug.features.columns import Column
from vaeaug.features.shards import BLOCKS_PER_SHARD, Rows, read_blocks, schema_of, shards_of, write_shard

COLUMNS = (Column("mean", (6,), "float32"), Column("codes/2", (2, 2), "int32"))


def block(start: int, count: int, width: int = 6) -> Rows:
    rng = np.random.default_rng(start)
    names = [f"train/ä/{i}.png" for i in range(start, start + count)]
    labels = [None if i % 3 == 0 else "ä" for i in range(start, start + count)]
    return Rows(
        {"file_name": names, "split": ["train"] * count, "label": labels, "class": [None] * count},
        [i % 2 == 0 for i in range(start, start + count)],
        {
            "mean": rng.standard_normal((count, width)).astype(np.float32),
            "codes/2": rng.integers(0, 9, (count, 4)).astype(np.int32),
        },
    )


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Two shards: of two blocks and of one."""
    paths = [tmp_path / "train-00000.parquet", tmp_path / "train-00001.parquet"]
    write_shard(paths[0], schema_of(COLUMNS, {}), iter([block(0, 5), block(5, 5)]))
    write_shard(paths[1], schema_of(COLUMNS, {}), iter([block(10, 3)]))
    return paths


def test_shards_cover_a_split_without_a_gap() -> None:
    shards = shards_of("val", 100 * BLOCKS_PER_SHARD + 7, 10)
    assert [shard.file_name for shard in shards[:2]] == ["val-00000.parquet", "val-00001.parquet"]
    assert [shard.start for shard in shards[1:]] == [shard.stop for shard in shards[:-1]]
    assert (shards[0].start, shards[-1].stop) == (0, 100 * BLOCKS_PER_SHARD + 7)
    assert shards_of("val", 0, 10) == []


def test_a_shard_has_a_row_group_a_block_and_reads_back(shards: list[Path]) -> None:
    assert pq.ParquetFile(shards[0]).num_row_groups == 2
    for got, start in zip(read_blocks(shards[0]), (0, 5), strict=True):
        put = block(start, 5)
        assert got.texts == put.texts
        assert got.synthetic == put.synthetic
        for name, values in put.features.items():
            np.testing.assert_array_equal(got.features[name], values)


def test_a_shard_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> Iterator[Rows]:
        yield block(0, 5)
        raise RuntimeError("the power is gone")

    with pytest.raises(RuntimeError):
        write_shard(tmp_path / "train-00000.parquet", schema_of(COLUMNS, {}), failing())
    assert list(tmp_path.iterdir()) == []


def test_an_npz_holds_every_column_in_its_own_shape(shards: list[Path], tmp_path: Path) -> None:
    write_npz(tmp_path / "train.npz", shards, COLUMNS, 13)
    with np.load(tmp_path / "train.npz", allow_pickle=False) as arrays:
        assert arrays["mean"].shape == (13, 6)
        assert arrays["codes/2"].shape == (13, 2, 2)
        parts = [block(0, 5), block(5, 5), block(10, 3)]
        np.testing.assert_array_equal(arrays["mean"], np.concatenate([part.features["mean"] for part in parts]))
        assert arrays["label"].tolist() == [label or "" for part in parts for label in part.texts["label"]]
        assert arrays["file_name"][-1] == "train/ä/12.png"
        assert arrays["synthetic"].tolist() == [number % 2 == 0 for number in range(13)]


def test_a_tree_has_a_file_an_image_and_goes_on_where_it_was(shards: list[Path], tmp_path: Path) -> None:
    assert list(write_npy_tree(tmp_path / "tree", shards, COLUMNS)) == [5, 5, 3]
    last = tmp_path / "tree/codes-2/train/ä/12.png.npy"
    np.testing.assert_array_equal(np.load(last), block(10, 3).features["codes/2"][2].reshape(2, 2))
    made = last.stat().st_mtime_ns
    (tmp_path / "tree/mean/train/ä/0.png.npy").unlink()
    list(write_npy_tree(tmp_path / "tree", shards, COLUMNS))
    assert last.stat().st_mtime_ns == made
    assert np.load(tmp_path / "tree/mean/train/ä/0.png.npy").shape == (6,)


def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path) -> None:
    wide = (Column("mean", (1024,), "float32"), COLUMNS[1])
    one = 512 * 1024 * 4  # bytes of a block

    def peak(blocks: int) -> int:
        path = tmp_path / f"{blocks}.parquet"
        tracemalloc.start()
        write_shard(path, schema_of(wide, {}), (block(512 * i, 512, 1024) for i in range(blocks)))
        write_npz(tmp_path / f"{blocks}.npz", [path], wide, 512 * blocks)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(12) < peak(2) + one

"""Features of every variant, opened by the readers that users have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas
import polars
import pyarrow.parquet as pq
import pytest
import tiny_data
from sklearn.linear_model import LogisticRegression
from tiny_data import QUICK

import vaeaug
from vaeaug import plugins
from vaeaug.errors import InputError
from vaeaug.workflows.encode.encode_command import encode

VARIANTS = list(plugins.load().variants)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes, in two splits."""
    root = tmp_path_factory.mktemp("data")
    tiny_data.write_dataset(root / "train", {"ant": 12, "bee": 15})
    tiny_data.write_dataset(root / "test", {"ant": 4, "bee": 4})
    return root


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("model") / "model"
    vaeaug.train(data, out, scope="shared", **QUICK)
    return out


@pytest.fixture(scope="module")
def features(model: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("features") / "out"
    encode(model, data, out)
    return out


@pytest.mark.parametrize("scope", ["shared", "per-class"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_encoded(
    variant: str, scope: str, data: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = tiny_data.small_model(tmp_path_factory, variant, scope)
    for way in ("one", "own", "inferred"):
        made = encode(model, data, tmp_path / way, encode_as=way)
        assert made.images == {"train": 27, "test": 8}
        table = pq.read_table(tmp_path / way / "features")
        assert table.num_rows == 35
        for column in made.columns:
            numbers = np.array(table.column(column.name).to_pylist())
            assert numbers.shape == (35, column.width)
            assert np.isfinite(numbers).all()
        if made.encoded_as == "own":
            assert table.column("class").to_pylist() == table.column("label").to_pylist()


def test_pandas(features: Path) -> None:
    rows = pandas.read_parquet(features / "features")
    assert rows["split"].value_counts().to_dict() == {"train": 27, "test": 8}
    assert np.stack(rows["mean"]).shape == (35, 4)
    assert np.stack(rows["mean"]).dtype == np.float32
    assert set(rows["label"]) == {"ant", "bee"}


def test_polars(features: Path) -> None:
    rows = polars.read_parquet(features / "features" / "*.parquet")
    assert rows.schema["mean"] == polars.Array(polars.Float32, 4)
    assert rows["mean"].to_numpy().shape == (35, 4)
    np.testing.assert_array_equal(
        rows.filter(polars.col("split") == "test")["mean"].to_numpy(),
        np.stack(pandas.read_parquet(features / "features/test-00000.parquet")["mean"]),
    )


def test_hugging_face_datasets(features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    from datasets import load_dataset

    loaded = load_dataset(str(features), cache_dir=str(tmp_path / "cache"))
    assert {split: len(part) for split, part in loaded.items()} == {"train": 27, "test": 8}
    row = loaded["test"].with_format("numpy")[0]
    assert row["mean"].shape == (4,)
    assert row["file_name"] == "test/ant/000.png"


def test_scikit_learn(features: Path) -> None:
    rows = pandas.read_parquet(features / "features")
    train, test = rows[rows["split"] == "train"], rows[rows["split"] == "test"]
    probe = LogisticRegression().fit(np.stack(train["mean"]), train["label"])
    assert set(probe.predict(np.stack(test["mean"]))) <= {"ant", "bee"}


def test_python_gives_what_the_files_hold(model: Path, data: Path, features: Path) -> None:
    from PIL import Image

    opened = vaeaug.load(model)
    rows = pandas.read_parquet(features / "features")
    images = np.stack([np.asarray(Image.open(data / name))[..., None] for name in rows["file_name"]])
    mean_ND, logvar_ND = opened.encode(images)
    assert logvar_ND is not None
    np.testing.assert_allclose(mean_ND, np.stack(rows["mean"]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(logvar_ND, np.stack(rows["logvar"]), rtol=1e-4, atol=1e-5)
    own_ND, _ = opened.encode(images, list(rows["label"]))
    ants = (rows["label"] == opened.classes[opened.stored.largest_class]).to_numpy()
    np.testing.assert_allclose(own_ND[ants], mean_ND[ants], rtol=1e-4, atol=1e-5)
    assert not np.allclose(own_ND[~ants], mean_ND[~ants], rtol=1e-2)
    assert opened.encode(images[:0])[0].shape == (0, 4)
    with pytest.raises(InputError, match="images must be uint8 of shape"):
        opened.encode(images / 255)
    with pytest.raises(InputError, match="one label, or one per image"):
        opened.encode(images, ["ant"])


def test_the_record_names_the_class_that_all_were_encoded_as(features: Path) -> None:
    made = json.loads((features / "vaeaug.json").read_text())
    assert (made["encoded_as"], made["label"]) == ("one", "bee")  # the larger class

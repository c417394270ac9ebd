"""The readers that people use open an output directory as it stands, and agree on classes, splits and pixels."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

from vaeaug.dataset.scan import scan
from vaeaug.export.card import CardData, ClassCount, write_card
from vaeaug.export.class_format import ClassFormat
from vaeaug.export.layout import folder_name
from vaeaug.export.manifest import Sources, manifest_rows, write_manifest
from vaeaug.export.real import copy_real, place_real
from vaeaug.export.record import write_record
from vaeaug.export.writer import write_samples
from vaeaug.synthesis.chunk import SampleChunk
from vaeaug.workflows.synthetic.dataset_evaluation import FOLDER

CLASSES = ("Ankle boot", "T-shirt", "Äpfel")
SIDE = 12


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_output(tmp_path_factory.mktemp("readers"), CLASSES)


def write_output(root: Path, classes: tuple[str, ...], splits: tuple[str, ...] = ("train", "valid", "test")) -> Path:
    """Write a dataset directory of noise, from data that has folders below its class folders."""
    random = np.random.default_rng(0)
    for split in splits:
        for label in classes:
            for name in ("1.png", "more/1.png"):
                path = root / "data" / split / label / name
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)).save(path)
    index, out = scan(root / "data"), root / "out"
    out.mkdir()
    real = place_real(index.files, index.layout)
    copy_real(real, out)
    kinds = {label: ClassFormat(SIDE, SIDE, "RGB") for label in classes}
    chunks = (
        SampleChunk(label, 0, random.integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8), (None,) * 3, "mixture")
        for label in classes
    )
    write_samples(chunks, out / "train", root / "journal", kinds=kinds, provenance={})
    write_manifest(out / "manifest.csv", manifest_rows(real, Sources(index.files, real), root / "journal", seed=0))
    counts = [ClassCount(label, 2, 3, 2, 2) for label in classes]
    write_card(out / "README.md", CardData("out", counts, {"seed": 0}))
    write_record(out / "vaeaug.json", {"seed": 0})
    (out / FOLDER).mkdir()  # with the figures of augment --evaluate
    write_record(out / FOLDER / "evaluation.json", {})
    (out / "report.html").write_text("<!doctype html><title>report</title>")
    return out


def test_nothing_but_class_folders_and_images_lies_under_a_split(out: Path) -> None:
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md", "manifest.csv", "report.html", "test", "train", FOLDER, "vaeaug.json", "val",
    ]  # fmt: skip
    for split in ("train", "val", "test"):
        folders = list((out / split).iterdir())
        assert sorted(folder.name for folder in folders) == sorted(CLASSES)
        assert all(path.is_file() and path.suffix == ".png" for folder in folders for path in folder.iterdir())


@pytest.mark.parametrize("how", ["imagefolder", "directory"])
def test_hugging_face_datasets(out: Path, tmp_path: Path, how: str) -> None:
    where = {"path": "imagefolder", "data_dir": str(out)} if how == "imagefolder" else {"path": str(out)}
    data = load_hugging_face(tmp_path, **where)
    assert {split: len(data[split]) for split in data} == {"train": 15, "validation": 6, "test": 6}
    label = data["train"].features["label"]
    assert label == pytest.importorskip("datasets").ClassLabel(names=sorted(CLASSES))
    assert set(data["train"].column_names) == {"image", "label"}
    assert [data["train"]["label"].count(number) for number in range(3)] == [5, 5, 5]
    assert data["train"][0]["image"].size == (SIDE, SIDE)


@pytest.mark.parametrize("how", ["imagefolder", "directory"])
def test_hugging_face_datasets_with_classes_called_like_splits(tmp_path: Path, how: str) -> None:
    # With data_dir= it infers splits from the name of any folder in a path, and not from the card's header.
    labels = ("blood test", "dev", "eval", "train", "valid 2", "x")
    out = write_output(tmp_path, labels)
    where = {"path": "imagefolder", "data_dir": str(out)} if how == "imagefolder" else {"path": str(out)}
    data = load_hugging_face(tmp_path, **where)
    assert {split: len(data[split]) for split in data} == {"train": 30, "validation": 12, "test": 12}
    for split in data:
        assert [unquote(name) for name in data[split].features["label"].names] == sorted(labels)
        assert set(Counter(data[split]["label"]).values()) == {len(data[split]) // len(labels)}


def test_hugging_face_datasets_finds_no_split_that_is_not_there(tmp_path: Path) -> None:
    out = write_output(tmp_path, CLASSES, splits=("train",))
    data = load_hugging_face(tmp_path, path="imagefolder", data_dir=str(out))
    assert {split: len(data[split]) for split in data} == {"train": 15}


def load_hugging_face(cache: Path, **where: str) -> Any:
    datasets = pytest.importorskip("datasets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
        patch.setenv("HF_HUB_OFFLINE", "1")
        return datasets.load_dataset(**where, cache_dir=str(cache / "cache"))


def test_torchvision_image_folder(out: Path) -> None:
    from torchvision.datasets import ImageFolder

    for split, number in (("train", 15), ("val", 6), ("test", 6)):
        folder = ImageFolder(str(out / split))
        assert folder.classes == sorted(CLASSES)
        assert len(folder) == number
    image, _ = ImageFolder(str(out / "train"))[0]
    assert image.size == (SIDE, SIDE)


def test_vaeaug_itself(out: Path) -> None:
    index = scan(out)
    assert index.layout == "splits"
    assert index.counts("train") == dict.fromkeys(sorted(CLASSES), 5)
    assert index.counts("val") == index.counts("test") == dict.fromkeys(sorted(CLASSES), 2)


def test_the_manifest_names_exactly_the_images_that_are_there(out: Path) -> None:
    with (out / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    there = {
        path.relative_to(out).as_posix() for split in ("train", "val", "test") for path in (out / split).rglob("*.*")
    }
    assert sorted(row["file_name"] for row in rows) == sorted(there)
    for row in rows:
        assert row["file_name"].split("/")[:2] == [row["split"], folder_name(row["label"])]
        info = Image.open(out / row["file_name"]).info
        assert (info.get("vaeaug:synthetic") == "true") == (row["synthetic"] == "true")

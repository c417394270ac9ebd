"""What a run says and records about the layout of DATA, and what OUT then looks like to readers."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_data import UNFILTERED, image, run

import vaeaug
from vaeaug.errors import InputError


def write(root: Path, *folders: str, count: int = 4, start: int = 0) -> Path:
    for number, folder in enumerate(folders):
        (root / folder).mkdir(parents=True)
        for i in range(count):
            image("ant" if number % 2 else "bee", start + 50 * number + i).save(root / folder / f"{i}.png")
    return root


def augment(data: Path, **settings: Any) -> tuple[Path, tuple[str, ...]]:
    out = data.parent / "out"
    made = vaeaug.augment(data, out, **{"per_class": 2, **UNFILTERED, **settings})
    return out, made.warnings


def test_mvtec_ad_keeps_its_defects_in_test_and_its_masks_out(tmp_path: Path) -> None:
    data = write(tmp_path / "bottle", "train/good", "test/good", "test/broken", "ground_truth/broken")
    (data / "license.txt").write_text("x")
    out, remarks = augment(data)
    assert sorted(path.name for path in (out / "test").iterdir()) == ["broken", "good"]
    assert not (out / "ground_truth").exists()
    assert any(line.startswith("not used: 1 .txt, 4 images that are masks of other images (") for line in remarks)
    assert any(
        line.startswith("no images of 'broken' in train: OUT has empty folders for these classes") for line in remarks
    )
    assert json.loads((out / "vaeaug.json").read_text())["passed_over"] == [
        {"reason": "not an image", "suffix": ".txt", "count": 1, "files": ["license.txt"]},
        {
            "reason": "mask of another image",
            "suffix": "",
            "count": 4,
            "files": [f"ground_truth/broken/{i}.png" for i in range(4)],
        },
    ]


def test_readers_number_the_classes_alike_in_all_splits(tmp_path: Path) -> None:
    from torchvision.datasets import ImageFolder

    data = write(tmp_path / "data", "train/ant", "train/bee", "test/bee", "test/asp")
    out, _ = augment(data)
    numbers = [ImageFolder(str(out / split), allow_empty=True).class_to_idx for split in ("train", "test")]
    assert numbers == [{"ant": 0, "asp": 1, "bee": 2}] * 2
    # The folders without images do not stand in the way when OUT is DATA.
    vaeaug.train(out, tmp_path / "model", steps=2, workers=1)


def test_an_image_in_a_folder_too_many_keeps_its_name(tmp_path: Path) -> None:
    out, remarks = augment(write(tmp_path / "data", "photos/train/ant", "photos/train/bee", "photos/test/bee"))
    assert (out / "test/bee/0.png").is_file()
    assert (out / "train/ant/3.png").is_file()
    assert "data contains only the folder 'photos', which was read as the dataset" in remarks


def test_leaks_stop_a_run_before_any_training_unless_they_are_allowed(tmp_path: Path) -> None:
    data = write(tmp_path / "data", "train/ant", "train/bee", "test/bee")
    shutil.copy(data / "train/ant/0.png", data / "test/bee/copy.png")
    with pytest.raises(InputError, match="1 test image is also a training image, byte for byte"):
        augment(data)
    assert not (tmp_path / "out").exists()
    _, remarks = augment(data, allow_leaks=True)
    assert any(line.startswith("1 test image is also a training image") for line in remarks)
    assert any(line.startswith("1 identical image is in several classes, so a label is wrong") for line in remarks)


def test_a_table_on_the_command_line_for_training_and_scoring(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write(tmp_path / "data", "x", count=6)
    table = tmp_path / "sorts.csv"
    table.write_text("Bild;Sorte\n" + "".join(f"{i};{'ab'[i % 2]}\n" for i in range(6)))
    columns = ["--labels", table, "--file-column", "Bild", "--label-column", "Sorte"]
    assert run("train", data, tmp_path / "model", "--steps", "2", "--workers", "1", *columns) == 0
    assert run("score", tmp_path / "model", data, tmp_path / "scores", *columns) == 0
    assert json.loads((tmp_path / "model/model.json").read_text())["classes"][0]["name"] == "a"
    with (tmp_path / "scores/scores.csv").open(newline="") as stream:
        scored = {row["file_name"]: row["label"] for row in csv.DictReader(stream)}
    assert scored == {f"x/{i}.png": "ab"[i % 2] for i in range(6)}
    assert str(tmp_path) not in (tmp_path / "scores/vaeaug.json").read_text()
    capsys.readouterr()
    assert run("train", data, tmp_path / "other", "--labels", tmp_path / "no.csv") == 2
    assert f"the table {tmp_path / 'no.csv'} does not exist" in capsys.readouterr().err

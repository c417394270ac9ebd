"""An output of vaeaug that is used as data: what is synthetic stays synthetic, whatever was done to the directory."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas
import pytest
import tiny_data
from PIL import Image
from tiny_data import UNFILTERED, manifest, run

import vaeaug
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.image_cache import open_cache
from vaeaug.dataset.provenance import separate_synthetic
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError

FAST = {**UNFILTERED, "steps": 2}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of eight and six real images, with three synthetic ones each."""
    place = tmp_path_factory.mktemp("provenance")
    data = tiny_data.write_dataset(place / "data", {"ant": 8, "bee": 6})
    vaeaug.augment(data, place / "first", per_class=3, **FAST)
    return place / "first"


def keep(out: Path) -> None:
    """Leave the output as it is."""


def without_manifest(out: Path) -> None:
    (out / "manifest.csv").unlink()


def without_root_files(out: Path) -> None:
    for path in out.iterdir():
        if path.is_file():
            path.unlink()


def renamed(out: Path) -> None:
    without_root_files(out)
    for number, path in enumerate(sorted(out.rglob("*.png"))):
        path.rename(path.with_name(f"{number:04}.png"))


def train_moved_up(out: Path) -> None:
    without_root_files(out)
    for folder in (out / "train").iterdir():
        folder.rename(out / folder.name)
    (out / "train").rmdir()


def marks_removed(out: Path) -> None:
    for path in out.rglob("*.png"):
        Image.fromarray(np.asarray(Image.open(path))).save(path)


def marks_and_manifest_removed(out: Path) -> None:
    marks_removed(out)
    without_manifest(out)


def manifest_from_a_spreadsheet(out: Path) -> None:
    rows = manifest(out)
    marks_removed(out)
    with (out / "manifest.csv").open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys(), delimiter=";")
        table.writeheader()
        table.writerows({**row, "synthetic": row["synthetic"].upper()} for row in rows)


def manifest_says_real(out: Path) -> None:
    text = (out / "manifest.csv").read_text()
    (out / "manifest.csv").write_text(text.replace(",true,", ",false,"))


def as_jpeg_with_mark_in_the_manifest_only(out: Path) -> None:
    text = (out / "manifest.csv").read_text()
    for path in out.rglob("*.png"):
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()
    (out / "manifest.csv").write_text(text.replace(".png", ".jpg"))


@pytest.mark.parametrize(
    "change",
    [
        keep,
        without_manifest,
        without_root_files,
        renamed,
        train_moved_up,
        marks_removed,
        marks_and_manifest_removed,
        manifest_from_a_spreadsheet,
        manifest_says_real,
        as_jpeg_with_mark_in_the_manifest_only,
    ],
)
def test_synthetic_images_are_recognized(first: Path, tmp_path: Path, change: Callable[[Path], None]) -> None:
    out = tmp_path / "copy"
    shutil.copytree(first, out)
    change(out)
    index = scan(out)
    apart = separate_synthetic(read_contents(index))
    assert apart.synthetic == 6
    assert apart.index.counts("train") == {"ant": 8, "bee": 6}


def test_a_folder_of_an_output_is_recognized(first: Path) -> None:
    index = scan(first / "train")
    found = read_contents(index)
    made = [file for file in found.files if file.synthetic]
    assert len(made) == 6
    assert all((first / "train" / str(file.provenance and file.provenance.source)).is_file() for file in made)


def test_the_second_output_carries_the_first_on(first: Path, tmp_path: Path) -> None:
    made = vaeaug.augment(first, tmp_path / "second", per_class=4, **FAST)
    assert [(count.real, count.synthetic, count.carried) for count in made.counts] == [(8, 7, 3), (6, 7, 3)]
    rows = {row["file_name"]: row for row in manifest(tmp_path / "second")}
    assert len(rows) == 8 + 6 + 14 == len(list((tmp_path / "second").rglob("*.png")))
    for before in manifest(first):
        after = rows[before["file_name"]]
        names = ("split", "label", "synthetic", "original", "sampler", "index", "seed")
        assert {name: after[name] for name in names} == {name: before[name] for name in names}
        assert (tmp_path / "second" / before["file_name"]).read_bytes() == (first / before["file_name"]).read_bytes()
    for row in rows.values():
        assert (tmp_path / "second" / row["source"]).is_file()
        assert (first.parent / "data" / row["original"]).is_file()
        assert rows[row["source"]]["synthetic"] == "false"
    new = [row for row in rows.values() if row["synthetic"] == "true" and (int(row["index"]) >= 64)]
    assert len(new) == 8  # in chunks after those that were used


def test_a_third_output_names_the_first_data(first: Path, tmp_path: Path) -> None:
    vaeaug.augment(first, tmp_path / "second", per_class=2, **FAST)
    vaeaug.augment(tmp_path / "second", tmp_path / "third", per_class=2, **FAST)
    rows = [row for row in manifest(tmp_path / "third") if row["synthetic"] == "true"]
    assert len(rows) == 2 * (3 + 2 + 2)
    assert all((first.parent / "data" / row["original"]).is_file() for row in rows)
    assert all((tmp_path / "third" / row["source"]).is_file() for row in rows)


def test_the_same_model_and_seed_make_further_images(first: Path, tmp_path: Path) -> None:
    data, model = first.parent / "data", tmp_path / "model"
    words = {"model": model, "sampler": "mixture", "per_class": 3, **FAST}
    vaeaug.augment(data, tmp_path / "one", **words)
    vaeaug.augment(tmp_path / "one", tmp_path / "two", **words)
    images = [path.read_bytes() for path in (tmp_path / "two").rglob("synthetic-*.png")]
    pixels = {np.asarray(Image.open(path)).tobytes() for path in (tmp_path / "two").rglob("synthetic-*.png")}
    assert len(images) == len(pixels) == 12


def test_nothing_is_trained_on_them_unless_asked(first: Path, tmp_path: Path) -> None:
    plain = vaeaug.train(first, tmp_path / "plain", **{**tiny_data.QUICK, "steps": 2})
    also = vaeaug.train(first, tmp_path / "also", train_on_synthetic=True, **{**tiny_data.QUICK, "steps": 2})
    images = {name: len(plain.stored.latents(label).sources) for label, name in enumerate(plain.classes)}
    assert images == {"ant": 8, "bee": 6}
    assert {name: len(also.stored.latents(label).sources) for label, name in enumerate(also.classes)} == {
        "ant": 11,
        "bee": 9,
    }
    assert [entry.images for entry in also.record.classes] == [8, 6]


def test_new_images_of_synthetic_ones_name_the_real_one(first: Path, tmp_path: Path) -> None:
    vaeaug.augment(first, tmp_path / "out", per_class=30, sampler="posterior", **{**FAST, "train_on_synthetic": True})
    rows = manifest(tmp_path / "out")
    real = {row["file_name"] for row in rows if row["synthetic"] == "false"}
    assert {row["source"] for row in rows} <= real


def test_amounts_count_real_images_only(first: Path, tmp_path: Path) -> None:
    made = vaeaug.augment(first, tmp_path / "out", ratio=0.5, **FAST)
    assert [count.synthetic - count.carried for count in made.counts] == [4, 3]
    made = vaeaug.augment(first, tmp_path / "balanced", balance=True, **FAST)
    assert [count.synthetic - count.carried for count in made.counts] == [0, 2]


def test_a_warning_says_how_many_there_are(first: Path, tmp_path: Path) -> None:
    made = vaeaug.augment(first, tmp_path / "out", per_class=1, **FAST)
    (said,) = [remark for remark in made.warnings if "earlier run" in remark]
    assert said == (
        "6 of 20 training images of first are synthetic, from an earlier run of vaeaug: they are copied and stay "
        "synthetic in the manifest, and no model was trained on them (--train-on-synthetic trains on them)"
    )
    assert said in json.loads((tmp_path / "out/vaeaug.json").read_text())["remarks"]


def test_an_output_of_synthetic_images_alone_is_refused(
    first: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vaeaug.augment(first.parent / "data", tmp_path / "alone", per_class=3, synthetic_only=True, **FAST)
    assert run("augment", tmp_path / "alone", tmp_path / "out", "--steps", 2) == 2
    said = capsys.readouterr().err
    assert "all 6 training images of" in said
    assert "--train-on-synthetic" in said
    assert not (tmp_path / "out").exists()
    vaeaug.train(tmp_path / "alone", tmp_path / "model", train_on_synthetic=True, **{**tiny_data.QUICK, "steps": 2})


def test_a_class_with_one_real_image_is_named(first: Path, tmp_path: Path) -> None:
    shutil.copytree(first, tmp_path / "copy")
    for path in sorted((tmp_path / "copy/train/bee").glob("0*.png"))[1:]:
        path.unlink()
    with pytest.raises(InputError, match="'bee' has 1 real and 3 synthetic"):
        vaeaug.train(tmp_path / "copy", tmp_path / "model", **tiny_data.QUICK)


def test_copied_synthetic_images_in_a_test_split_judge_nothing(first: Path, tmp_path: Path) -> None:
    shutil.copytree(first, tmp_path / "copy")
    for label in ("ant", "bee"):
        (tmp_path / "copy/test" / label).mkdir(parents=True)
        tiny_data.image(label, 77).save(tmp_path / "copy/test" / label / "real.png")
        shutil.copy(first / f"train/{label}/synthetic-{label}-00000.png", tmp_path / "copy/test" / label / "x.png")
    made = vaeaug.augment(tmp_path / "copy", tmp_path / "out", per_class=1, **FAST)
    assert [count.test for count in made.counts] == [1, 1]
    assert any("2 synthetic images in the validation and test splits" in remark for remark in made.warnings)
    assert not list((tmp_path / "out/test").rglob("x.png"))


def test_random_holes_beside_earlier_images(first: Path, tmp_path: Path) -> None:
    vaeaug.train(first, tmp_path / "model", **{**tiny_data.QUICK, "steps": 2})
    made = vaeaug.inpaint(tmp_path / "model", first, tmp_path / "out", random_holes=True, method="gibbs")
    assert made.images == 14
    rows = manifest(tmp_path / "out")
    assert sum(row["synthetic"] == "false" for row in rows) == 14
    assert len({row["file_name"] for row in rows}) == len(rows) == 14 + 6 + 14
    assert all((tmp_path / "out" / row["source"]).is_file() for row in rows)
    assert "14 real and 20 synthetic" in (tmp_path / "out/README.md").read_text()
    assert len(list((tmp_path / "out").rglob("*.png"))) == 34
    assert made.unchanged == 14


def test_completed_images_are_synthetic_in_part(first: Path, tmp_path: Path) -> None:
    data = first.parent / "data"
    model = vaeaug.train(data, tmp_path / "model", **{**tiny_data.QUICK, "steps": 2})
    masks = tmp_path / "masks"
    for label in model.classes:
        (masks / label).mkdir(parents=True)
        mask = np.zeros((8, 8), np.uint8)
        mask[2:4] = 255
        Image.fromarray(mask).save(masks / label / "000.png")
    vaeaug.inpaint(tmp_path / "model", data, tmp_path / "done", masks=str(masks), method="gibbs")
    index = scan(tmp_path / "done")
    apart = separate_synthetic(read_contents(index))
    assert (apart.synthetic, apart.index.counts("train")) == (2, {"ant": 7, "bee": 5})
    vaeaug.augment(tmp_path / "done", tmp_path / "out", per_class=1, **FAST)
    kinds = [row["synthetic"] for row in manifest(tmp_path / "out")]
    assert (kinds.count("false"), kinds.count("partly"), kinds.count("true")) == (12, 2, 2)


def test_the_cache_marks_synthetic_images(first: Path, tmp_path: Path) -> None:
    from vaeaug.dataset.cache import build_cache

    index = scan(first)
    apart = separate_synthetic(read_contents(index))
    cache = open_cache(build_cache(apart.index, cache_dir=tmp_path).directory)
    assert sum(file.synthetic for file in cache.files) == 6
    assert len(cache.indices("train")) == 14
    data = scan(first.parent / "data")
    assert (
        build_cache(read_contents(data), cache_dir=tmp_path).fingerprint == cache.fingerprint
    )  # it is the same real data


def test_tables_of_features_and_scores_say_which_images_are_synthetic(tmp_path: Path) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 6, "bee": 6})
    vaeaug.train(data, tmp_path / "model", **tiny_data.QUICK)
    vaeaug.augment(data, tmp_path / "out", model=tmp_path / "model", per_class=2, filter=False, workers=1)
    vaeaug.encode(tmp_path / "model", tmp_path / "out", tmp_path / "features")
    vaeaug.score(tmp_path / "model", tmp_path / "out", tmp_path / "scores", workers=1)
    vaeaug.encode(tmp_path / "model", tmp_path / "out", tmp_path / "tree", format="npy-tree")
    made = {row["file_name"] for row in tiny_data.manifest(tmp_path / "out") if row["synthetic"] == "true"}
    assert len(made) == 4
    for table in (
        pandas.read_parquet(tmp_path / "features/features"),
        pandas.read_parquet(tmp_path / "scores/scores.parquet"),
        pandas.read_csv(tmp_path / "scores/scores.csv"),
        pandas.read_csv(tmp_path / "tree/index.csv"),
    ):
        assert table["synthetic"].dtype == bool
        assert set(table[table["synthetic"]]["file_name"]) == made

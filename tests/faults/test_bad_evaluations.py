"""What an evaluation refuses: one line that names the remedy, and nothing left behind."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import albumentations
import evaluate_data
import pytest
import tiny_data
from evaluate_data import QUICK
from machine_faults import interrupt, on_disk
from PIL import Image

import vaeaug
from vaeaug.errors import InputError
from vaeaug.workflows.evaluate.evaluate_command import evaluate


@pytest.fixture
def real(tmp_path: Path) -> Path:
    return evaluate_data.write_real(tmp_path / "real")


@pytest.fixture
def synthetic(tmp_path: Path) -> Path:
    return evaluate_data.write_synthetic(tmp_path / "synthetic", {"ant": 6, "bee": 7})


def refused(match: str, *places: Path, **settings: object) -> None:
    with pytest.raises(InputError, match=match) as error:
        evaluate(*places, **{**QUICK, **settings})
    assert "\n" not in str(error.value)


def test_synthetic_images_that_are_test_images(real: Path, synthetic: Path, tmp_path: Path) -> None:
    shutil.copy(real / "test/ant/100.png", synthetic / "ant/copied.png")
    refused("1 of the synthetic images .* are test images of REAL, test split; .*--test DIR", real, synthetic)
    assert not list(tmp_path.glob("*out*"))


def test_a_model_that_was_trained_on_the_test_images(real: Path, tmp_path: Path) -> None:
    everything = tmp_path / "everything"
    for split in ("train", "test"):
        shutil.copytree(real / split, everything, dirs_exist_ok=True)
    vaeaug.augment(everything, tmp_path / "extended", per_class=2, **tiny_data.UNFILTERED)
    refused("was made from 10 of the test images of REAL", real, tmp_path / "extended")


def test_samples_drawn_around_test_images(real: Path, tmp_path: Path) -> None:
    vaeaug.augment(real, tmp_path / "extended", per_class=2, sampler="posterior", **tiny_data.UNFILTERED)
    manifest = tmp_path / "extended/manifest.csv"
    rows = tiny_data.manifest(tmp_path / "extended")
    drawn = next(row for row in rows if row["synthetic"] == "true")
    drawn["source"] = "test/bee/101.png"
    with manifest.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows(rows)
    refused("1 of the synthetic images were made from test images", real, tmp_path / "extended")
    for label in ("ant", "bee"):
        evaluate_data.write_images(tmp_path / "others" / label, label, 300, 3)
    evaluate(real, tmp_path / "extended", **{**QUICK, "steps": 2, "test": str(tmp_path / "others")})  # of no test image


def test_test_images_that_are_training_images(real: Path, synthetic: Path) -> None:
    refused("all images of .* are also training images", real, synthetic, test=str(real / "train"))
    shutil.copy(real / "train/ant/000.png", real / "test/ant/again.png")
    found = evaluate(real, synthetic, **QUICK)
    assert found.values["test_images"]["ant"] == 5
    assert any("also training images and were left out: 1" in remark for remark in found.warnings)


def test_one_test_image_tells_nothing(real: Path, synthetic: Path, tmp_path: Path) -> None:
    evaluate_data.write_images(tmp_path / "others/ant", "ant", 300, 1)
    refused("others has only one test image.*--test DIR", real, synthetic, test=str(tmp_path / "others"))


def test_other_classes(real: Path, synthetic: Path, tmp_path: Path) -> None:
    evaluate_data.write_images(synthetic / "cow", "cow", 0, 2)
    refused("'cow', but the classes of REAL are 'ant', 'bee'", real, synthetic)
    evaluate_data.write_images(tmp_path / "tests/cow", "cow", 0, 2)
    shutil.rmtree(synthetic / "cow")
    refused("has no images of 'ant', 'bee'", real, synthetic, test=str(tmp_path / "tests"))


def test_colours_for_gray_images(real: Path, synthetic: Path) -> None:
    shutil.rmtree(synthetic)
    evaluate_data.write_images(synthetic / "ant", "ant", 0, 2, channels=3)
    refused(
        "are in colour, but gray images are required: .*; convert them to gray, or use .* real images",
        real,
        synthetic,
    )


def test_one_class_is_nothing_to_tell(tmp_path: Path, synthetic: Path) -> None:
    refused("a classifier needs at least two", tiny_data.write_dataset(tmp_path / "one", {"ant": 4}), synthetic)


def test_no_synthetic_images(real: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    tiny_data.image("ant", 0).save(tmp_path / "plain/0.png")
    refused("images outside class folders; give an output of vaeaug augment", real, tmp_path / "plain")
    vaeaug.augment(real, tmp_path / "none", per_class=2, **tiny_data.UNFILTERED)
    for path in (tmp_path / "none/train").rglob("synthetic-*"):
        path.unlink()
    refused("contains no synthetic images", real, tmp_path / "none")
    refused("nowhere does not exist; give an output of vaeaug augment or sample", real, tmp_path / "nowhere")


@pytest.mark.parametrize("kind", ["itself", "copy", "other names", "other format", "part", "validation split"])
def test_real_images_as_synthetic_ones(real: Path, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "given"
    if kind in ("copy", "other names", "other format", "part"):
        for path in sorted((real / "train").rglob("*.png"))[slice(None, None, 3 if kind == "part" else None)]:
            target = place / path.parent.name / (path.name if kind == "copy" else f"copy-{path.name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            if kind == "other format":
                with Image.open(path) as image:
                    image.save(target.with_suffix(".bmp"))
            else:
                target.write_bytes(path.read_bytes())
        words = "have the same pixels as images of REAL" if kind == "other format" else "are files of REAL"
        refused(f"contains no synthetic images: .*{words}; give an output of vaeaug augment", real, place)
    elif kind == "itself":
        refused("looks like a real dataset", real, real)
        refused("contains no synthetic images: all 16 images are files of REAL", real, real / "train")
    else:
        for label in ("ant", "bee"):
            evaluate_data.write_images(real / "val" / label, label, 300, 3)
        refused("contains no synthetic images: all 6 images are files of REAL", real, real / "val")


def test_real_images_among_synthetic_ones_are_left_out(real: Path, synthetic: Path, tmp_path: Path) -> None:
    alone = vaeaug.evaluate(real, synthetic, **evaluate_data.QUICK)
    mixed = tmp_path / "mixed"
    for source in (synthetic, real / "train"):
        for path in source.rglob("*.png"):
            target = mixed / path.parent.name / f"{source.name}-{path.name}"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    found = vaeaug.evaluate(real, mixed, **evaluate_data.QUICK)
    assert "images in mixed that are copies of real ones and were left out: 16" in found.warnings
    assert found.values["images"] == alone.values["images"]


def test_without_test_images_a_plain_folder_cannot_be_made_again(tmp_path: Path, synthetic: Path) -> None:
    real = tiny_data.write_dataset(tmp_path / "flat", {"ant": 5, "bee": 5})
    refused("move some images to REAL/test/<class>, or give test images with --test DIR", real, synthetic)


def test_without_test_images_a_pipeline_that_is_gone_cannot_be_used_again(tmp_path: Path) -> None:
    real = tiny_data.write_dataset(tmp_path / "flat", {"ant": 5, "bee": 5})
    vaeaug.augment(real, tmp_path / "extended", per_class=2, **tiny_data.UNFILTERED)
    record = json.loads((tmp_path / "extended/vaeaug.json").read_text())
    record["settings"]["train_augment"] = "pipeline.yaml"
    (tmp_path / "extended/vaeaug.json").write_text(json.dumps(record))
    refused("it does not contain the file of --train-augment; .*--test DIR", real, tmp_path / "extended")


def test_without_test_images_a_model_of_such_a_pipeline_is_refused_too(tmp_path: Path) -> None:
    """It is the model that was trained with it; who made images from it need not know."""
    real = tiny_data.write_dataset(tmp_path / "flat", {"ant": 5, "bee": 5})
    albumentations.save(albumentations.Compose([albumentations.HorizontalFlip()]), tmp_path / "mirrored.json")
    vaeaug.train(real, tmp_path / "model", **tiny_data.QUICK, train_augment=tmp_path / "mirrored.json")
    vaeaug.sample(tmp_path / "model", tmp_path / "samples", per_class=2)
    refused("it does not contain the file of --train-augment; .*--test DIR", real, tmp_path / "samples")


def test_copies_of_images_do_not_make_a_class_large_enough(tmp_path: Path) -> None:
    real = tiny_data.write_dataset(tmp_path / "flat", {"ant": 5, "bee": 2})
    for number in range(5):
        shutil.copy(real / "bee/001.png", real / f"bee/copy-{number}.png")
    vaeaug.augment(real, tmp_path / "extended", per_class=2, **tiny_data.UNFILTERED)
    refused("'bee' has too few images to hold any out", real, tmp_path / "extended")


def test_without_test_images_a_class_whose_name_no_table_keeps(tmp_path: Path) -> None:
    real = tiny_data.write_dataset(tmp_path / "flat", {"ant ": 5, "bee": 5})
    vaeaug.augment(real, tmp_path / "extended", per_class=2, **tiny_data.UNFILTERED)
    refused("'ant ' begins or ends with a space; rename its folder", real, tmp_path / "extended")


def test_numbers_that_augment_cannot_be_asked_for(tmp_path: Path) -> None:
    real = tiny_data.write_dataset(tmp_path / "flat", {"ant": 5, "bee": 5})
    vaeaug.train(real, tmp_path / "model", **tiny_data.QUICK)
    vaeaug.sample(tmp_path / "model", tmp_path / "samples", per_class=2, classes=("ant",))
    refused("vaeaug augment does not make these numbers of images per class; .*--test DIR", real, tmp_path / "samples")


def test_a_class_too_small_to_hold_any_out(tmp_path: Path) -> None:
    real = tiny_data.write_dataset(tmp_path / "flat", {"ant": 5, "bee": 2})
    vaeaug.augment(real, tmp_path / "extended", per_class=2, **tiny_data.UNFILTERED)
    refused("'bee' has too few images to hold any out", real, tmp_path / "extended")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"arms": "real"}, "must contain classical.synthetic and classical or synthetic and real"),
        ({"arms": "reel,synthetic"}, "did you mean 'real'"),
        ({"seeds": 1}, "seeds must be at least 2"),
        ({"metric": "f1"}, "accuracy, balanced-accuracy"),
        ({"image_size": "big"}, "image_size must be N or HxW"),
        ({"resume": True}, "--resume requires --out DIR"),
        ({"embedding_layer": "layer4"}, "require --embedding"),
        ({"seeds": 2, "repeats": 3}, "--repeats must be at most --seeds \\(2\\), not 3; give --repeats 2 or --seeds 3"),
        ({"magic": 1}, "has no option 'magic'"),
    ],
)
def test_options_are_refused_before_anything_is_read(settings: dict[str, object], words: str, tmp_path: Path) -> None:
    refused(words, tmp_path / "nowhere", tmp_path / "nowhere", **settings)


def test_nothing_is_written_into_what_is_read(real: Path, synthetic: Path, tmp_path: Path) -> None:
    refused("is inside", real, synthetic, real / "out")
    refused("is inside", real, synthetic, synthetic / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    refused("is not empty", real, synthetic, tmp_path / "full")


def test_an_embedding_that_cannot_be_used_is_refused_before_any_training(real: Path, synthetic: Path) -> None:
    with on_disk("rename", "*.npz") as trained:
        refused("gives a dict, not vectors", real, synthetic, embedding="feature_networks:Named")
        missing = {"embedding": "vit_b_16", "embedding_weights": "nowhere.pth"}
        refused("the weights file nowhere.pth does not exist", real, synthetic, **missing)
    assert trained == []


def swapped(folder: Path) -> None:
    first, second = folder / "ant/300.png", folder / "ant/301.png"
    first.rename(folder / "kept")
    second.rename(first)
    (folder / "kept").rename(second)


@pytest.mark.parametrize("change", [swapped, lambda folder: (folder / "bee/301.png").unlink()], ids=["swap", "removal"])
def test_a_run_is_not_resumed_with_other_test_images(
    change: Callable[[Path], None], real: Path, synthetic: Path, tmp_path: Path
) -> None:
    """Else classifiers that were tested on different images would be compared image by image."""
    others = tmp_path / "others"
    for label in ("ant", "bee"):
        evaluate_data.write_images(others / label, label, 300, 4)
    settings = {**QUICK, "test": str(others)}
    with on_disk("rename", "*/synthetic-seed-*.npz", interrupt()), pytest.raises(KeyboardInterrupt):
        evaluate(real, synthetic, tmp_path / "out", **settings)
    change(others)
    refused(
        r"^the test images have changed since .*; remove .*\.out\.partial",
        real,
        synthetic,
        tmp_path / "out",
        **settings,
        resume=True,
    )

"""`vaeaug.augment` on all kinds of datasets."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_data
from PIL import Image
from tiny_data import QUICK, UNFILTERED, image, write_dataset

import vaeaug
from vaeaug.errors import InputError


def _augment(data: Path, **settings: Any) -> Path:
    """Augment a dataset, hold that it is untouched, and return the output."""
    before = tiny_data.state(data)
    out = data.parent / "out"
    vaeaug.augment(data, out, **{"per_class": 3, **UNFILTERED, **settings})
    assert tiny_data.state(data) == before
    return out


def _synthetic(out: Path) -> list[Image.Image]:
    found = [Image.open(path) for path in sorted(out.rglob("synthetic-*.png"))]
    assert found
    return found


def _splits(root: Path, shift: int = 0) -> Path:
    """Train, val and test of two classes; `shift` changes the pictures of test."""
    for split, count in (("train", 10), ("val", 4), ("test", 5)):
        for label in ("ant", "bee"):
            (root / split / label).mkdir(parents=True)
            for number in range(count):
                start = {"train": 0, "val": 100, "test": 200 + shift}[split]
                image(label, start + number).save(root / split / label / f"{number}.png")
    return root


def test_val_and_test_are_passed_through_and_never_trained_on(tmp_path: Path) -> None:
    one = _augment(_splits(tmp_path / "1/data"))
    for split in ("val", "test"):
        assert tiny_data.files(one / split) == tiny_data.files(tmp_path / "1/data" / split)
    record = json.loads((one / "vaeaug.json").read_text())
    assert record["counts"]["bee"] == {"label": "bee", "real": 10, "synthetic": 3, "val": 4, "test": 5}
    # The test images do not matter at all, and no class of theirs is made up.
    other = _splits(tmp_path / "2/data", shift=1000)
    (other / "test/cat").mkdir()
    image("cat", 0).save(other / "test/cat/0.png")
    two = _augment(other)
    assert tiny_data.files(two / "train") == tiny_data.files(one / "train")
    assert (two / "test/cat/0.png").is_file()
    assert {row["split"] for row in tiny_data.manifest(two) if row["synthetic"] == "true"} == {"train"}


def test_synthetic_only_still_passes_the_other_splits_through(tmp_path: Path) -> None:
    out = _augment(_splits(tmp_path / "data"), synthetic_only=True)
    assert len(list((out / "train").rglob("*.png"))) == 6
    assert len(list((out / "test").rglob("*.png"))) == 10


@pytest.mark.parametrize(("height", "width", "channels"), [(9, 13, 1), (8, 17, 3), (33, 10, 3), (8, 8, 3)])
def test_odd_sizes_and_colours(tmp_path: Path, height: int, width: int, channels: int) -> None:
    shape = {"height": height, "width": width, "channels": channels}
    out = _augment(write_dataset(tmp_path / "data", {"ant": 5, "bee": 5}, **shape))
    for opened in _synthetic(out):
        assert (opened.size, opened.mode) == ((width, height), "L" if channels == 1 else "RGB")


def test_larger_images_are_made_at_the_models_size_and_written_at_their_own(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", {"ant": 4}, height=40, width=30)
    out = _augment(data, image_size="10x8")
    record = json.loads((out / "vaeaug.json").read_text())
    assert record["model"]["image"] == {"channels": 1, "height": 10, "width": 8}
    assert {opened.size for opened in _synthetic(out)} == {(30, 40)}


def test_classes_of_different_size_and_mode_keep_theirs(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", {"gray": 4}, height=12, width=9)
    write_dataset(data, {"red": 4}, height=10, width=20, channels=3)
    out = _augment(data)
    shapes = {opened.filename.split("/")[-2]: (opened.size, opened.mode) for opened in _synthetic(out)}  # type: ignore[attr-defined]
    assert shapes == {"gray": ((9, 12), "L"), "red": ((20, 10), "RGB")}


def test_nested_folders(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", {"ant/summer": 3, "ant/winter": 3, "bee": 4})
    out = _augment(data)
    assert sorted(path.name for path in (out / "train").iterdir()) == ["ant", "bee"]
    assert (out / "train/ant/summer-000.png").read_bytes() == (data / "ant/summer/000.png").read_bytes()
    sources = {row["original"] for row in tiny_data.manifest(out) if row["synthetic"] == "false"}
    assert {"ant/winter/002.png", "bee/003.png"} <= sources


def test_a_hugging_face_imagefolder_with_metadata(tmp_path: Path) -> None:
    folder = tmp_path / "data/train"
    folder.mkdir(parents=True)
    lines = ["file_name,label"]
    for label in ("ant", "bee"):
        for number in range(4):
            image(label, number).save(folder / f"{label}-{number}.png")
            lines.append(f"{label}-{number}.png,{label}")
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    out = _augment(tmp_path / "data")
    assert len(list((out / "train/bee").glob("synthetic-bee-*.png"))) == 3
    assert (out / "train/ant/ant-2.png").is_file()


def test_a_class_of_two_images_next_to_a_large_one(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", {"few": 2, "many": 30})
    out = _augment(data, balance=True, per_class=None)
    assert len(list((out / "train/few").glob("*.png"))) == 30
    pixels = [np.asarray(opened).tobytes() for opened in _synthetic(out)]
    assert len(set(pixels)) > 20


@pytest.mark.parametrize("scope", ["per-class", "shared"])
def test_a_single_class(tmp_path: Path, scope: str) -> None:
    out = _augment(write_dataset(tmp_path / "data", {"only": 6}), scope=scope, variant="vae", sampler="prior")
    assert len(_synthetic(out)) == 3


def test_two_images_in_all(tmp_path: Path) -> None:
    assert len(_synthetic(_augment(write_dataset(tmp_path / "data", {"only": 2})))) == 3


def test_odd_class_names(tmp_path: Path) -> None:
    names = ["Grüße", "a b", "日本", "it's, 100%", "CON", "-rf", "x" * 120]
    data = write_dataset(tmp_path / "data", dict.fromkeys(names, 3))
    out = _augment(data, per_class=2)
    rows = tiny_data.manifest(out)
    assert {row["label"] for row in rows} == set(names)
    for row in rows:
        assert (out / row["file_name"]).is_file()
    made = [row for row in rows if row["synthetic"] == "true"]
    assert len(made) == 2 * len(names)


def test_unreadable_images_stop_the_run_or_are_left_out(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", {"ant": 5, "bee": 4})
    (data / "ant/broken.png").write_bytes(b"not an image")
    with pytest.raises(InputError, match=r"ant/broken\.png"):
        _augment(data)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    out = _augment(data, skip_invalid=True)
    assert not list(out.rglob("broken.png"))
    remarks = json.loads((out / "vaeaug.json").read_text())["remarks"]
    assert any("1 unreadable image was left out: ant/broken.png" in remark for remark in remarks)
    assert len(list((out / "train/ant").glob("0*.png"))) == 5


def test_an_augmentation_while_training(tmp_path: Path) -> None:
    import albumentations

    data = write_dataset(tmp_path / "data", {"ant": 8})  # too few for validation images, which are not augmented
    plain, turned = tmp_path / "plain", tmp_path / "turned"
    settings = {**UNFILTERED, "steps": 300, "learning_rate": 0.02, "per_class": 20, "sampler": "mixture"}
    albumentations.save(albumentations.Compose([albumentations.InvertImg(p=1.0)]), tmp_path / "invert.json")
    vaeaug.augment(data, plain, **settings)
    vaeaug.augment(data, turned, train_augment=tmp_path / "invert.json", **settings)
    real, without, inverted = (
        np.mean([np.asarray(Image.open(path)) for path in folder.rglob(pattern)])
        for folder, pattern in ((data, "*.png"), (plain, "synthetic-*.png"), (turned, "synthetic-*.png"))
    )
    assert abs(without - real) < 20
    assert abs(inverted - (255 - real)) < 20
    record = json.loads((turned / "vaeaug.json").read_text())
    assert record["settings"]["train_augment"] == "invert.json"


def test_images_named_like_synthetic_ones(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", {"ant": 3})
    image("ant", 9).save(data / "ant/synthetic-ant-00000.png")
    out = _augment(data)
    rows = {row["file_name"]: row for row in tiny_data.manifest(out)}
    assert rows["train/ant/synthetic-ant-00000.png"]["synthetic"] == "true"
    (kept,) = [row for row in rows.values() if row["original"] == "ant/synthetic-ant-00000.png"]
    assert (out / kept["file_name"]).read_bytes() == (data / "ant/synthetic-ant-00000.png").read_bytes()


def test_an_output_inside_the_data_is_refused(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", {"ant": 3})
    before = tiny_data.state(data)
    for call in (
        lambda: vaeaug.augment(data, data / "out", **UNFILTERED),
        lambda: vaeaug.augment(data, tmp_path, **UNFILTERED),
        lambda: vaeaug.augment(data, tmp_path / "out", model=data / "model", **UNFILTERED),
        lambda: vaeaug.train(data, data / "ant/model", **QUICK),
    ):
        with pytest.raises(InputError):
            call()
    assert tiny_data.state(data) == before
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_an_output_extends_again(tmp_path: Path) -> None:
    """What augment writes is itself a dataset that augment reads."""
    data = write_dataset(tmp_path / "data", {"ant": 4, "bee": 4})
    out = _augment(data)
    vaeaug.augment(out, tmp_path / "again", per_class=2, **UNFILTERED)
    names = {path.name for path in (tmp_path / "again/train/ant").iterdir()}
    assert len(names) == 4 + 3 + 2

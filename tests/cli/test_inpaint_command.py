"""`vaeaug inpaint` at the command line: what is written where, and what stays as it was."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tiny_data
from PIL import Image

from vaeaug import cli
from vaeaug.dataset.scan import scan
from vaeaug.inpainting.encoder_store import FILE
from vaeaug.inpainting.train_encoder import STEPS

Capture = pytest.CaptureFixture[str]
SHORT = ("--partial-steps", 8)


@pytest.fixture
def model(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, for its partial encoder is kept in it."""
    return Path(shutil.copytree(tiny_data.model(tmp_path_factory), tmp_path / "model"))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three images of `ant`, one of an unknown class, and masks of two of them."""
    root = tiny_data.write_dataset(tmp_path / "images", {"ant": 3, "cow": 1})
    for name in ("ant/000", "cow/000_mask"):
        mask = np.zeros((8, 8), dtype=np.uint8)
        mask[2:6, 1:5] = 255
        path = tmp_path / "masks" / f"{name}.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(mask).save(path)
    return root


def _pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_the_tree_stays_and_so_does_what_is_visible(model: Path, images: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out"
    before = tiny_data.state(images)
    assert tiny_data.run("inpaint", model, images, out, "--masks", tmp_path / "masks", *SHORT, "--json") == 0
    output = capsys.readouterr()
    values = json.loads(output.out)
    assert (values["images"], values["completions"], values["passed_through"]) == (2, 2, 2)
    assert values["method"] == "blend"
    assert "the inpainting encoder is stored in" in output.err
    assert "2 images have no holes and were copied unchanged: ant/001.png, ant/002.png" in output.err
    assert (model / FILE).exists()
    assert tiny_data.state(images) == before
    assert {path.relative_to(out).as_posix() for path in out.rglob("*.png")} == {
        path.relative_to(images).as_posix() for path in images.rglob("*.png")
    }
    missing = _pixels(tmp_path / "masks/ant/000.png") > 0
    for name in ("ant/000.png", "cow/000.png"):
        was, now = _pixels(images / name), _pixels(out / name)
        assert np.array_equal(now[~missing], was[~missing])
        assert (now[missing] != was[missing]).any()
    for name in ("ant/001.png", "ant/002.png"):
        assert (out / name).read_bytes() == (images / name).read_bytes()
    ant, *_, cow = tiny_data.manifest(out)
    assert (ant["label"], ant["label_given"], ant["mask"]) == ("ant", "folder", "ant/000.png")
    assert (cow["label_given"], cow["mask"], cow["missing"]) == ("", "cow/000_mask.png", "0.25")
    assert cow["label"] in ("ant", "bee")
    assert float(cow["margin"]) >= 0


def test_a_completed_file_says_so(model: Path, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert tiny_data.run("inpaint", model, images, out, "--masks", tmp_path / "masks", "-q", "--method", "gibbs") == 0
    with Image.open(out / "ant/000.png") as image:
        image.load()
        assert image.text["vaeaug:synthetic"] == "partly"
        assert image.text["vaeaug:source"] == "ant/000.png"
        assert "compositeWithTrainedAlgorithmicMedia" in image.text["XML:com.adobe.xmp"]
    record = json.loads((out / "vaeaug.json").read_text())
    assert record["method"] == "gibbs"
    assert record["settings"]["masks"] == "masks"
    assert str(tmp_path) not in "".join(path.read_text() for path in out.iterdir() if path.is_file())
    assert not (model / FILE).exists()  # gibbs needs none


def test_several_completions_and_where_they_differ(model: Path, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["--masks", tmp_path / "masks", "--samples", 3, "--label", "bee", *SHORT, "-q"]
    assert tiny_data.run("inpaint", model, images, out, *words) == 0
    completions = np.stack([_pixels(out / f"ant/000-{sample}.png") for sample in range(3)]).astype(float)
    assert not (out / "ant/000.png").exists()
    index = scan(out)
    assert index.classes == ("ant", "cow")  # no folder but those of the classes
    assert len(index.files) == 3 + 2 + 3
    with zipfile.ZipFile(out / "uncertainty.zip") as archive:
        assert archive.namelist() == ["ant/000-uncertainty.png", "cow/000-uncertainty.png"]
        archive.extract("ant/000-uncertainty.png", tmp_path)
    spread = completions.std(axis=0) / 255
    levels = _pixels(tmp_path / "ant/000-uncertainty.png")
    missing = _pixels(tmp_path / "masks/ant/000.png") > 0
    assert np.abs(levels / 255 / 2 - spread).max() < 0.006  # the completions are rounded to whole levels
    assert not levels[~missing].any()
    assert {row["label"] for row in tiny_data.manifest(out) if row["sample"]} == {"bee"}
    assert {row["label_given"] for row in tiny_data.manifest(out) if row["sample"]} == {"--label"}


def test_a_folder_and_a_single_image(model: Path, images: Path, tmp_path: Path) -> None:
    mask = tmp_path / "masks/ant/000.png"
    words = ["--masks", mask, "--samples", 2, "-q", "--method", "gibbs"]
    assert tiny_data.run("inpaint", model, images / "ant/000.png", tmp_path / "one", *words) == 0
    assert tiny_data.run("inpaint", model, images / "ant", tmp_path / "flat", *words) == 0
    assert sorted(path.name for path in (tmp_path / "one").glob("*.png")) == ["000-0.png", "000-1.png"]
    assert (tmp_path / "one/uncertainty/000-uncertainty.png").exists()
    assert (tmp_path / "flat/000-1.png").read_bytes() == (tmp_path / "one/000-1.png").read_bytes()
    assert len(list((tmp_path / "flat/uncertainty").iterdir())) == 3


def test_masks_may_lie_beside_the_images(model: Path, images: Path, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "masks/ant/000.png", images / "ant/001_mask001.png")
    folder = images / "ant"
    words = ["--masks", folder, "-q", "--method", "gibbs"]
    assert tiny_data.run("inpaint", model, folder, tmp_path / "out", *words) == 0
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == ["000.png", "001.png", "002.png"]


def test_transparent_pixels(model: Path, tmp_path: Path) -> None:
    pixels = np.full((8, 8, 2), 200, dtype=np.uint8)
    pixels[3:5, 3:5, 1] = 127
    (tmp_path / "in").mkdir()
    Image.fromarray(pixels).save(tmp_path / "in/a.png")
    assert tiny_data.run("inpaint", model, tmp_path / "in", tmp_path / "out", "--alpha", "-q", "--method", "gibbs") == 0
    done = _pixels(tmp_path / "out/a.png")
    assert done.shape == (8, 8, 2)
    assert (done[3:5, 3:5, 1] == 255).all()
    assert (done[0] == 200).all()  # as translucent as it was


def test_a_jpeg_comes_out_as_png_with_its_pixels_as_decoded(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    tiny_data.image("ant", 0).resize((10, 9)).save(tmp_path / "in/a.jpg")
    Image.fromarray(np.eye(9, 10, dtype=bool)).save(tmp_path / "mask.png")
    words = ["--masks", tmp_path / "mask.png", "-q", "--method", "gibbs"]
    assert tiny_data.run("inpaint", model, tmp_path / "in", tmp_path / "out", *words) == 0
    visible = ~np.eye(9, 10, dtype=bool)
    assert np.array_equal(_pixels(tmp_path / "out/a.png")[visible], _pixels(tmp_path / "in/a.jpg")[visible])


def test_random_holes_make_a_larger_dataset(model: Path, tmp_path: Path) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"train/ant": 3, "train/bee": 2, "test/ant": 1})
    out = tmp_path / "out"
    words = ["--random-holes", "--samples", 2, "--method", "gibbs", "--seed", 5]
    assert tiny_data.run("inpaint", model, data, out, *words, "-q") == 0
    index = scan(out)
    assert index.counts("train") == {"ant": 9, "bee": 6}
    assert index.counts("test")["ant"] == 1
    rows = [row for row in tiny_data.manifest(out) if row["synthetic"] == "true"]
    assert len(rows) == 10
    assert rows[3] == {
        "file_name": "train/ant/synthetic-ant-00003.png",
        "split": "train",
        "label": "ant",
        "synthetic": "true",
        "source": "train/ant/001.png",
        "original": "train/ant/001.png",
        "sampler": "inpaint",
        "index": "3",
        "seed": "5",
        "normalized": "",
    }
    card = (out / "README.md").read_text()
    assert "`compositeWithTrainedAlgorithmicMedia`" in card
    assert "were generated by" not in card
    made = [_pixels(out / row["file_name"]) for row in rows]
    sources = [_pixels(data / row["source"]) for row in rows]
    shares = [(one == other).mean() for one, other in zip(made, sources, strict=True)]
    assert all(0.05 < share < 1 for share in shares)
    assert not np.array_equal(made[0], made[1])
    shutil.rmtree(data / "train/ant")  # a hole depends on the image's name and its number alone
    tiny_data.write_dataset(data / "train", {"ant": 2})
    assert tiny_data.run("inpaint", model, data, tmp_path / "again", *words, "-q") == 0
    again = tmp_path / "again/train/ant/synthetic-ant-00003.png"
    assert again.read_bytes() == (out / "train/ant/synthetic-ant-00003.png").read_bytes()


def test_every_blend_and_region_runs(model: Path, images: Path, tmp_path: Path) -> None:
    made = {}
    for blend in ("feather", "poisson", "none"):
        words = ["--masks", tmp_path / "masks", "--blend", blend, "--region", "whole", "--method", "gibbs", "-q"]
        assert tiny_data.run("inpaint", model, images, tmp_path / blend, *words) == 0
        made[blend] = (tmp_path / blend / "ant/000.png").read_bytes()
    assert len(set(made.values())) == 3


def test_help_names_the_sources_of_holes_first(capsys: Capture) -> None:
    assert cli._run(["inpaint", "--help"]) == 0
    page = capsys.readouterr().out.split("Options:")[1]
    options = [word for word in page.split() if word.startswith("--")]
    assert options[:5] == ["--masks", "--alpha", "--missing-color", "--coco", "--random-holes"]
    assert f"By default {STEPS:,}" in " ".join(page.split())


def test_a_class_folder_alone_says_its_class(model: Path, images: Path, tmp_path: Path) -> None:
    """`inpaint MODEL DATA/ant OUT`: the folder is flat, and its own name is a class."""
    words = ["--masks", tmp_path / "masks/ant", *SHORT, "-q"]
    assert tiny_data.run("inpaint", model, images / "ant", tmp_path / "out", *words) == 0
    rows = [row for row in tiny_data.manifest(tmp_path / "out") if row["synthetic"] == "partly"]
    assert [(row["label"], row["label_given"]) for row in rows] == [("ant", "folder")]


def test_the_partial_encoder_is_trained_as_long_as_asked(model: Path, images: Path, tmp_path: Path) -> None:
    weights = []
    for number, steps in enumerate((8, 8, 3)):
        copy = shutil.copytree(model, tmp_path / f"model{number}")
        words = ["--masks", tmp_path / "masks", "-q", "--partial-steps", steps]
        assert tiny_data.run("inpaint", copy, images, tmp_path / f"out{number}", *words) == 0
        weights.append((copy / FILE).read_bytes())
    assert weights[0] == weights[1] != weights[2]

"""`vaeaug inpaint` on files of several pages, animations, photos, and masks for them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_data
from file_kinds import exif, indexed, swapped_profile
from PIL import Image, ImageOps

from vaeaug.dataset.mark import read_mark

Capture = pytest.CaptureFixture[str]
HOLE = np.zeros((8, 8), dtype=np.uint8)
HOLE[2:6, 1:5] = 255


@pytest.fixture
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.model(tmp_path_factory)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    return tmp_path / "images"


def _mask(path: Path, *pages: np.ndarray) -> None:
    first, *others = (Image.fromarray(page) for page in pages)
    first.save(path, **({"save_all": True, "append_images": others} if others else {}))


def _run(model: Path, images: Path, *words: Any) -> int:
    masks = images.parent / "masks"
    return tiny_data.run("inpaint", model, images, images.parent / "out", "--masks", masks, "--method", "gibbs", *words)


def _pages(path: Path) -> list[np.ndarray]:
    with Image.open(path) as image:
        pages = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            pages.append(np.array(image))
    return pages


def _rows(out: Path) -> list[dict[str, str]]:
    with (out / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_pages_of_a_tiff_file(model: Path, images: Path, capsys: Capture) -> None:
    pages = [tiny_data.image("ant", number) for number in range(3)]
    for name in ("one.tif", "each.tif"):
        pages[0].save(images / name, save_all=True, append_images=pages[1:], dpi=(300, 300), compression="tiff_lzw")
    _mask(images.parent / "masks/one.png", HOLE)
    _mask(images.parent / "masks/each.tif", HOLE, HOLE * 0, np.rot90(HOLE))
    assert _run(model, images, "--samples", 2) == 0
    out, before = images.parent / "out", [np.asarray(page) for page in pages]
    assert "pages without holes are unchanged: each.tif, one.tif (2 in all)" in capsys.readouterr().err
    for name, holes in (("one", (HOLE, HOLE * 0, HOLE * 0)), ("each", (HOLE, HOLE * 0, np.rot90(HOLE)))):
        for sample in range(2):
            after = _pages(out / f"{name}-{sample}.tif")
            for old, new, hole in zip(before, after, holes, strict=True):
                assert np.array_equal(old[hole == 0], new[hole == 0])
                assert not hole.any() or not np.array_equal(old, new)
    with Image.open(out / "one-0.tif") as image:
        assert image.info["dpi"] == (300, 300)
    assert {path.name for path in (out / "uncertainty").iterdir()} == {
        "one-uncertainty.png",
        "each-uncertainty.png",
        "each-uncertainty-page-3.png",
    }
    assert {row["source"]: row["pages"] for row in _rows(out)} == {"one.tif": "1", "each.tif": "1 3"}


def test_a_mask_of_another_number_of_pages_is_refused(model: Path, images: Path, capsys: Capture) -> None:
    pages = [tiny_data.image("ant", number) for number in range(3)]
    pages[0].save(images / "1.tif", save_all=True, append_images=pages[1:])
    _mask(images.parent / "masks/1.tif", HOLE, HOLE)
    assert _run(model, images) == 2
    assert (
        "'1.tif': its mask 1.tif: it has 2 pages, but the image has 3; a mask has one page" in capsys.readouterr().err
    )
    assert not (images.parent / "out").exists()


def test_an_animation_keeps_its_frames_or_is_refused(model: Path, images: Path, capsys: Capture) -> None:
    frames = [tiny_data.image("ant", number) for number in range(3)]
    frames[0].save(images / "1.png", save_all=True, append_images=frames[1:], duration=70)
    _mask(images.parent / "masks/1.png", HOLE)
    assert _run(model, images) == 0
    assert (
        "only the first frame of an animation is completed; the others are unchanged: 1.png" in capsys.readouterr().err
    )
    before, after = _pages(images / "1.png"), _pages(images.parent / "out/1.png")
    assert [np.array_equal(*pair) for pair in zip(before, after, strict=True)] == [False, True, True]
    still = Image.fromarray(np.asarray(indexed(np.random.default_rng(0), 8, 8)) * np.uint8(60))
    moved = still.copy()
    moved.paste(9, (7, 7, 8, 8))
    still.save(images / "2.gif", save_all=True, append_images=[moved])
    _mask(images.parent / "masks/2.png", HOLE)
    again = images.parent / "again"
    words = ["--masks", images.parent / "masks", "--method", "gibbs"]
    assert tiny_data.run("inpaint", model, images, again, *words) == 2
    assert "the holes of its first frame would show in frame 2" in capsys.readouterr().err
    assert tiny_data.run("inpaint", model, images, again, *words, "--skip-invalid") == 0


def test_a_photo_keeps_its_metadata_in_a_png_file(model: Path, images: Path, capsys: Capture) -> None:
    photo = tiny_data.image("ant", 0, height=8, width=8)
    metadata = {"exif": exif(6), "icc_profile": swapped_profile(), "dpi": (300, 300), "comment": b"a note"}
    photo.convert("RGB").save(images / "1.jpg", quality=95, **metadata)
    _mask(images.parent / "masks/1.png", HOLE)
    assert _run(model, images) == 0
    assert "cannot store visible pixels without loss: 1.jpg (1 in all)" in capsys.readouterr().err
    with Image.open(images.parent / "out/1.png") as image:
        image.load()
        assert image.getexif()[0x010F] == "Maker"
        assert image.getexif()[0x0112] == 1
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.02)
        assert image.text["Comment"] == "a note"
        assert image.info["icc_profile"] == swapped_profile()
        upright = np.asarray(ImageOps.exif_transpose(Image.open(images / "1.jpg")))
        assert np.array_equal(np.asarray(image)[HOLE == 0], upright[HOLE == 0])


def test_masks_that_may_be_the_other_way_round_are_named(model: Path, images: Path, capsys: Capture) -> None:
    tiny_data.image("ant", 0).save(images / "1.png")
    _mask(images.parent / "masks/1.png", 255 - HOLE)
    tiny_data.image("ant", 1).save(images / "2.png")
    Image.new("LA", (8, 8), (255, 0)).save(images.parent / "masks/2.png")
    assert _run(model, images) == 0
    said = capsys.readouterr().err
    assert "mask 2.png is fully transparent, so nothing is missing" in said
    assert "more than 75% of the pixels are missing" not in said  # 48 of 64
    _mask(images.parent / "masks/1.png", 255 - np.where(np.arange(64).reshape(8, 8) < 9, 255, 0).astype(np.uint8))
    words = ["--masks", images.parent / "masks", "--method", "gibbs"]
    assert tiny_data.run("inpaint", model, images, images.parent / "again", *words) == 0
    assert "more than 75% of the pixels are missing in 1.png (1 in all)" in capsys.readouterr().err


def test_random_holes_give_images_of_the_kind_of_their_class(model: Path, tmp_path: Path, capsys: Capture) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 2, "bee": 2})
    tiny_data.image("ant", 5).save(data / "ant/photo.jpg", quality=90)
    tiny_data.image("ant", 6).save(data / "ant/turned.png", exif=exif(3))
    pages = [tiny_data.image("ant", number) for number in (7, 8)]
    pages[0].save(data / "ant/pages.tif", save_all=True, append_images=pages[1:])
    out = tmp_path / "out"
    assert tiny_data.run("inpaint", model, data, out, "--random-holes", "--method", "gibbs") == 0
    said = capsys.readouterr().err
    assert "only the first page or frame of these files is used: ant/pages.tif (1 in all)" in said
    assert "2 of 7 real images were rewritten" in said
    assert "--copy" not in said
    rows = _rows(out)
    made = {row["original"]: row["file_name"] for row in rows if row["synthetic"] != "false"}
    assert len(made) == 7
    assert made["ant/photo.jpg"].endswith(".jpg")
    assert all(name.endswith(".png") for source, name in made.items() if source != "ant/photo.jpg")
    for row in rows:
        with Image.open(out / row["file_name"]) as image:
            assert (image.mode, getattr(image, "n_frames", 1), image.getexif().get(0x0112)) == ("L", 1, None)
        mark = read_mark((out / row["file_name"]).read_bytes())
        assert (mark is None) == (row["synthetic"] == "false")
        assert mark is None or mark.source_type == "compositeWithTrainedAlgorithmicMedia"

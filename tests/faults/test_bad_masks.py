"""Images with holes that cannot be filled: one line that says why, nothing written, exit code 2."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_data
from machine_faults import closed, interrupt, on_disk
from PIL import Image

import vaeaug
from vaeaug.errors import InputError
from vaeaug.inpainting.encoder_store import FILE

HOLE = np.zeros((8, 8), dtype=np.uint8)
HOLE[2:6, 2:6] = 255


@pytest.fixture
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.model(tmp_path_factory)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    root = tiny_data.write_dataset(tmp_path / "images", {"ant": 3})
    (tmp_path / "masks/ant").mkdir(parents=True)
    for number in range(3):
        Image.fromarray(HOLE).save(tmp_path / f"masks/ant/00{number}.png")
    return root


def _refused(model: Path, images: Path, out: Path, **settings: Any) -> str:
    """Try it; return the message, and hold that nothing was written."""
    with pytest.raises(InputError) as caught:
        vaeaug.inpaint(model, images, out, method="gibbs", **settings)
    assert not out.exists()
    assert not list(out.parent.glob(".*.partial"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "specify the holes with --masks DIR, --alpha"),
        ({"alpha": True, "coco": "x.json"}, "--alpha and --coco cannot be combined"),
        ({"missing_color": "magenta"}, "--missing-color takes a colour like '#ff00ff', not 'magenta'"),
        ({"alpha": True}, "no image has transparent pixels"),
        ({"missing_color": "#ff0000"}, "no image has a pixel of exactly the colour #ff0000"),
        ({"masks": "nowhere"}, "--masks takes the folder of the masks"),
        ({"coco": "nowhere.json"}, "the COCO file nowhere.json cannot be read"),
        ({"alpha": True, "label": "cow"}, "the model has no class 'cow'"),
        ({"random_holes": True, "label": "ant"}, "--random-holes keeps the classes"),
        ({"alpha": True, "samples": 0}, "samples must be at least 1"),
    ],
)
def test_what_makes_no_sense(model: Path, images: Path, tmp_path: Path, settings: dict[str, Any], words: str) -> None:
    message = _refused(model, images, tmp_path / "out", **settings)
    assert words in message
    assert "\n" not in message


def test_all_that_cannot_be_read_is_named_at_once(model: Path, images: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    (images / "ant/000.png").write_bytes(b"no image")
    (masks / "ant/001.png").write_bytes(b"no image")
    Image.fromarray(np.full((8, 5), 255, dtype=np.uint8)).save(masks / "ant/002.png")
    message = _refused(model, images, tmp_path / "out", masks=masks)
    for words in (
        "3 images cannot be read",
        "'ant/000.png': not a PNG",
        "'ant/001.png': its mask ant/001.png: not a PNG",
    ):
        assert words in message
    assert "its mask ant/002.png: it is 5x8, and the image is 8x8; their proportions differ" in message


def test_skip_invalid_leaves_them_out(model: Path, images: Path, tmp_path: Path) -> None:
    (images / "ant/000.png").write_bytes(b"no image")
    made = vaeaug.inpaint(model, images, tmp_path / "out", masks=tmp_path / "masks", method="gibbs", skip_invalid=True)
    assert (made.images, list(made.invalid)) == (2, ["ant/000.png"])
    assert "images that cannot be read were left out: ant/000.png (1 in all)" in made.warnings


def test_masks_of_other_names_are_told_by_the_first_look(model: Path, images: Path, tmp_path: Path) -> None:
    (tmp_path / "masks/ant").rename(tmp_path / "masks/aunt")
    assert "no image has a mask in" in _refused(model, images, tmp_path / "out", masks=tmp_path / "masks")


def test_masks_that_belong_to_no_image_are_named(model: Path, images: Path, tmp_path: Path) -> None:
    (tmp_path / "masks/ant/001.png").rename(tmp_path / "masks/ant/001-mask.png")
    made = vaeaug.inpaint(model, images, tmp_path / "out", masks=tmp_path / "masks", method="gibbs")
    assert "masks that belong to no image: ant/001-mask.png (1 in all)" in made.warnings


def test_two_images_of_one_name(model: Path, images: Path, tmp_path: Path) -> None:
    Image.open(images / "ant/000.png").save(images / "ant/000.jpg")
    made = vaeaug.inpaint(model, images, tmp_path / "out", masks=tmp_path / "masks", method="gibbs")
    assert made.files == 4
    assert {path.name for path in (tmp_path / "out/ant").iterdir()} >= {"000.png", "000.jpg.png"}
    Image.open(images / "ant/000.png").save(images / "ant/000.jpg.png")
    message = _refused(model, images, tmp_path / "again", masks=tmp_path / "masks")
    assert "two images would both be written as ant/000.jpg.png; rename one of them" in message


def test_a_colour_image_and_a_model_of_grays(model: Path, images: Path, tmp_path: Path) -> None:
    tiny_data.image("ant", 0, channels=3).save(images / "ant/000.png")
    message = _refused(model, images, tmp_path / "out", masks=tmp_path / "masks")
    assert "'ant/000.png': it is in colour, but the model was trained on gray images" in message


def test_a_class_the_model_does_not_know_gets_no_random_holes(model: Path, images: Path, tmp_path: Path) -> None:
    tiny_data.write_dataset(images, {"cow": 2})
    assert "not trained on the class 'cow'" in _refused(model, images, tmp_path / "out", random_holes=True)
    assert "has no class folders" in _refused(model, images / "ant", tmp_path / "out", random_holes=True)


@pytest.mark.parametrize("place", ["model/out", "images/out", "masks/out"])
def test_no_output_inside_an_input(images: Path, model: Path, tmp_path: Path, place: str) -> None:
    own = Path(shutil.copytree(model, tmp_path / "model"))
    assert "is inside the input" in _refused(own, images, tmp_path / place, masks=tmp_path / "masks")


def test_a_full_mask_is_a_draw_and_said_to_be(model: Path, images: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 255, dtype=np.uint8)).save(tmp_path / "masks/ant/000.png")
    made = vaeaug.inpaint(model, images, tmp_path / "out", masks=tmp_path / "masks", method="gibbs")
    assert "no pixels are visible in these images, so they are samples of their class: ant/000.png" in made.warnings


def test_a_model_that_may_not_be_written_to_stays_as_it_is(model: Path, images: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(model, tmp_path / "model"))
    before = tiny_data.files(own)
    with closed(own, 0o555):
        made = vaeaug.inpaint(own, images, tmp_path / "out", masks=tmp_path / "masks", partial_steps=8)
    assert made.method == "blend"
    assert tiny_data.files(own) == before


def _interrupted(model: Path, images: Path, out: Path, **settings: Any) -> None:
    """Press Ctrl-C while the second image is completed."""
    filled, after = ("synthetic-*", 1) if settings.get("random_holes") else ("00?*", settings.get("samples", 1))
    done = out.parent / f".{out.name}.partial/content/*/{filled}.png"
    with on_disk("rename", str(done), interrupt(after)), pytest.raises(KeyboardInterrupt):
        vaeaug.inpaint(model, images, out, **settings)
    journal = out.parent / f".{out.name}.partial/scratch/completed.jsonl"
    assert journal.read_bytes().count(b"}\n") == 1


@pytest.mark.parametrize("mode", ["masks", "random_holes"])
def test_an_interrupted_run_ends_with_the_same_bytes(model: Path, images: Path, tmp_path: Path, mode: str) -> None:
    settings: dict[str, Any] = {"method": "gibbs", "samples": 2}
    settings |= {"masks": tmp_path / "masks"} if mode == "masks" else {"random_holes": True}
    vaeaug.inpaint(model, images, tmp_path / "whole/out", **settings)
    out = tmp_path / "out"
    _interrupted(model, images, out, **settings)
    assert not out.exists()
    journal = tmp_path / ".out.partial/scratch/completed.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"name": "cut o')  # a crash in the middle of a line
    with pytest.raises(InputError, match="add --resume"):
        vaeaug.inpaint(model, images, out, **settings)
    with pytest.raises(InputError, match="the unfinished run has seed = 0"):
        vaeaug.inpaint(model, images, out, resume=True, seed=1, **settings)
    vaeaug.inpaint(model, images, out, resume=True, **settings)
    assert tiny_data.files(out) == tiny_data.files(tmp_path / "whole/out")


def test_images_that_changed_meanwhile_are_refused(model: Path, images: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"method": "gibbs", "masks": tmp_path / "masks"}
    _interrupted(model, images, tmp_path / "out", **settings)
    Image.fromarray(255 - HOLE).save(tmp_path / "masks/ant/002.png")
    with pytest.raises(InputError, match="the set of images and holes has changed since"):
        vaeaug.inpaint(model, images, tmp_path / "out", resume=True, **settings)


def test_another_partial_encoder_is_refused(images: Path, model: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(model, tmp_path / "model"))
    settings: dict[str, Any] = {"masks": tmp_path / "masks", "partial_steps": 4}
    _interrupted(own, images, tmp_path / "out", **settings)
    (own / FILE).unlink()
    vaeaug.inpaint(own, images, tmp_path / "other", **{**settings, "partial_steps": 5})
    with pytest.raises(InputError, match="the partial encoder of the model has changed"):
        vaeaug.inpaint(own, images, tmp_path / "out", resume=True, **settings)


def test_a_coco_file_serves_as_masks(model: Path, images: Path, tmp_path: Path) -> None:
    values = {
        "images": [{"id": 1, "file_name": "ant/000.png", "height": 8, "width": 8}],
        "annotations": [{"image_id": 1, "segmentation": {"size": [8, 8], "counts": [0, 8, 56]}}],
    }
    (tmp_path / "holes.json").write_text(json.dumps(values))
    made = vaeaug.inpaint(model, images, tmp_path / "out", coco=tmp_path / "holes.json", method="gibbs")
    assert (made.images, made.unchanged) == (1, 2)
    was, now = (np.asarray(Image.open(place / "ant/000.png")) for place in (images, tmp_path / "out"))
    assert np.array_equal(was[:, 1:], now[:, 1:])
    assert (was[:, 0] != now[:, 0]).any()

"""A trained model keeps by which rules its images were decoded, and every command decodes by them."""

import json
from pathlib import Path

import numpy as np
import pytest
import tiny_data
from PIL import Image

import vaeaug
from vaeaug.cli import main
from vaeaug.dataset.levels import Levels
from vaeaug.dataset.rules import DecodeRules
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError
from vaeaug.models.record import read_record
from vaeaug.progress import SILENT
from vaeaug.workflows.image_data import read_for_model, read_for_training
from vaeaug.workflows.settings import parse_background
from vaeaug.workflows.train_settings import TrainSettings

CLASSES = ("ant", "bee")


def floats(label: str, number: int) -> np.ndarray:
    """Values from about -1 to 1."""
    return (np.asarray(tiny_data.image(label, number), np.float32) / 105 - 1).astype(np.float32)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `floats`, a dataset of float TIFFs; `icons`, one of transparent images; and a model of each."""
    place = tmp_path_factory.mktemp("decoding")
    for label in CLASSES:
        for kind in ("floats", "icons"):
            (place / kind / label).mkdir(parents=True)
        for number in range(4):
            Image.fromarray(floats(label, number)).save(place / "floats" / label / f"{number}.tif")
            icon = tiny_data.image(label, number, channels=3).convert("RGBA")
            icon.putalpha(Image.fromarray(np.where(np.eye(8, dtype=bool), 0, 255).astype(np.uint8)))
            icon.save(place / "icons" / label / f"{number}.png")
    vaeaug.train(place / "floats", place / "float-model", **tiny_data.QUICK)
    vaeaug.train(place / "icons", place / "icon-model", **tiny_data.QUICK, background="#102030")
    return place


def test_a_model_records_its_levels_and_its_background(place: Path) -> None:
    values = np.stack([floats(label, number) for label in CLASSES for number in range(4)])
    record = read_record(place / "float-model")
    assert record.levels == Levels(float(values.min()), float(values.max()), raw=False)
    assert read_record(place / "icon-model").background == (16, 32, 48)
    assert read_record(place / "icon-model").rules(7) == DecodeRules(background=(16, 32, 48), max_megapixels=7)


@pytest.mark.parametrize("name", ["float", "icon"])
def test_a_model_sees_images_as_its_training_did(name: str, place: Path) -> None:
    model, data = vaeaug.load(place / f"{name}-model").stored, place / f"{name}s"
    settings = TrainSettings(background="#102030" if name == "icon" else "white")
    trained = read_for_training(scan(data), settings, SILENT).cache
    seen = read_for_model(model, data, workers=1, skip_invalid=False, progress=SILENT).cache
    assert (seen.pixels_NHWC == trained.pixels_NHWC).all()
    again = read_for_training(scan(data), TrainSettings(), SILENT, model=model.directory).cache  # augment --model
    assert (again.pixels_NHWC == trained.pixels_NHWC).all()
    if name == "icon":
        assert (trained.pixels_NHWC[0, 0, 0] == [16, 32, 48]).all()


def test_one_image_alone_is_read_on_the_scale_of_the_training(place: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.float32)).save(tmp_path / "zero.tif")
    model = vaeaug.load(place / "float-model").stored
    cache = read_for_model(model, tmp_path / "zero.tif", workers=1, skip_invalid=False, progress=SILENT).cache
    levels = model.record.levels
    assert levels is not None
    expected = -levels.low / (levels.high - levels.low) * 255
    assert np.abs(cache.pixels_NHWC.astype(float) - expected).max() <= 0.51


def test_the_models_own_rules_win_over_those_asked_for(place: Path, tmp_path: Path) -> None:
    run = {"workers": 1, "filter": False, "per_class": 1}
    vaeaug.augment(place / "icons", tmp_path / "out", model=place / "icon-model", background="red", **run)
    real = np.asarray(Image.open(next((tmp_path / "out/train/ant").glob("0*"))).convert("RGB"))
    assert real[0, 0].tolist() == [16, 32, 48]


def test_a_model_that_was_written_before_has_the_default_rules(place: Path, tmp_path: Path) -> None:
    record = json.loads((place / "icon-model/model.json").read_text())
    del record["background"], record["levels"]
    (tmp_path / "model.json").write_text(json.dumps(record))
    assert read_record(tmp_path).rules() == DecodeRules()


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("white", (255, 255, 255)),
        ("#102030", (16, 32, 48)),
        ("1,2,3", (1, 2, 3)),
        ("1, 2, 3", (1, 2, 3)),
        ("#fff", (255,) * 3),
    ],
)
def test_colours_of_a_background(text: str, colour: tuple[int, int, int]) -> None:
    assert parse_background(text) == colour


@pytest.mark.parametrize("text", ["", "whitish", "1,2", "1,2,300", "-1,2,3", "#12", "1,2,x"])
def test_what_is_no_background(text: str) -> None:
    with pytest.raises(InputError, match=r"background must be a colour such as white, '#ff8800' or '255,136,0', not"):
        parse_background(text)


def test_an_unknown_background_is_refused_before_any_work(place: Path, tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["train", str(place / "icons"), str(tmp_path / "model"), "--background", "whitish"])
    assert (
        capsys.readouterr()
        .err.strip()
        .endswith("--background must be a colour such as white, '#ff8800' or '255,136,0', not 'whitish'")
    )
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("command", ["train", "augment", "score", "encode", "evaluate", "interpolate", "inpaint"])
def test_every_command_that_reads_images_bounds_their_size(command: str, place: Path, tmp_path: Path, capsys) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 2, "bee": 2}, height=40, width=40, channels=3)
    icon = tiny_data.image("ant", 0, 40, 40, 3).convert("RGBA")
    icon.putpixel((0, 0), (0, 0, 0, 0))
    icon.save(data / "ant" / "000.png")
    model, out, one = place / "icon-model", tmp_path / "out", data / "ant" / "000.png"
    arguments = {
        "train": [data, out],
        "augment": [data, out],
        "score": [model, data, out],
        "encode": [model, data, out],
        "evaluate": [data, data],
        "interpolate": [model, one, one, out],
        "inpaint": [model, data, out, "--alpha", "--method", "gibbs"],
    }[command]
    with pytest.raises(SystemExit, match="2"):
        main([command, *map(str, arguments), "--max-megapixels", "0.0015"])
    message = capsys.readouterr().err
    assert "40x40 pixels exceed --max-megapixels 0.0015; raise the limit with --max-megapixels 1" in message
    assert not out.exists()

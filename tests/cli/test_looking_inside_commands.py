"""`vaeaug interpolate` and `vaeaug traverse` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tiny_data
from PIL import Image
from tiny_data import run

import vaeaug
from vaeaug import plugins

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.two_classes(tmp_path_factory)


@pytest.fixture
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.model(tmp_path_factory)


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose latents are codes."""
    out = tmp_path_factory.mktemp("codes") / "model"
    vaeaug.train(tiny_data.two_classes(tmp_path_factory), out, variant="vq-vae", steps=4, batch_size=8, workers=1)
    return out


def test_a_path_is_a_strip_a_film_and_frames(data: Path, model: Path, tmp_path: Path, capsys: Capture) -> None:
    ends = data / "ant/000.png", data / "ant/001.png"
    assert run("interpolate", model, *ends, tmp_path / "out", "--json", "--steps", 5, "--enlarge", 3) == 0
    values = json.loads(capsys.readouterr().out)
    assert values == {"out": str(tmp_path / "out"), "labels": ["ant", "ant"], "steps": 5, "remarks": []}
    assert sorted(path.name for path in (tmp_path / "out/frames").iterdir()) == [f"{i:02}.png" for i in range(5)]
    with Image.open(tmp_path / "out/frames/00.png") as frame:
        assert (frame.size, frame.mode) == ((24, 24), "L")
        frame_HW = np.asarray(frame)
    np.testing.assert_array_equal(frame_HW, frame_HW[::3, ::3].repeat(3, 0).repeat(3, 1))  # whole pixels
    with Image.open(tmp_path / "out/path.gif") as film:
        assert film.info["loop"] == 0  # for ever
        assert film.n_frames <= 8  # there and back; frames that are alike are one
    with Image.open(tmp_path / "out/strip.png") as strip:
        real_HW = np.asarray(Image.open(ends[0])).repeat(3, 0).repeat(3, 1)
        strip_HW = np.asarray(strip.convert("L"))
        windows = np.lib.stride_tricks.sliding_window_view(strip_HW, real_HW.shape)
        assert (windows == real_HW).all(axis=(2, 3)).sum() == 1  # the real image itself is in it


def test_what_is_drawn_is_the_same_each_time(data: Path, model: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run("interpolate", model, data / "ant/000.png", data / "bee/001.png", tmp_path / name, "-q") == 0
        assert run("traverse", model, tmp_path / f"t-{name}", "-q") == 0
    assert tiny_data.files(tmp_path / "one") == tiny_data.files(tmp_path / "two")
    assert tiny_data.files(tmp_path / "t-one") == tiny_data.files(tmp_path / "t-two")


def test_the_class_is_that_of_the_folder_or_named_or_guessed(
    data: Path, model: Path, tmp_path: Path, capsys: Capture
) -> None:
    bee, loose = data / "bee/000.png", tmp_path / "loose.png"
    loose.write_bytes(bee.read_bytes())

    def labels(*words: object) -> list[str]:
        assert run("interpolate", model, *words, "--json") == 0
        found: list[str] = json.loads(capsys.readouterr().out)["labels"]
        return found

    assert labels(data / "ant/000.png", bee, tmp_path / "a") == ["ant", "bee"]
    assert labels(data / "ant/000.png", bee, tmp_path / "b", "--label", "bee") == ["bee", "bee"]
    assert set(labels(loose, bee, tmp_path / "c")) <= {"ant", "bee"}
    said = json.loads((tmp_path / "c/vaeaug.json").read_text())["remarks"]
    assert said[0].startswith("loose.png is not in a class folder; it was classified as")


def test_a_traversal_is_a_picture_a_class(model: Path, tmp_path: Path, capsys: Capture) -> None:
    assert run("traverse", model, tmp_path / "out", "--json", "--latents", 2) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["measure"] == "kl"
    assert set(values["latents"]) == {"ant", "bee"}
    record = json.loads((tmp_path / "out/vaeaug.json").read_text())
    for label in ("ant", "bee"):
        worths = [entry["kl"] for entry in record["latents"][label]]
        assert worths == sorted(worths, reverse=True)
        assert len(worths) <= 2
        with Image.open(tmp_path / f"out/{label}.png") as picture:
            assert picture.mode == "RGB"
    assert run("traverse", model, tmp_path / "bee", "-q", "--class", "bee") == 0
    assert sorted(path.name for path in (tmp_path / "bee").iterdir()) == ["bee.png", "vaeaug.json"]


def test_a_traversal_starts_from_an_image(data: Path, model: Path, tmp_path: Path) -> None:
    assert run("traverse", model, tmp_path / "out", "-q", "--image", data / "bee/000.png") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["bee.png", "vaeaug.json"]


def test_codes_have_no_axes_but_are_exchanged(data: Path, codes: Path, tmp_path: Path, capsys: Capture) -> None:
    assert run("traverse", codes, tmp_path / "out", "-q") == 2
    assert "vaeaug interpolate" in capsys.readouterr().err
    assert run("interpolate", codes, data / "ant/000.png", data / "bee/000.png", tmp_path / "path", "-q") == 0


@pytest.mark.parametrize("variant", list(plugins.load().variants))
def test_every_variant_is_looked_into(
    variant: str, data: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = tiny_data.small_model(tmp_path_factory, variant)
    ends = data / "ant/000.png", data / "bee/000.png"
    for path in ("linear", "slerp"):
        assert run("interpolate", model, *ends, tmp_path / path, "-q", "--path", path) == 0
    assert run("traverse", model, tmp_path / "axes", "-q", "--latents", 3) in (0, 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["interpolate", "{data}", "{ant}", "{bee}", "{tmp}/out"], "is not a model"),
        (["interpolate", "{model}", "{data}", "{bee}", "{tmp}/out"], "name one image in it"),
        (["interpolate", "{model}", "{ant}x", "{bee}", "{tmp}/out"], "does not exist; name an image file"),
        (
            ["interpolate", "{model}", "{model}/model.json", "{bee}", "{tmp}/out"],
            "does not have the suffix of an image",
        ),
        (["interpolate", "{model}", "{ant}", "{bee}", "{model}/out"], "choose an output outside it"),
        (["interpolate", "{model}", "{ant}", "{bee}", "{tmp}/out", "--label", "ent"], "did you mean 'ant'"),
        (["interpolate", "{model}", "{ant}", "{bee}", "{tmp}/out", "--steps", "1"], "at least 2"),
        (["traverse", "{model}", "{tmp}/out", "--class", "ent"], "did you mean 'ant'"),
        (["traverse", "{model}", "{tmp}/out", "--image", "{data}"], "name one image in it"),
        (
            ["traverse", "{model}", "{tmp}/out", "--image", "{ant}", "--class", "ant", "--class", "bee"],
            "--class can be given only once",
        ),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(
    data: Path, model: Path, tmp_path: Path, words: list[str], message: str, capsys: Capture
) -> None:
    places = {"ant": data / "ant/000.png", "bee": data / "bee/000.png"}
    before = tiny_data.state(data), tiny_data.state(model)
    assert run(*[word.format(data=data, model=model, tmp=tmp_path, **places) for word in words], "-q") == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert (tiny_data.state(data), tiny_data.state(model)) == before
    assert not list(tmp_path.iterdir())


def test_an_image_that_cannot_be_read_is_named_with_a_remedy_there_is(
    data: Path, model: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    assert tiny_data.run("interpolate", model, tmp_path / "bad.png", data / "ant/000.png", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "bad.png cannot be read: not a PNG" in error
    assert "--skip-invalid" not in error
    assert error.count("\n") == 1

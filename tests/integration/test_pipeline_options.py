"""`vaeaug.augment`, end to end on tiny datasets: every option does what its help says."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_data
from PIL import Image
from tiny_data import UNFILTERED

import vaeaug
from vaeaug.progress import Progress

pytestmark = pytest.mark.usefixtures("untouched")


def _made(out: Path) -> dict[tuple[str, str], int]:
    """Images in OUT/train by class folder and kind, counted on disk."""
    return dict(
        Counter(
            (path.parent.name, "synthetic" if path.name.startswith("synthetic-") else "real")
            for path in (out / "train").rglob("*.png")
        )
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """An output made with nothing but a count."""
    out = tmp_path_factory.mktemp("plain") / "out"
    vaeaug.augment(data, out, per_class=70, **UNFILTERED)
    return out


def test_the_output_is_a_dataset_directory(plain: Path, data: Path) -> None:
    assert _made(plain) == {
        ("ant", "real"): 12,
        ("ant", "synthetic"): 70,
        ("bee", "real"): 9,
        ("bee", "synthetic"): 70,
    }
    assert {path.name for path in (plain / "train").iterdir()} == {"ant", "bee"}
    assert {"manifest.csv", "vaeaug.json", "README.md"} <= {path.name for path in plain.iterdir()}
    for path in data.rglob("*.png"):
        assert (plain / "train" / path.relative_to(data)).read_bytes() == path.read_bytes()
    assert not list(plain.parent.glob(".*"))  # nothing of the construction is left
    for path in (plain / "train").rglob("synthetic-*.png"):
        with Image.open(path) as opened:
            assert (opened.size, opened.mode) == ((8, 8), "L")


def test_every_image_stands_in_the_manifest_once(plain: Path) -> None:
    rows = tiny_data.manifest(plain)
    assert sorted(row["file_name"] for row in rows) == sorted(
        path.relative_to(plain).as_posix() for path in plain.rglob("*.png")
    )
    synthetic = [row for row in rows if row["synthetic"] == "true"]
    assert [int(row["index"]) for row in synthetic if row["label"] == "ant"] == list(range(70))
    assert {(row["split"], row["sampler"], row["seed"]) for row in synthetic} == {("train", "residual", "0")}
    real = {row["file_name"]: row["label"] for row in rows if row["synthetic"] == "false"}
    assert all(real[row["source"]] == row["label"] for row in synthetic)


def test_the_same_run_gives_the_same_bytes(plain: Path, data: Path, tmp_path: Path) -> None:
    vaeaug.augment(data, tmp_path / "out", per_class=70, **UNFILTERED)
    assert tiny_data.files(tmp_path / "out") == tiny_data.files(plain)


def test_another_seed_gives_other_images(plain: Path, data: Path, tmp_path: Path) -> None:
    vaeaug.augment(data, tmp_path / "out", per_class=2, seed=1, **UNFILTERED)
    for label in ("ant", "bee"):
        name = f"train/{label}/synthetic-{label}-00000.png"
        assert (tmp_path / "out" / name).read_bytes() != (plain / name).read_bytes()


def test_fewer_images_are_the_first_of_more(plain: Path, data: Path, tmp_path: Path) -> None:
    vaeaug.augment(data, tmp_path / "out", per_class=5, **UNFILTERED)
    few, many = (tiny_data.files(out / "train") for out in (tmp_path / "out", plain))
    assert len(few) == 12 + 9 + 5 + 5
    assert few.items() <= many.items()


def test_images_look_like_their_class(data: Path, tmp_path: Path) -> None:
    """The bright bar of a class stands where it stands in the real images."""
    vaeaug.augment(data, tmp_path / "out", per_class=30, **{**UNFILTERED, "steps": 300, "learning_rate": 0.01})
    for label in ("ant", "bee"):
        real, synthetic = (
            np.mean([np.asarray(Image.open(path)) for path in (tmp_path / "out/train" / label).glob(pattern)], axis=0)
            for pattern in ("0*.png", "synthetic-*.png")
        )
        assert np.abs(real - synthetic).mean() < 20
        assert synthetic.mean(axis=1).argmax() in np.argsort(real.mean(axis=1))[-2:]


@pytest.mark.parametrize(
    ("settings", "ant", "bee"),
    [({}, 120, 90), ({"balance": True}, 0, 3), ({"ratio": 0.5}, 6, 4)],
)
def test_how_many_images_are_made(
    data: Path, model: Path, tmp_path: Path, settings: dict[str, Any], ant: int, bee: int
) -> None:
    made = vaeaug.augment(data, tmp_path / "out", model=model, workers=1, filter=False, **settings)
    found = _made(tmp_path / "out")
    assert [found.get((label, "synthetic"), 0) for label in ("ant", "bee")] == [ant, bee]
    assert [(count.label, count.real, count.synthetic) for count in made.counts] == [("ant", 12, ant), ("bee", 9, bee)]


def test_synthetic_only_leaves_the_real_training_images_out(data: Path, model: Path, tmp_path: Path) -> None:
    vaeaug.augment(data, tmp_path / "out", model=model, synthetic_only=True, per_class=3, workers=1, filter=False)
    assert _made(tmp_path / "out") == {("ant", "synthetic"): 3, ("bee", "synthetic"): 3}
    assert {row["synthetic"] for row in tiny_data.manifest(tmp_path / "out")} == {"true"}


def test_a_class_that_gets_nothing_has_an_empty_folder(data: Path, model: Path, tmp_path: Path) -> None:
    """Readers then number the classes as they do in the data."""
    vaeaug.augment(data, tmp_path / "out", model=model, synthetic_only=True, balance=True, workers=1, filter=False)
    vaeaug.sample(model, tmp_path / "sampled", balance=True, workers=1)
    for out in ("out", "sampled"):
        counts = {path.name: len([*path.iterdir()]) for path in (tmp_path / out / "train").iterdir()}
        assert counts.keys() == {"ant", "bee"}
        assert counts["ant"] == 0 < counts["bee"]
        assert "allow_empty=True" in (tmp_path / out / "README.md").read_text()


def test_hard_links_share_the_file_and_leave_it_alone(model: Path, tmp_path: Path) -> None:
    own = tiny_data.write_dataset(tmp_path / "data", {"ant": 12, "bee": 9})
    before = {name: values[0] for name, values in tiny_data.state(own).items()}, tiny_data.files(own)
    vaeaug.augment(own, tmp_path / "out", model=model, link="hard", per_class=1, workers=1, filter=False)
    for path in own.rglob("*.png"):
        assert (tmp_path / "out/train" / path.relative_to(own)).samefile(path)
    assert ({name: values[0] for name, values in tiny_data.state(own).items()}, tiny_data.files(own)) == before


def test_copies_are_files_of_their_own(plain: Path, data: Path) -> None:
    for path in data.rglob("*.png"):
        assert not (plain / "train" / path.relative_to(data)).samefile(path)


def test_a_named_model_is_made_once_and_used_again(data: Path, tmp_path: Path, plain: Path) -> None:
    vaeaug.augment(data, tmp_path / "one", model=tmp_path / "model", per_class=70, **UNFILTERED)
    trained = tiny_data.state(tmp_path / "model")
    vaeaug.augment(data, tmp_path / "two", model=tmp_path / "model", per_class=70, **UNFILTERED)
    assert tiny_data.state(tmp_path / "model") == trained
    one, two = (tiny_data.files(tmp_path / name) for name in ("one", "two"))
    for name in ("README.md", "report.html"):  # their title is the name of the directory
        assert one.pop(name) != two.pop(name)
    assert one == two
    # and it is the model that is trained without a name
    assert tiny_data.files(tmp_path / "one/train") == tiny_data.files(plain / "train")


@pytest.mark.parametrize(
    "settings",
    [
        {"variant": "vae", "scope": "shared"},
        {"variant": "beta-vae", "loss": "bce"},
        {"variant": "cvae", "scope": "shared", "loss": "mse", "sampler": "prior"},
    ],
)
def test_variants_losses_and_scopes(data: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    vaeaug.augment(data, tmp_path / "out", per_class=3, **UNFILTERED, **settings)
    record = json.loads((tmp_path / "out/vaeaug.json").read_text())
    assert record["model"]["variant"]["name"] == settings["variant"]
    assert record["model"]["loss"]["name"] == settings.get("loss", "gaussian")
    assert record["model"]["scope"] == settings.get("scope", "per-class")
    assert _made(tmp_path / "out")["ant", "synthetic"] == 3


def test_the_record_says_how_it_was_made_and_names_no_place_of_this_machine(plain: Path) -> None:
    text = (plain / "vaeaug.json").read_text() + (plain / "README.md").read_text()
    record = json.loads((plain / "vaeaug.json").read_text())
    assert record["settings"]["steps"] == 12
    assert record["counts"]["ant"] == {"label": "ant", "real": 12, "synthetic": 70, "val": 0, "test": 0}
    assert str(plain.parent) not in text
    assert ".partial" not in text


def test_a_collapsed_posterior_is_said(data: Path, tmp_path: Path) -> None:
    class Heard(Progress):
        lines: list[str] = []  # noqa: RUF012 (one instance)

        def say(self, line: str) -> None:
            self.lines.append(line)

    heard = Heard()
    settings = {**UNFILTERED, "steps": 400, "learning_rate": 0.02, "scope": "shared", "variant": "beta-vae"}
    settings["variant_options"] = {"beta": 100_000, "latent_dim": 4, "width": 16}
    made = vaeaug.augment(data, tmp_path / "out", per_class=1, progress=heard, **settings)
    assert any("posterior collapse: 0 of 4 latent dimensions" in remark for remark in made.warnings)
    assert any("posterior collapse" in line for line in heard.lines)
    for name in ("README.md", "vaeaug.json"):
        assert "posterior collapse" in (tmp_path / "out" / name).read_text()


def test_sample_writes_what_augment_writes(data: Path, model: Path, tmp_path: Path) -> None:
    common: dict[str, Any] = {"per_class": 10, "sampler": "mixture", "workers": 1}
    vaeaug.augment(data, tmp_path / "augmented", model=model, synthetic_only=True, filter=False, **common)
    vaeaug.sample(model, tmp_path / "sampled", **common)
    assert tiny_data.files(tmp_path / "sampled/train") == tiny_data.files(tmp_path / "augmented/train")
    vaeaug.sample(model, tmp_path / "bees", per_class=10, classes=("bee",), workers=1)
    assert tiny_data.files(tmp_path / "bees/train/bee") == tiny_data.files(tmp_path / "sampled/train/bee")
    assert [path.name for path in (tmp_path / "bees/train").iterdir()] == ["bee"]


def test_written_images_are_those_of_the_python_api(model: Path, tmp_path: Path) -> None:
    vaeaug.sample(model, tmp_path / "out", per_class=3, workers=1)
    pixels = vaeaug.load(model).sample("bee", 3)
    for number in range(3):
        with Image.open(tmp_path / f"out/train/bee/synthetic-bee-0000{number}.png") as opened:
            assert np.array_equal(np.asarray(opened), pixels[number, :, :, 0])


def test_torch_keeps_its_number_of_threads(data: Path, model: Path, tmp_path: Path) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        vaeaug.augment(data, tmp_path / "out", per_class=1, **UNFILTERED)
        vaeaug.load(model).sample("ant", 1)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_a_model_of_other_data_writes_at_their_size_and_says_so(model: Path, tmp_path: Path) -> None:
    own = tiny_data.write_dataset(tmp_path / "data", {"ant": 3, "bee": 3}, height=21, width=17)
    made = vaeaug.augment(own, tmp_path / "out", model=model, per_class=1, workers=1, filter=False)
    with Image.open(tmp_path / "out/train/ant/synthetic-ant-00000.png") as image:
        assert (image.size, image.mode) == ((17, 21), "L")
    assert any("was not trained on the images of this dataset" in remark for remark in made.warnings)


def test_a_class_too_small_to_be_validated_keeps_the_shared_network(tmp_path: Path) -> None:
    own = tiny_data.write_dataset(tmp_path / "data", {"ant": 30, "bee": 3})
    made = vaeaug.augment(own, tmp_path / "out", per_class=2, **UNFILTERED)
    assert any(remark.endswith("use the shared one: bee") for remark in made.warnings)

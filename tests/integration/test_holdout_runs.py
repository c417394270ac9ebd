"""`--holdout` end to end: what is held out reaches no model, and a model and its output agree on it."""

import csv
import json
from pathlib import Path

import pytest
import short_runs
import tiny_data
from tiny_data import QUICK, UNFILTERED, manifest, run

import vaeaug
from vaeaug.errors import InputError

FAST = {**UNFILTERED, "steps": 2, "scope": "shared"}
TRAIN = {**QUICK, "steps": 2, "scope": "shared"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.write_dataset(tmp_path_factory.mktemp("holdout") / "data", {"ant": 12, "bee": 10})


@pytest.fixture(scope="module")
def model(data: Path) -> Path:
    vaeaug.train(data, data.parent / "model", holdout=0.2, **TRAIN)
    return data.parent / "model"


@pytest.mark.parametrize("split", ["val", "test"])
def test_augment_writes_the_split(data: Path, tmp_path: Path, split: str) -> None:
    before = tiny_data.state(data)
    made = vaeaug.augment(data, tmp_path / "out", per_class=3, holdout=0.2, holdout_as=split, **FAST)
    assert tiny_data.state(data) == before
    assert [(count.real, getattr(count, split)) for count in made.counts] == [(10, 2), (8, 2)]
    rows = manifest(tmp_path / "out")
    held = {row["original"] for row in rows if row["split"] == split}
    assert len(held) == 4
    assert held.isdisjoint(row["original"] for row in rows if row["split"] == "train")
    assert all((data / name).is_file() for name in held)


def test_a_trained_model_and_its_output_hold_out_the_same(data: Path, model: Path, tmp_path: Path) -> None:
    seen = {name for label in (0, 1) for name in vaeaug.load(model).stored.latents(label).sources}
    assert len(seen) == 18
    for settings in ({}, {"holdout": 0.2}, {"holdout": 0.2, "seed": 5}):
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        vaeaug.augment(data, out, model=model, per_class=1, workers=1, filter=False, **settings)
        rows = manifest(out)
        real = {row["original"] for row in rows if (row["split"], row["synthetic"]) == ("train", "false")}
        assert real == seen
        assert sum(row["split"] == "val" for row in rows) == 4
    # What was held out is now a split of the data, which the model is used on once more.
    again = vaeaug.augment(out, tmp_path / "again", model=model, per_class=1, workers=1, filter=False)
    assert [count.val for count in again.counts] == [2, 2]


def test_a_model_that_has_seen_the_images_is_refused(data: Path, model: Path, tmp_path: Path) -> None:
    def augment(model: Path, **settings: object) -> None:
        vaeaug.augment(data, tmp_path / "out", model=model, per_class=1, workers=1, filter=False, **settings)

    with pytest.raises(InputError, match=r"was trained with --holdout 0.2 --holdout-as val, not --holdout 0.3"):
        augment(model, holdout=0.3)
    with pytest.raises(InputError, match=r"not --holdout 0.2 --holdout-as test"):
        augment(model, holdout=0.2, holdout_as="test")
    vaeaug.train(data, tmp_path / "all", **TRAIN)
    with pytest.raises(InputError, match=r"was trained on 4 of the 4 images to hold out; train it with --holdout 0.2"):
        augment(tmp_path / "all", holdout=0.2)
    assert not (tmp_path / "out").exists()


def test_groups_of_a_table(tmp_path: Path) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 12, "bee": 12})
    with (data / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("file_name", "label", "patient"))
        table.writerows((f"{c}/{n:03}.png", c, f"patient {n // 3}") for c in ("ant", "bee") for n in range(12))
    vaeaug.augment(data, tmp_path / "out", per_class=1, holdout=0.25, group_by="patient", **FAST)
    rows = [row for row in manifest(tmp_path / "out") if row["synthetic"] == "false"]
    splits: dict[int, set[str]] = {}
    for row in rows:
        splits.setdefault(int(row["original"].rpartition("/")[2][:3]) // 3, set()).add(row["split"])
    assert sorted(map(sorted, splits.values())) == [["train"]] * 3 + [["val"]]


def test_the_held_out_images_test_the_others(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short_runs.evaluation(monkeypatch)
    words = ["--holdout", 0.3, "--holdout-as", "test", "--per-class", 4, "--evaluate"]
    assert run("augment", data, tmp_path / "out", *words, *tiny_data.options(FAST), "-q") == 0
    found = json.loads((tmp_path / "out/utility/evaluation.json").read_text())
    assert found["tested_on"] == "REAL, test split"
    assert {name: counts["test"] for name, counts in found["images"].items()} == {"ant": 4, "bee": 3}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--holdout-as", "test"], "--holdout-as requires --holdout"),
        (["--group-by", "ant"], "--group-by requires --holdout"),
        (["--holdout", "0"], "holdout"),
        (["--holdout", "0.2", "--group-by", "("], "nor a valid regular expression"),
    ],
)
def test_refusals(
    data: Path, tmp_path: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("augment", "train"):
        assert run(command, data, tmp_path / "out", *words) == 2
        assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())

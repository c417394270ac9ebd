"""`vaeaug.augment` with its filter: what is dropped is counted, what is kept does not depend on an interruption."""

import base64
import io
import json
import multiprocessing
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_data
import torch
from html_pages import Page
from machine_faults import interrupt, on_disk
from PIL import Image

import vaeaug
from vaeaug.dataset.cache import build_cache
from vaeaug.dataset.contents import read_contents
from vaeaug.dataset.scan import scan
from vaeaug.errors import InputError
from vaeaug.progress import SILENT, Progress, Tick
from vaeaug.synthesis.filters import CAUSES
from vaeaug.synthesis.generate import CHUNK
from vaeaug.workflows.synthetic import sample_filter as filtering
from vaeaug.workflows.synthetic.rejected_samples import SHOWN
from vaeaug.workflows.synthetic.sample_filter import train_filter

SETTINGS: dict[str, Any] = {**tiny_data.QUICK, "steps": 300, "learning_rate": 0.01, "per_class": 100}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_data.write_dataset(tmp_path_factory.mktemp("filter") / "data", {"ant": 40, "bee": 40})


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("filter") / "model"
    vaeaug.train(data, place, **{name: value for name, value in SETTINGS.items() if name != "per_class"})
    return place


def _rows(out: Path) -> list[dict[str, str]]:
    return [row for row in tiny_data.manifest(out) if row["synthetic"] == "true"]


def _pictures(out: Path) -> dict[str, np.ndarray]:
    """Alternative text of each image of the report -> its pixels."""
    pictures = {}
    for tag in Page((out / "report.html").read_text(encoding="utf-8")).all("img"):
        with Image.open(io.BytesIO(base64.b64decode(str(tag["src"]).split(",")[1]))) as image:
            pictures[str(tag["alt"])] = np.asarray(image)
    return pictures


def test_classes_are_filled_with_the_first_samples_that_are_kept(data: Path, model: Path, tmp_path: Path) -> None:
    made = vaeaug.augment(data, tmp_path / "out", model=model, sampler="mixture", per_class=100, workers=1)
    assert {count.label: count.synthetic for count in made.counts} == {"ant": 100, "bee": 100}
    rows = _rows(tmp_path / "out")
    drawn = {label: vaeaug.load(model).sample(label, 4 * 100) for label in ("ant", "bee")}
    for label in ("ant", "bee"):
        indices = [int(row["index"]) for row in rows if row["label"] == label]
        dropped = sum(made.dropped.get(label, {}).values())
        assert indices == sorted(indices)
        assert indices[-1] + 1 == 100 + dropped  # whatever is not there up to the last one was dropped
        for row in (row for row in rows if row["label"] == label):
            with Image.open(
                tmp_path / "out" / row["file_name"]
            ) as image:  # an image is that of its index, filter or not
                assert np.array_equal(np.asarray(image), drawn[label][int(row["index"]), ..., 0])
    record = json.loads((tmp_path / "out/vaeaug.json").read_text())
    assert record["dropped"] == made.dropped
    assert record["settings"]["filter"] is True
    assert {cause for causes in made.dropped.values() for cause in causes} <= set(CAUSES)


@pytest.mark.usefixtures("warm_workers")
def test_what_is_kept_does_not_depend_on_interruption_or_workers(data: Path, model: Path, tmp_path: Path) -> None:
    common: dict[str, Any] = {"model": model, "sampler": "residual", "per_class": 150}
    whole = vaeaug.augment(data, tmp_path / "whole/out", workers=1, **common)
    with on_disk("rename", "*/scratch/rejected/*.png", interrupt(after=1)), pytest.raises(KeyboardInterrupt):
        vaeaug.augment(data, tmp_path / "cut/out", workers=2, **common)
    assert list((tmp_path / "cut/.out.partial/scratch/rejected").rglob("*.png"))
    cut = vaeaug.augment(data, tmp_path / "cut/out", workers=1, resume=True, **common)
    assert cut.dropped == whole.dropped
    shown = {alt for alt in _pictures(whole.out) if "dropped" in alt}
    assert shown == {
        f"dropped sample {number} of {label}: {cause}"
        for label, causes in whole.dropped.items()
        for cause, count in causes.items()
        for number in range(1, min(count, SHOWN) + 1)
    }
    assert shown
    assert tiny_data.files(tmp_path / "cut/out") == tiny_data.files(tmp_path / "whole/out")


class Processes(Progress):
    """Records the worker processes of each stage."""

    def __init__(self) -> None:
        self.of_stage: dict[str, set[int | None]] = {}

    def stage(self, name: str) -> None:
        self.name = name

    def tick(self, tick: Tick) -> None:
        children = {process.pid for process in multiprocessing.active_children()}
        self.of_stage.setdefault(self.name, set()).update(children)


@pytest.mark.usefixtures("warm_workers")
def test_trainings_and_filter_share_their_worker_processes(data: Path, tmp_path: Path) -> None:
    seen = Processes()
    settings = {**tiny_data.QUICK, "per_class": 2, "workers": 2}
    vaeaug.augment(data, tmp_path / "out", progress=seen, **settings)
    (training,) = (pids for name, pids in seen.of_stage.items() if name.startswith("Training 2 classes"))
    assert len(training) == 2
    assert seen.of_stage["Training the filter classifiers"] == training
    assert seen.of_stage["Writing synthetic images"] == set()


def test_a_class_that_cannot_be_filled_says_so(
    data: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dropping(self: Any, chunk: Any) -> list[str | None]:
        return ["another class" if chunk.label == "bee" else None] * len(chunk.pixels_BHWC)

    monkeypatch.setattr("vaeaug.workflows.synthetic.sample_filter.SampleFilter.verdicts", dropping)
    alone = vaeaug.augment(data, tmp_path / "alone", model=model, per_class=1, synthetic_only=True, workers=1)
    assert {path.name: len([*path.iterdir()]) for path in (alone.out / "train").iterdir()} == {"ant": 1, "bee": 0}
    assert (
        "allow_empty=True" in (alone.out / "README.md").read_text()
    )  # without it, ImageFolder refuses an empty folder
    made = vaeaug.augment(data, tmp_path / "out", model=model, per_class=70, workers=1)
    assert {count.label: count.synthetic for count in made.counts} == {"ant": 70, "bee": 0}
    assert made.dropped == {"bee": {"another class": CHUNK * -(-4 * 70 // CHUNK)}}
    (remark,) = [remark for remark in made.warnings if "dropped" in remark]
    assert "bee has 0 of 70" in remark
    assert "--no-filter" in remark
    for name in ("report.html", "README.md"):
        assert "bee has 0 of 70" in (tmp_path / "out" / name).read_text()


def test_the_report_shows_each_sample_above_the_most_similar_image(data: Path, model: Path, tmp_path: Path) -> None:
    vaeaug.augment(data, tmp_path / "out", model=model, sampler="mixture", per_class=20, workers=1)
    assert "Below each synthetic image: the most similar real" in (tmp_path / "out/report.html").read_text()
    cache = build_cache(read_contents(scan(data)))
    keep = train_filter(cache, tmp_path / "judges", seed=0, device=torch.device("cpu"), workers=1, progress=SILENT)
    assert keep is not None
    shown = _pictures(tmp_path / "out")
    for label in ("ant", "bee"):
        samples, nearest = (
            [shown[f"{kind} image {number} of {label}"] for number in range(1, 8)] for kind in ("synthetic", "real")
        )
        names = keep.nearest(label, [image_HW[..., None] for image_HW in samples])
        for name, at_its_place in zip(names, nearest, strict=True):
            with Image.open(data / name) as image:
                assert np.array_equal(np.asarray(image), at_its_place)
        rows = cache.indices("train", label)
        real, own = [cache.pixels_NHWC[row] for row in rows], [cache.files[row].file_name for row in rows]
        assert keep.nearest(label, real) == own
        assert keep.nearest(label, [np.repeat(image, 3, axis=2) for image in real]) == own


def test_without_the_filter_every_sample_is_kept(data: Path, model: Path, tmp_path: Path) -> None:
    words = ["--model", model, "--per-class", 70, "--no-filter", "--quiet"]
    assert tiny_data.run("augment", data, tmp_path / "out", *words) == 0
    assert [int(row["index"]) for row in _rows(tmp_path / "out")] == [*range(70), *range(70)]
    assert "Below each synthetic image" not in (tmp_path / "out/report.html").read_text()


def test_copies_of_an_image_are_judged_by_a_classifier_that_saw_none(tmp_path: Path) -> None:
    root = tiny_data.write_dataset(tmp_path / "data", {"ant": 9, "bee": 9})
    for number in range(9):
        shutil.copy(root / f"ant/{number:03}.png", root / f"ant/copy-{number}.png")
    cache = build_cache(read_contents(scan(root)))
    digests = [cache.files[index].digest for index in cache.indices("train")]
    fold_of: dict[str, set[int]] = {}
    for digest, fold in zip(digests, filtering._folds(cache, seed=0).tolist(), strict=True):
        fold_of.setdefault(digest, set()).add(fold)
    assert len(fold_of) == 18
    assert all(len(folds) == 1 for folds in fold_of.values())


def test_one_class_alone_has_no_other_to_be_told_from(tmp_path: Path) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"only": 6})
    made = vaeaug.augment(data, tmp_path / "out", per_class=5, **tiny_data.QUICK)
    assert made.counts[0].synthetic == 5


def test_a_model_of_another_size_is_judged_at_the_size_of_the_data(tmp_path: Path, model: Path) -> None:
    data = tiny_data.write_dataset(tmp_path / "data", {"ant": 12, "bee": 12}, height=20, width=16)
    made = vaeaug.augment(data, tmp_path / "out", model=model, per_class=5, workers=1)
    assert all(count.real == 12 for count in made.counts)


def test_the_filter_is_part_of_what_is_resumed(data: Path, model: Path, tmp_path: Path) -> None:
    with on_disk("write", "*/scratch/synthetic.jsonl", interrupt()), pytest.raises(KeyboardInterrupt):
        vaeaug.augment(data, tmp_path / "out", model=model, per_class=5, workers=1)
    with pytest.raises(InputError, match="filter = true, this one false"):
        vaeaug.augment(data, tmp_path / "out", model=model, per_class=5, workers=1, filter=False, resume=True)

"""Whole evaluations: that they answer rightly, are the same bytes however they were run, and see no test image."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import evaluate_data
import numpy as np
import pytest
import tiny_data
from evaluate_data import QUICK
from machine_faults import interrupt, on_disk
from PIL import Image

from vaeaug.errors import InputError
from vaeaug.workflows.evaluate import classifier_trainings as evaluate_train
from vaeaug.workflows.evaluate.classifier_task import load_split
from vaeaug.workflows.evaluate.evaluate_command import evaluate

TRAINED = "*-seed-????-???.npz"
"""The files in which an evaluation keeps what each of its classifiers predicts."""


@pytest.fixture
def real(tmp_path: Path) -> Path:
    return evaluate_data.write_real(tmp_path / "real")


@pytest.fixture
def synthetic(tmp_path: Path) -> Path:
    return evaluate_data.write_synthetic(tmp_path / "synthetic", {"ant": 6, "bee": 7})


def two_kinds(root: Path, split: str, count: int, kinds: int, seed: int) -> None:
    """Class a is bright above or dark left, b dark above or bright left; `kinds` = 1 leaves the second of each out."""
    rng = np.random.default_rng(seed)
    for label, sign in (("a", 1), ("b", -1)):
        (root / split / label).mkdir(parents=True)
        for number in range(count):
            pixels_HW = np.full((8, 8), 128.0)
            if number % kinds == 0:
                pixels_HW[:4] += 70 * sign
            else:
                pixels_HW[:, :4] -= 70 * sign
            pixels_HW = (pixels_HW + rng.normal(0, 25, (8, 8))).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels_HW).save(root / split / label / f"{number:03}.png")


def test_images_that_show_what_is_lacking_help_and_wrong_ones_harm(tmp_path: Path) -> None:
    """The real images show one kind of each class, the test images two. The synthetic ones show both, or lie."""
    two_kinds(tmp_path / "real", "train", 12, 1, 0)
    two_kinds(tmp_path / "real", "test", 60, 2, 1)
    two_kinds(tmp_path / "good", "train", 40, 2, 2)
    for label, other in (("a", "b"), ("b", "a")):
        shutil.copytree(tmp_path / "good/train" / label, tmp_path / "bad" / other)
    settings = {**QUICK, "steps": 60, "seeds": 3}
    good = evaluate(tmp_path / "real", tmp_path / "good", **settings)
    bad = evaluate(tmp_path / "real", tmp_path / "bad", **settings)
    assert (good.decision, bad.decision) == ("helps", "harms")
    assert good.values["arms"]["synthetic"]["accuracy"]["mean"] > 0.9
    assert bad.values["arms"]["synthetic"]["accuracy"]["mean"] < 0.3


def test_all_arms_give_all_figures(real: Path, synthetic: Path, tmp_path: Path) -> None:
    before = tiny_data.state(real), tiny_data.state(synthetic)
    pipeline = {"classical": "trivialaugment+mixup", "flip": "no"}
    found = evaluate(real, synthetic, tmp_path / "out", steps=6, seeds=3, workers=1, **pipeline)
    assert found.out == tmp_path / "out"
    assert (tiny_data.state(real), tiny_data.state(synthetic)) == before
    assert sorted(path.name for path in found.out.iterdir()) == ["evaluation.json", "report.html"]
    values = json.loads((found.out / "evaluation.json").read_text())
    assert values.pop("resume")["inputs"].keys() == {"real images", "synthetic images", "test images"}
    assert values == found.values
    assert list(values["arms"]) == [
        "real", "classical", "mixup", "synthetic", "classical+synthetic", "synthetic-only",
    ]  # fmt: skip
    for arm in values["arms"].values():
        assert len(arm["by_seed"]) == 3
        mean = np.mean([seed["accuracy"] for seed in arm["by_seed"]])
        assert arm["accuracy"]["mean"] == pytest.approx(mean)
        assert arm["by_seed"][0]["recall"].keys() == {"ant", "bee"}
    accuracy = {name: arm["accuracy"]["mean"] for name, arm in values["arms"].items()}
    difference = values["arms"]["mixup"]["difference"]["mean"]
    assert difference == pytest.approx(accuracy["mixup"] - accuracy["classical"])
    assert values["arms"]["classical"]["difference"] is None
    assert values["classical_augmentation"] == {"pipeline": "trivialaugment+mixup", "mirrored": "no"}
    page = (found.out / "report.html").read_text()
    assert "TrivialAugment + mixup and synthetic images" in page
    assert "TrivialAugment + mixup, as given" in page
    assert values["compared"] == ["classical+synthetic", "classical"]
    assert values["images"]["bee"] == {"real": 8, "synthetic": 7, "test": 5}
    assert values["fidelity"]["overall"]["real"] == 16
    assert re.split(r"[+-]?\d", found.verdict)[0] in (found.out / "report.html").read_text()


def test_unbalanced_classes_are_balanced_too_and_count_alike(tmp_path: Path, synthetic: Path) -> None:
    real = evaluate_data.write_real(tmp_path / "real")
    evaluate_data.write_images(real / "train/ant", "ant", 50, 5)
    found = evaluate(real, synthetic, **{**QUICK, "arms": "auto", "steps": 2, "seeds": 3})
    balancing = ["oversampled", "smote", "weighted", "deferred"]
    assert list(found.values["arms"])[3:7] == balancing
    assert list(found.values["rivals"]) == ["classical", *balancing]
    assert found.values["decided_by"] in found.values["rivals"]
    assert found.values["metric"] == "balanced-accuracy"
    assert found.warnings == ()  # 13 + 6 and 8 + 7 are of about one size
    even = evaluate(
        evaluate_data.write_real(tmp_path / "even"), synthetic, **{**QUICK, "steps": 2, "metric": "balanced-accuracy"}
    )
    assert even.values["metric"] == "balanced-accuracy"


def test_the_user_settles_arms_and_measure_of_unbalanced_classes(tmp_path: Path) -> None:
    real = evaluate_data.write_real(tmp_path / "real")
    evaluate_data.write_images(real / "train/ant", "ant", 50, 5)
    synthetic = evaluate_data.write_synthetic(tmp_path / "synthetic", {"ant": 12, "bee": 7})
    arms = "classical,classical+synthetic,weighted"
    found = evaluate(real, synthetic, **{**QUICK, "arms": arms, "metric": "accuracy", "steps": 2})
    assert set(found.values["arms"]) == set(arms.split(","))
    assert list(found.values["rivals"]) == ["classical", "weighted"]
    assert found.values["metric"] == "accuracy"
    assert any("still have between 15 and 25 images; vaeaug augment --balance" in remark for remark in found.warnings)


@pytest.mark.parametrize(("metric", "pipeline"), [("accuracy", "mild"), ("balanced-accuracy", "trivialaugment")])
def test_classical_augmentation_is_chosen_by_the_measure_of_the_verdict(
    tmp_path: Path, synthetic: Path, monkeypatch: pytest.MonkeyPatch, metric: str, pipeline: str
) -> None:
    """With mild all are ants, the larger class; with TrivialAugment the bees and one ant are recognized."""
    real = evaluate_data.write_real(tmp_path / "real")
    evaluate_data.write_images(real / "train/ant", "ant", 50, 16)

    def predicts(task, tell):
        true_N = load_split(task.split).test.labels_N
        everything = {"mild": 0, "trivialaugment": 1}.get(task.pipeline.name, -1)
        predicted_N = np.full_like(true_N, everything)
        predicted_N[np.flatnonzero(true_N == 0)[0]] = 0
        np.savez(task.file, predicted_N=predicted_N)

    monkeypatch.setattr(evaluate_train, "run_arm_task", predicts)
    settings = {**QUICK, "arms": "classical,classical+synthetic", "classical": "auto", "metric": metric, "steps": 2}
    assert evaluate(real, synthetic, **settings).values["classical_augmentation"]["pipeline"] == pipeline


def test_nothing_is_tried_that_no_arm_needs(real: Path, synthetic: Path) -> None:
    with on_disk("rename", TRAINED) as trained:
        found = evaluate(real, synthetic, **{**QUICK, "flip": "auto", "classical": "auto"})
    assert [path.name.partition("-seed-")[0] for path in trained] == ["real", "synthetic"] * 2
    assert found.values["classical_augmentation"]["mirrored"] == "not used"


def test_a_class_without_synthetic_images_leaves_the_arm_of_these_alone_out(real: Path, tmp_path: Path) -> None:
    synthetic = evaluate_data.write_synthetic(tmp_path / "synthetic", {"ant": 6})
    found = evaluate(real, synthetic, **{**QUICK, "arms": "real,synthetic,synthetic-only", "steps": 2})
    assert list(found.values["arms"]) == ["real", "synthetic"]
    assert any("no synthetic images of bee" in remark for remark in found.warnings)


@pytest.mark.usefixtures("warm_workers")
def test_workers_change_no_byte(real: Path, synthetic: Path, tmp_path: Path) -> None:
    settings = {**QUICK, "steps": 2, "classical": "mild", "flip": "auto", "arms": "classical,classical+synthetic"}
    made = []
    for workers in (1, 2):
        evaluate(real, synthetic, tmp_path / f"{workers}/out", **{**settings, "workers": workers})
        made.append(tiny_data.files(tmp_path / f"{workers}/out"))
    assert made[0] == made[1]


def test_a_run_goes_on_where_it_stopped(real: Path, synthetic: Path, tmp_path: Path) -> None:
    evaluate(real, synthetic, tmp_path / "whole/out", **QUICK)
    with on_disk("rename", TRAINED, interrupt(after=2)) as done, pytest.raises(KeyboardInterrupt):
        evaluate(real, synthetic, tmp_path / "cut/out", **QUICK)
    first, second, _ = done
    second.write_bytes(b"")  # as after a power cut
    with pytest.raises(InputError, match="steps = 4, this one 5"):
        evaluate(real, synthetic, tmp_path / "cut/out", resume=True, **{**QUICK, "steps": 5})
    with on_disk("rename", TRAINED) as done:
        evaluate(real, synthetic, tmp_path / "cut/out", resume=True, **QUICK)
    assert len(done) == 3
    assert second in done
    assert first not in done
    assert tiny_data.files(tmp_path / "cut/out") == tiny_data.files(tmp_path / "whole/out")


def test_it_reads_what_augment_wrote_and_only_its_synthetic_images(real: Path, tmp_path: Path) -> None:
    import vaeaug

    vaeaug.augment(real, tmp_path / "extended", per_class=4, **tiny_data.UNFILTERED)
    found = evaluate(real, tmp_path / "extended", **QUICK)
    assert found.values["images"]["ant"] == {"real": 8, "synthetic": 4, "test": 5}


def test_it_says_where_the_model_was_trained_on_other_images(real: Path, tmp_path: Path) -> None:
    import vaeaug

    others = evaluate_data.write_real(tmp_path / "others", train=7)
    remarks = []
    # A model of the training images alone knows no other test split.
    for data, out in ((real, "same"), (real / "train", "training"), (others, "other")):
        vaeaug.augment(data, tmp_path / out, per_class=2, synthetic_only=True, **tiny_data.UNFILTERED)
        remarks.append(evaluate(real, tmp_path / out, **{**QUICK, "steps": 2, "seeds": 3}).warnings)
    assert remarks[:2] == [(), ()]
    assert "synthetic images was trained on other images than these real ones" in remarks[2][0]


def test_other_test_images_and_sizes_will_do(real: Path, synthetic: Path, tmp_path: Path) -> None:
    for label in ("ant", "bee"):
        evaluate_data.write_images(tmp_path / "others" / label, label, 300, 4, height=20, width=14)
        evaluate_data.write_images(synthetic / label, label, 600, 2, height=30, width=30)
    found = evaluate(real, synthetic, tmp_path / "out", test=str(tmp_path / "others"), **QUICK)
    assert found.values["test_images"] == {"ant": 4, "bee": 4}
    assert found.values["images"]["ant"]["synthetic"] == 8
    assert found.values["tested_on"] == "others"
    for name in ("evaluation.json", "report.html"):
        assert str(tmp_path) not in (tmp_path / "out" / name).read_text(), "a place of this machine is told"


def test_the_validation_split_will_do_for_want_of_a_test_split(real: Path, synthetic: Path) -> None:
    (real / "test").rename(real / "val")
    found = evaluate(real, synthetic, **QUICK)
    assert found.values["tested_on"] == "REAL, val split"


def test_without_test_images_each_is_held_out_once_and_no_model_sees_it(tmp_path: Path) -> None:
    import vaeaug

    real = tiny_data.write_dataset(tmp_path / "real", {"ant": 7, "b%ee": 6})
    vaeaug.augment(real, tmp_path / "extended", per_class=3, **tiny_data.UNFILTERED)
    before = tiny_data.state(real)
    trained_on: list[set[bytes]] = []
    divisions = []

    def made(seen: list[Path]) -> None:
        """Note what the images of a fold were made from."""
        fold = seen[-1].parent
        trained_on.append({path.read_bytes() for path in (fold / "real").glob("*.png")})
        settings = json.loads((fold / ".synthetic.partial/content/vaeaug.json").read_text())["model"]
        assert settings["training"]["steps"] == tiny_data.QUICK["steps"]
        assert settings["variant"]["options"]["latent_dim"] == 4

    def trained(seen: list[Path]) -> None:
        """Note which images a classifier was trained and tested on."""
        divisions.append(load_split(seen[-1].with_name(f"division-{seen[-1].stem.rpartition('-')[2]}.npz")))

    with on_disk("rename", "*/fold-???/synthetic", made), on_disk("rename", TRAINED, trained):
        found = evaluate(real, tmp_path / "extended", folds=3, repeats=2, **QUICK)
    assert found.values["test_images"] == {"ant": 7, "b%ee": 6}
    assert "each of 3 parts of it was held out in turn, 2 times" in found.values["method"]
    assert len(trained_on) == 6
    assert tiny_data.state(real) == before
    held_out: dict[int, int] = {}
    for number, division in enumerate(divisions[::2]):  # two arms of each
        names = [division.test.cache.files[row].file_name for row in division.test.rows_N]
        tested = {(real / name).read_bytes() for name in names}
        assert any(not tested & seen and len(seen) + len(tested) == 13 for seen in trained_on)
        assert not set(division.real.rows_N) & set(division.test.rows_N)
        assert len(division.synthetic) == 6
        for row in division.test.rows_N:
            held_out[row] = held_out.get(row, 0) + 1
        assert number < 6
    assert set(held_out.values()) == {2}
    assert len(held_out) == 13


def sides(root: Path) -> None:
    """Write two classes: `one` is bright on the left and `two` on the right."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 30), ("test", 4)):
        for label, place in (("one", 0), ("two", 4)):
            (root / split / label).mkdir(parents=True)
            for number in range(count):
                pixels_HW = rng.normal(60, 25, (8, 8))
                pixels_HW[:, place : place + 4] += 120
                image = Image.fromarray(pixels_HW.clip(0, 255).astype(np.uint8))
                image.save(root / split / label / f"{number}.png")


def test_images_that_have_a_left_and_a_right_are_not_mirrored(tmp_path: Path) -> None:
    sides(tmp_path / "real")
    synthetic = tmp_path / "synthetic"
    for label in ("one", "two"):
        evaluate_data.write_images(synthetic / label, label, 0, 3)
    settings = {**QUICK, "flip": "auto", "steps": 30, "arms": "classical,classical+synthetic"}
    found = evaluate(tmp_path / "real", synthetic, **settings).values
    assert found["classical_augmentation"]["mirrored"] == "no"
    forced = evaluate(tmp_path / "real", synthetic, **{**settings, "flip": "yes", "steps": 1}).values
    assert forced["classical_augmentation"]["mirrored"] == "yes"


def test_no_copy_of_what_is_held_out_is_trained_on(tmp_path: Path) -> None:
    """Neither in the folds, nor where the classical augmentation is chosen in each."""
    import vaeaug

    real = tiny_data.write_dataset(tmp_path / "real", {"ant": 6, "bee": 6})
    for number in range(6):
        shutil.copy(real / f"ant/{number:03}.png", real / f"ant/copy-{number}.png")
    vaeaug.augment(real, tmp_path / "extended", per_class=3, **tiny_data.UNFILTERED)
    divisions = []

    def tried(seen: list[Path]) -> None:
        divisions.append(load_split(seen[-1].with_name("-".join(seen[-1].stem.split("-")[:3]) + ".npz")))

    def trained(seen: list[Path]) -> None:
        divisions.append(load_split(seen[-1].with_name(f"division-{seen[-1].stem.rpartition('-')[2]}.npz")))

    settings = {**QUICK, "arms": "classical,classical+synthetic", "classical": "mild+mixup", "flip": "auto"}
    settings |= {"steps": 2, "folds": 3}
    with on_disk("rename", "*/trial-*-*-*-*.npz", tried) as trials, on_disk("rename", TRAINED, trained):
        evaluate(real, tmp_path / "extended", **settings)
    assert len(trials) == 3 * 2 * 3  # with and without flips, on three folds of each
    assert len(divisions) == len(trials) + 2 * 2 * 3  # two arms and two seeds of each fold
    for division in divisions:
        assert not set(division.real.digests()) & set(division.test.digests())


def test_what_sample_wrote_can_be_made_again_too(tmp_path: Path) -> None:
    import vaeaug
    from vaeaug.workflows.evaluate.folds import augment_settings

    real = tiny_data.write_dataset(tmp_path / "real", {"ant": 6, "bee": 6})
    vaeaug.train(real, tmp_path / "model", **{**tiny_data.QUICK, "seed": 3, "loss": "l1", "scope": "shared"})
    vaeaug.sample(tmp_path / "model", tmp_path / "samples", per_class=5, sampler="posterior", seed=8)
    made = augment_settings(tmp_path / "samples", {"ant": 6, "bee": 6})
    wanted = {
        "variant": "cvae", "loss": "l1", "scope": "shared", "steps": 12, "image_size": "8x8", "sampler": "posterior",
        "seed": 8, "filter": False, "per_class": 5,
    }  # fmt: skip
    assert {name: made[name] for name in wanted} == wanted
    again = vaeaug.augment(real, tmp_path / "again", **made, workers=1)
    assert [count.synthetic for count in again.counts] == [5, 5]


def test_a_handful_of_images_is_enough_to_choose_the_classical_augmentation(tmp_path: Path, synthetic: Path) -> None:
    """Two classes of two images: of three folds, some have one image, and copies are in one fold together."""
    real = evaluate_data.write_real(tmp_path / "real", train=2)
    for label in ("ant", "bee"):
        shutil.copy(real / f"train/{label}/000.png", real / f"train/{label}/001.png")
    settings = {**QUICK, "arms": "classical,classical+synthetic", "flip": "auto", "steps": 2}
    assert evaluate(real, synthetic, **settings).values["classical_augmentation"]["mirrored"] in ("yes", "no")
